"""A tenant's own queue: tasks above its limit of concurrent tasks, waiting in the order they were made."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.quotas.in_force import default_limits
from videos.estimates import generation_times

UNLIMITED = 2**31 - 1
"""Stands for the empty limit of a quota, where NULL says that there is no quota."""


@dataclass(frozen=True)
class Place:
    """Where a task stands in it; the first is 1."""

    position: int
    estimated_start: datetime | None
    """None where no task of the tenant may start at all."""

    @classmethod
    def of(cls, model: str, position: int, limit: int | None, usual: float | None, now: datetime) -> "Place":
        """That of a task of the model; its tenant's own limit and its usual time are None where unknown."""
        limit = default_limits().concurrent_tasks if limit is None else limit
        return cls.at(position, limit, usual or generation_times.guess(model).usual, now)

    @classmethod
    def at(cls, position: int, limit: int | None, usual: float, now: datetime) -> "Place":
        """That position, where `limit` tasks are at work that take `usual` seconds and end evenly spread."""
        if limit == 0:
            return cls(position, None)
        return cls(position, now + timedelta(seconds=position * usual / limit if limit else 0))
