"""An event loop whose time jumps: nobody sleeps, and all happens in one thread, always in the same order."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class NothingLeft(Exception):
    """Everything waits, and nothing will happen any more."""


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its time is in seconds since its start. What is meant for another thread runs in place."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now

    def run_in_executor(  # type: ignore[override]  # a narrower type
        self, executor: Any, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        done = self.create_future()
        try:
            done.set_result(function(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done


class _Jumps(selectors.SelectSelector):
    """Passes the time until the next timer at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        self.now += timeout
        return super().select(0)
