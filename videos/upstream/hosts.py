"""Which hosts may be contacted on behalf of others, and which URLs name a host beyond doubt. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from config.networks import host_pattern, is_address, is_public, plain_host
from videos.upstream.download_errors import BadAddress

_ORDINARY_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(https?)://(\[[^\]/?#]*\]|[^\[\]@:/?#\\]+)(?::([0-9]{1,5}))?(?:[/?#].*)?", re.IGNORECASE)
"""Scheme, host and port; what is stricter than the standard leaves parsers nothing to disagree about."""
_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_AUTHORITY = re.compile(r"[a-z]+://([^/?#\\]*)", re.IGNORECASE)
_NEVER = re.compile(r"[\x00-\x20\x7f\\]")
"""Characters in no URL; parsers drop them, or take them for others."""
_LONGEST_SHOWN = 100
_LOCAL_DOMAINS = ("localhost", "local", "internal", "lan", "home.arpa")
"""Names that mean something else in each network. A proxy would resolve them in its own."""


@dataclass(frozen=True)
class Hosts:
    """The hosts that may be contacted.

    A host that a pattern names exactly is trusted, even if its address is private. Those that match only a
    wildcard, and all others if `any_public`, must have public addresses only.
    """

    patterns: tuple[str, ...] = ()
    """`host`, `host:port` or `*.domain`, in the form of `config.networks.host_pattern`."""
    any_public: bool = False

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Hosts":
        """Hosts of patterns in any form. Raises `ValueError` for an invalid one."""
        return cls(tuple(host_pattern(pattern) for pattern in patterns))

    def trusts(self, link: str) -> bool:
        """Whether the link's host may have a private address. Raises `BadAddress` unless it may be contacted.

        The names of other hosts are still to be resolved, to public addresses only (`guard.PublicOnly`).
        """
        host, port = _host_and_port(link)
        if host in self.patterns or f"{host}:{port}" in self.patterns:
            return True
        if not self.any_public and not self._matches_wildcard(host):
            raise BadAddress(host, "it is not among the hosts that are allowed")
        _check_public(host)
        return False

    def _matches_wildcard(self, host: str) -> bool:
        return any(host.endswith(pattern[1:]) for pattern in self.patterns if pattern.startswith("*."))


def _check_public(host: str) -> None:
    if is_address(host):
        if not is_public(host.strip("[]")):
            raise BadAddress(host, "it is not a public address")
    elif "." not in host or host.endswith(tuple(f".{domain}" for domain in _LOCAL_DOMAINS)):
        raise BadAddress(host, "it is not a public name")


def _host_and_port(link: str) -> tuple[str, int]:
    """The plain host and the port of a URL. Raises `BadAddress` for what is not plainly a URL of HTTP."""
    found = None if _NEVER.search(link) else _URL.fullmatch(link)
    if not found:
        raise BadAddress("", _fault(link))
    scheme, host, port = found.groups()
    try:
        return plain_host(host), _port(scheme.lower(), port)
    except ValueError as error:
        raise BadAddress(_shown(host), str(error)) from None


def _port(scheme: str, port: str | None) -> int:
    if port and not 0 < int(port) < 65536:
        raise ValueError("its port is not possible")
    return int(port) if port else _ORDINARY_PORTS[scheme]


def _fault(link: str) -> str:
    if _SCHEME.match(link):
        return "only http:// and https:// are allowed"
    authority = _AUTHORITY.match(link)
    if authority and "@" in authority[1]:
        return "a user name is not allowed"
    return "it is not a URL with a plain host"


def _shown(host: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in host[:_LONGEST_SHOWN])
