"""Names are resolved to public addresses only, at the moment of the connection.

A check before that would not help: who owns a name can let it resolve to something else a moment later.
aiohttp connects to no other addresses than its resolver returns. Addresses in place of a name do not come
here; `videos.upstream.hosts` checks those.
"""

import socket
from collections.abc import Callable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from config.networks import is_public
from videos.upstream.download_errors import BadAddress

MakeResolver = Callable[[], AbstractResolver]
"""Makes a resolver, within the event loop that uses it."""


class PublicOnly(AbstractResolver):
    """Refuses a name if any of its addresses is not public."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises `BadAddress`, and `OSError` for a name without an address."""
        found = await self._resolver.resolve(host, port, family)
        if not found:
            raise OSError(None, "the name has no address")
        if not all(is_public(each["host"]) for each in found):
            # Without the address: who asked may not be meant to know our network.
            raise BadAddress(host, "it has an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def public_only() -> AbstractResolver:
    """The system's resolver, guarded."""
    return PublicOnly(ThreadedResolver())
