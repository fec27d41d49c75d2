"""What an address says of who is behind it."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

_PREFIX_OF_ONE = 64
"""Bits of an IPv6 address that tell one subscriber from another: each has all the addresses below."""


@lru_cache(maxsize=4096)
def shared_by_one(text: str) -> str:
    """The address whoever has this one is counted under: itself, or the first of its /64 in IPv6.

    An IPv4 address inside an IPv6 one is that IPv4 address. The loopback and unspecified addresses of IPv6
    stay what they are, and so does what is no address.
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
