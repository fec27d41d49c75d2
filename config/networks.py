"""Which addresses belong to one subscriber, and to this machine."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

_PREFIX_OF_ONE = 64
"""Prefix length of the IPv6 network that one subscriber has."""


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
