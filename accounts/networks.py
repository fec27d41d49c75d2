"""Networks, IP addresses, and the address that a request comes from."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from config.networks import subscriber_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "::"
"""Stands for an unknown address."""

_LONGEST = 100
"""Characters of an address with a zone and a port."""
_WITH_PORT = re.compile(r"\[([^]]+)\](?::\d+)?|([\d.]+):\d+")
_MAPPED = IPv6Network("::ffff:0:0/96")
"""The IPv4-mapped addresses of IPv6."""


def validate_network(text: str) -> None:
    """Raise `ValidationError` unless it is a network in CIDR form, with no host bits set."""
    try:
        network = _network(text)
    except ValueError as error:
        raise ValidationError(
            _("%(text)s is no network; write one such as 203.0.113.0/24 or 2001:db8::/32"),
            params={"text": text},
        ) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ValidationError(_("%(text)s is a network of IPv4; write it as one"), params={"text": text})


def parse_address(text: str) -> Address | None:
    """Parse an address as servers and proxies write it, perhaps with brackets, a port or a zone.

    An IPv4-mapped IPv6 address becomes the IPv4 address. None if it is invalid.
    """
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(maxsize=4096)  # a client sends many requests
def _parsed(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text.strip())
    bare = (match[1] or match[2]) if match else text.strip()
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def contains(networks: Iterable[str], address: Address) -> bool:
    """Whether one of the networks, each in CIDR form, holds the address."""
    return any(address in _network(network) for network in networks)


def caller(meta: Mapping[str, Any]) -> Address | None:
    """The caller's address, from a request's `META`; None if it is unknown.

    With `TRUSTED_PROXIES` = n it is the n-th entry of X-Forwarded-For from the right, which the outermost of
    our proxies wrote; the entries left of it may be forged. With fewer entries the request did not pass all
    of them, so any entry may be forged and the address is unknown.
    """
    if settings.TRUSTED_PROXIES == 0:
        return parse_address(str(meta.get("REMOTE_ADDR", "")))
    entries = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if len(entries) < settings.TRUSTED_PROXIES:
        return None
    return parse_address(entries[-settings.TRUSTED_PROXIES])


def shown(request: HttpRequest) -> str:
    """The caller's full address for people; empty if it is unknown."""
    return str(caller(request.META) or "")


def of_request(request: HttpRequest) -> str:
    """The address under which failed log-ins and mails are counted; all unknown ones count as one.

    In IPv6 it is the first of the caller's /64, which belongs to one subscriber.
    """
    return subscriber_network(str(caller(request.META) or UNKNOWN))


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    return ip_network(text)
