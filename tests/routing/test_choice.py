"""Which account takes a task: a table of the choice, and properties of the distribution."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videos.models import UpstreamAccount
from videos.routing.choice import Queue, Share, candidates, distribute, next_share

ALICE, BOB = UUID(int=1), UUID(int=2)
MODEL, OTHER = "Kling-3.0-720p", "GV-3.1-720p"
NOT_LIMITED = None


def account(pk: int, **fields: Any) -> UpstreamAccount:
    given = {"product": "mps", "is_enabled": True, "disabled_models": [], "weight": 1, **fields}
    return UpstreamAccount(pk=pk, name=str(pk), **given)


MPS, VOD = account(1), account(2, product="vod")
OF_ALICE = account(3, owner_id=ALICE)
VOD_OF_ALICE = account(4, owner_id=ALICE, product="vod")
OFF = account(5, is_enabled=False)
OTHERS_ONLY = account(6, disabled_models=[MODEL])
EVERYONE = [MPS, VOD, OF_ALICE, VOD_OF_ALICE, OFF, OTHERS_ONLY]


@dataclass(frozen=True)
class Row:
    """A queue, the accounts there are, and those that may take its tasks."""

    name: str
    queue: Queue
    accounts: list[UpstreamAccount]
    able: list[UpstreamAccount]


ROWS = [
    Row("all of the platform's that offer the model", Queue(MODEL), EVERYONE, [MPS, VOD]),
    Row("only those that offer the model", Queue(OTHER), [OTHERS_ONLY, MPS], [OTHERS_ONLY, MPS]),
    Row("the product that carries every option", Queue(MODEL, "vod"), EVERYONE, [VOD]),
    Row("the product that stores in buckets", Queue(MODEL, "mps"), EVERYONE, [MPS]),
    Row("another product if there is none of it", Queue(MODEL, "vod"), [MPS, OFF], [MPS]),
    Row("a tenant's own accounts alone", Queue(MODEL, "", ALICE), EVERYONE, [OF_ALICE, VOD_OF_ALICE]),
    Row("its own of the better product", Queue(MODEL, "vod", ALICE), EVERYONE, [VOD_OF_ALICE]),
    Row("never the platform's for its own tasks", Queue(MODEL, "", BOB), EVERYONE, []),
    Row("never another tenant's", Queue(MODEL), [OF_ALICE, VOD_OF_ALICE], []),
    Row("none that is disabled", Queue(MODEL), [OFF], []),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_accounts_that_may_take_a_task(row: Row) -> None:
    assert candidates(row.queue, row.accounts) == row.able


def share(pk: int, served: float = 0, room: int | None = NOT_LIMITED, **fields: Any) -> Share:
    return Share(account(pk, **fields), served, room)


NEXT = [
    ("the least served", [share(1, served=2), share(2, served=1)], 2),
    ("of equals the heavier", [share(1), share(2, weight=3)], 2),
    ("of equals the one with more room", [share(1, room=1), share(2, room=4)], 2),
    ("of equals the one without a limit", [share(1, room=1), share(2)], 2),
    ("of equals the older", [share(2), share(1)], 1),
    ("not one that is full", [share(1, room=0), share(2, served=9)], 2),
    ("none if all are full", [share(1, room=0), share(2, room=0)], None),
    ("none if there is none", [], None),
]


@pytest.mark.parametrize(("name", "shares", "taker"), NEXT, ids=[name for name, *_ in NEXT])
def test_the_account_that_takes_the_next_task(name: str, shares: list[Share], taker: int | None) -> None:
    chosen = next_share(shares)
    assert (chosen.account.pk if chosen else None) == taker


def drained(tasks: int, shares: list[Share], most: int) -> Counter[int]:
    """How many of so many tasks each account gets, in rounds of at most `most` each."""
    got: Counter[int] = Counter()
    while tasks:
        turns = distribute({Queue(MODEL): tasks}, shares, most)
        assert turns
        for one in turns:
            got[one.account.pk] += one.taken
            tasks -= one.taken
            one.taken = 0
            one.queues.clear()
    return got


@pytest.mark.parametrize(
    ("weights", "parts"), [((1, 1, 1), (200, 200, 200)), ((3, 1), (450, 150)), ((100, 1), (594, 6))]
)
def test_accounts_share_tasks_in_proportion_to_their_weights(
    weights: tuple[int, ...], parts: tuple[int, ...]
) -> None:
    shares = [share(pk, weight=weight) for pk, weight in enumerate(weights, start=1)]
    got = drained(600, shares, most=20)
    for pk, part in enumerate(parts, start=1):
        assert abs(got[pk] - part) <= max(2, part // 50)


def test_an_account_that_was_away_does_not_catch_up_on_all_it_missed() -> None:
    shares = [share(1, served=1000), share(2, served=0)]
    got = drained(100, shares, most=20)
    assert 45 <= got[1] < got[2] <= 55


def test_a_full_account_leaves_its_tasks_to_the_others() -> None:
    turns = distribute({Queue(MODEL): 20}, [share(1, room=1), share(2)], 50)
    assert {one.account.pk: one.taken for one in turns} == {1: 1, 2: 19}


def test_tasks_that_prefer_a_product_do_not_keep_others_from_their_accounts() -> None:
    """A VOD account that runs one task at a time holds up only the tasks that need it."""
    shares = [share(1), share(2, room=1, product="vod")]
    turns = distribute({Queue(MODEL, "vod"): 500, Queue(MODEL): 3}, shares, 20)
    assert {one.account.pk: (one.taken, one.queues) for one in turns} == {
        1: (3, {Queue(MODEL)}),
        2: (1, {Queue(MODEL, "vod")}),
    }


QUEUES = [Queue(MODEL), Queue(MODEL, "vod"), Queue(OTHER, "mps"), Queue(MODEL, "", ALICE)]
ACCOUNTS = st.lists(
    st.builds(
        lambda weight, product, owner, room, served: (weight, product, owner, room, served),
        st.integers(1, 100),
        st.sampled_from(["mps", "vod"]),
        st.sampled_from([None, ALICE]),
        st.none() | st.integers(0, 5),
        st.floats(0, 50),
    ),
    max_size=5,
)


@given(ACCOUNTS, st.dictionaries(st.sampled_from(QUEUES), st.integers(1, 60)), st.integers(1, 20))
def test_no_account_gets_more_than_it_may(
    accounts: list[tuple[Any, ...]], waiting: dict[Queue, int], most: int
) -> None:
    shares = [
        share(pk, weight=weight, product=product, owner_id=owner, room=room, served=served)
        for pk, (weight, product, owner, room, served) in enumerate(accounts, start=1)
    ]
    everyone = [one.account for one in shares]
    turns = distribute(waiting, shares, most)
    assert sum(one.taken for one in turns) <= sum(waiting.values())
    for one in turns:
        assert 0 < one.taken <= min(most, most if one.room is None else one.room)
        assert all(one.account in candidates(queue, everyone) for queue in one.queues)
    if not turns:  # nobody could take anything
        able = [one for one in shares for queue in waiting if one.account in candidates(queue, everyone)]
        assert all(one.room == 0 for one in able)
