"""The thread that serves requests in batches: all that wait, callers in turn, each outcome to its own."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from config.edge.batches import MOST_AT_ONCE, Batches
from config.watchdog import Watchdog


def batches(serve: Callable[[Sequence[Any]], Sequence[Any]]) -> Batches[Any, Any]:
    return Batches("batches", serve, lambda: None, 60, Watchdog(1, 60)).start()


class Slow:
    """Serves its first batch only once it is released, so that the others wait."""

    def __init__(self) -> None:
        self.served: list[list[Any]] = []
        self.begun, self.release = threading.Event(), threading.Event()

    def __call__(self, asked: Sequence[Any]) -> list[Any]:
        self.served.append(list(asked))
        if len(self.served) == 1:
            self.begun.set()
            self.release.wait(60)
        return [f"answer to {one}" for one in asked]

    async def ask(self, first: str, *others: str) -> list[str]:
        """The answers; a request's caller is its first letter. The others wait while the first is served."""
        serving = batches(self)
        waiting = [asyncio.ensure_future(serving.run(b"", first, 60))]
        await asyncio.to_thread(self.begun.wait, 60)
        waiting += [asyncio.ensure_future(serving.run(one[0].encode(), one, 60)) for one in others]
        await asyncio.sleep(0)
        self.release.set()
        answers: list[str] = await asyncio.gather(*waiting)
        return answers


def test_all_that_wait_are_served_together_and_get_their_own_answers() -> None:
    slow = Slow()
    answers = asyncio.run(slow.ask("first", "a", "b", "c"))
    assert answers == ["answer to first", "answer to a", "answer to b", "answer to c"]
    assert slow.served == [["first"], ["a", "b", "c"]]


def test_callers_take_turns_so_that_many_requests_of_one_delay_nobody() -> None:
    slow = Slow()
    flood = [f"a{number}" for number in range(2 * MOST_AT_ONCE)]
    asyncio.run(slow.ask("first", *flood, "b0", "c0", "b1"))
    assert [len(batch) for batch in slow.served] == [1, MOST_AT_ONCE, MOST_AT_ONCE, 3]
    assert slow.served[1][:5] == ["a0", "b0", "c0", "a1", "b1"]
    assert [one for batch in slow.served for one in batch if one[0] == "a"] == flood


def test_an_error_is_raised_to_the_request_it_belongs_to_or_to_all() -> None:
    def serve(asked: Sequence[str]) -> list[object]:
        if "all" in asked:
            raise ZeroDivisionError
        return [KeyError(one) if one == "bad" else one for one in asked]

    async def asking() -> None:
        serving = batches(serve)
        assert await serving.run(b"", "good", 60) == "good"
        with pytest.raises(KeyError):
            await serving.run(b"", "bad", 60)
        with pytest.raises(ZeroDivisionError):
            await serving.run(b"", "all", 60)
        assert await serving.run(b"", "good", 60) == "good"

    asyncio.run(asking())


def test_a_request_that_nobody_waits_for_any_more_is_not_served() -> None:
    slow = Slow()

    async def asking() -> None:
        serving = batches(slow)
        first = asyncio.ensure_future(serving.run(b"", "first", 60))
        await asyncio.to_thread(slow.begun.wait, 60)
        gone = asyncio.ensure_future(serving.run(b"", "gone", 60))
        with pytest.raises(TimeoutError):
            await serving.run(b"", "late", 0.01)
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        slow.release.set()
        await first
        assert await serving.run(b"", "next", 60) == "answer to next"

    asyncio.run(asking())
    assert slow.served == [["first"], ["next"]]


def test_a_finished_request_is_not_kept_in_memory() -> None:
    class Request:
        pass

    freed = threading.Event()

    def serve(asked: Sequence[Request]) -> list[object]:
        return [KeyError() for _ in asked]

    async def asking() -> None:
        serving, request = batches(serve), Request()
        weakref.finalize(request, freed.set)
        with suppress(KeyError):
            await serving.run(b"", request, 60)

    gc.disable()
    try:
        asyncio.run(asking())
        assert freed.wait(60)
    finally:
        gc.enable()
