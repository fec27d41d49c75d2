"""Contents as blocks: what is read from a store, and what is written to one."""

import hashlib
from collections.abc import Callable, Iterator

from config.stores.base import BLOCK, Readable, Saved


class BlockWindow:
    """A window on blocks that come one after the other; the iterator raises `StoreError`."""

    def __init__(self, blocks: Iterator[bytes], close: Callable[[], None] = lambda: None) -> None:
        self._blocks = blocks
        self._close = close
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(self)
        return self._next(size)

    def __iter__(self) -> Iterator[bytes]:
        while block := self._next(BLOCK):
            yield block

    def close(self) -> None:
        self._left, self._blocks = b"", iter(())  # which ends the other iterator
        self._close()

    def _next(self, size: int) -> bytes:
        block = self._left or next(self._blocks, b"")
        self._left = block[size:]
        return block[:size]


class Measured:
    """A content that counts and hashes what is read of it, and keeps the error that reading it raised."""

    def __init__(self, content: Readable) -> None:
        self.error: BaseException | None = None
        self._content = content
        self._size, self._sha256 = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        while block := self._read():
            self._size += len(block)
            self._sha256.update(block)
            yield block

    def part(self, size: int) -> bytes:
        """The next bytes: at least `size` unless the content ends, and at most `BLOCK` more."""
        part = bytearray()
        for block in self:
            part += block
            if len(part) >= size:
                break
        return bytes(part)

    @property
    def saved(self) -> Saved:
        """What was read so far."""
        return Saved(self._size, self._sha256.hexdigest())

    def _read(self) -> bytes:
        try:
            return self._content.read(BLOCK)
        except BaseException as error:
            self.error = error
            raise
