"""Which addresses belong to one subscriber, this machine or the public, and how hosts are written. Pure."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_PREFIX_OF_ONE = 64
"""Prefix length of the IPv6 network that one subscriber has."""
_NOT_PUBLIC_4 = tuple(
    IPv4Network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; some clouds keep their metadata there
        "168.63.129.16/32",  # services of the host for machines in Azure
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.88.99.0/24",  # relays of 6to4
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""IPv4 networks that `is_global` allows, or allowed in some release of Python."""
_ALLOCATED_6 = IPv6Network("2000::/3")
"""All that is allocated for the public; local, mapped and other special addresses are elsewhere."""
_NOT_PUBLIC_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_LONGEST_NAME = 253
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:]*):([0-9]{1,5})")
_WILDCARD = "*."


@lru_cache(maxsize=4096)
def subscriber_network(text: str) -> str:
    """The address that a caller is counted under: in IPv6 the first of its /64, else the address itself.

    An IPv4-mapped IPv6 address becomes the IPv4 address. Loopback and unspecified addresses of IPv6 and
    invalid texts are returned unchanged.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    if address.is_loopback or address.is_unspecified:
        return str(address)
    return str(IPv6Network((address, _PREFIX_OF_ONE), strict=False).network_address)


def is_loopback(host: str) -> bool:
    """Whether the host of a URL, a name or an address, is this machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, so that we may contact it on behalf of others.

    Addresses that contain an IPv4 address (6to4, NAT64) are as public as that. Invalid texts and addresses
    with a zone are not public.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_4(parsed)
    return parsed.scope_id is None and _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _NOT_PUBLIC_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address in _NAT64:
        return _is_public_4(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.sixtofour:
        return _is_public_4(address.sixtofour)
    is_special = any(address in network for network in _NOT_PUBLIC_6)
    return address in _ALLOCATED_6 and address.is_global and not is_special


def plain_host(host: str) -> str:
    """The host of a URL in the one form that all programs read alike: a lower-case name, or an IP address.

    IPv6 addresses are in brackets. Raises `ValueError` with the reason for anything else, such as numbers
    that some programs take for an IPv4 address.
    """
    lower = host.lower() if host.isascii() else ""
    if lower.startswith("[") and lower.endswith("]"):
        return f"[{_plain_ipv6(lower[1:-1])}]"
    if len(lower) > _LONGEST_NAME or not _NAME.fullmatch(lower):
        raise ValueError("it is not a plain host name")
    if not _NUMBER.fullmatch(lower.rpartition(".")[2]):
        return lower
    try:
        return str(IPv4Address(lower))
    except ValueError:
        raise ValueError("it is not an IP address in its usual form") from None


def _plain_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise ValueError("it is not an IP address in its usual form") from None
    if address.scope_id is not None:
        raise ValueError("it is an IP address with a zone")
    return str(address)


def host_pattern(text: str) -> str:
    """A pattern of hosts in its plain form: `host`, `host:port`, or `*.domain` for all names below a domain.

    Raises `ValueError` for anything else, and for all names of a top-level domain.
    """
    if text.startswith(_WILDCARD):
        domain = plain_host(text.removeprefix(_WILDCARD))
        if "." not in domain or is_address(domain):
            raise ValueError("it is not a domain")
        return f"{_WILDCARD}{domain}"
    if not (with_port := _WITH_PORT.fullmatch(text)):
        return plain_host(text)
    host, port = with_port.groups()
    if not 0 < int(port) < 65536:
        raise ValueError("it is not a port")
    return f"{plain_host(host)}:{int(port)}"


def is_address(host: str) -> bool:
    """Whether a plain host is an IP address and not a name."""
    return host.startswith("[") or bool(_NUMBER.fullmatch(host.rpartition(".")[2]))
