"""Which account takes a task. Pure: the accounts and what they have done so far are passed in.

A task may go to the accounts of its pool: those that its tenant owns, or those of the platform. Of these, the
accounts of the product that carries more of its options come first, wherever there is one; then the account
that has had least in proportion to its weight, as long as it has room.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from videos.models import UpstreamAccount

MOST_BEHIND = 4.0
"""Tasks of the lightest account that an account may have had too few of: one that was away does not catch up
on all that it missed."""


class Queue(NamedTuple):
    """Queued tasks that the same accounts can take."""

    model: str
    prefers: str = ""
    """The product that carries more of their options; empty if all carry the same."""
    owner: UUID | None = None
    """The tenant whose own accounts take them; None: the platform's."""


@dataclass
class Share:
    """What an account has had, and what it may take now."""

    account: UpstreamAccount
    served: float
    """Tasks it has taken, divided by its weight."""
    room: int | None = None
    """Tasks that it may still take now; None: any number."""
    queues: set[Queue] = field(default_factory=set)
    """From which it takes them."""
    taken: int = 0
    """How many it takes."""

    @property
    def is_full(self) -> bool:
        return self.room is not None and self.taken >= self.room

    def take_from(self, queue: Queue) -> None:
        self.queues.add(queue)
        self.taken += 1
        self.served += 1 / self.account.weight


def candidates(queue: Queue, accounts: Iterable[UpstreamAccount]) -> list[UpstreamAccount]:
    """The accounts that may take tasks of the queue: those of the preferred product if there is one."""
    in_pool = [
        account for account in accounts if account.owner_id == queue.owner and account.offers(queue.model)
    ]
    return [account for account in in_pool if account.product == queue.prefers] or in_pool


def next_share(shares: Iterable[Share]) -> Share | None:
    """The share that takes the next task: the least served with room, of equals the one with more room."""
    free = [share for share in shares if not share.is_full]
    return min(free, key=_order, default=None)


def _order(share: Share) -> tuple[float, float, float, int]:
    room = float("inf") if share.room is None else share.room - share.taken
    return share.served, -share.account.weight, -room, share.account.pk


def distribute(waiting: Mapping[Queue, int], shares: Sequence[Share], most: int) -> list[Share]:
    """The shares of the accounts that are to take some of the waiting tasks, each at most `most` now.

    `shares` are of all accounts that may take some; those that can take none now have no room. `waiting` has
    the number of tasks in each queue. An account that has had its `most` holds the queue up, so that weights
    hold while there are more tasks than the accounts can take.
    """
    by_account = {share.account.pk: share for share in shares}
    groups = {
        queue: [by_account[account.pk] for account in candidates(queue, [one.account for one in shares])]
        for queue in waiting
    }
    for group in groups.values():
        _forgive(group)
    left = Counter(waiting)
    while left:
        for queue in list(left):
            share = next_share(groups[queue])
            left[queue] -= 1
            if share is None or share.taken >= most or left[queue] < 0:
                del left[queue]
                continue
            share.take_from(queue)
    return [share for share in shares if share.taken]


def _forgive(group: Sequence[Share]) -> None:
    """Raise the shares of accounts that are far behind, such as new ones and those that were away."""
    free = [share for share in group if not share.is_full]
    if not free:
        return
    lightest = min(share.account.weight for share in free)
    floor = max(share.served for share in free) - MOST_BEHIND / lightest
    for share in free:
        share.served = max(share.served, floor)
