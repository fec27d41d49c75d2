"""Small videos that play, for tests in which only that matters."""

import struct
from pathlib import Path

TINY = (Path(__file__).parent / "tiny.mp4").read_bytes()
"""An MP4 of two pictures of 16 by 16 pixels."""


def padded(size: int) -> bytes:
    """The same video in so many bytes: a box that players skip follows it."""
    left = size - len(TINY) - 8
    return TINY + struct.pack(">I4s", left + 8, b"free") + (bytes(range(256)) * (left // 256 + 1))[:left]
