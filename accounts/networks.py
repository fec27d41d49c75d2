"""Networks and the addresses in them, as text."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"\[([^]]+)\](?::\d+)?|([\d.]+):\d+")
_MAPPED = IPv6Network("::ffff:0:0/96")
"""Where IPv6 keeps the addresses of IPv4."""


def validate_network(text: str) -> None:
    """Raise `ValidationError` for what is no network in CIDR form, such as one with host bits set."""
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
    """Read an address as servers and proxies write it, perhaps in brackets, with a port or a zone.

    An IPv4 address inside an IPv6 one is that IPv4 address. None for what is no address.
    """
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


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    return ip_network(text)
