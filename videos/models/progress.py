"""How far workers have got with what they derive from the tasks."""

from datetime import datetime
from typing import Self

from django.db import models

from videos.models.task import Task


class Progress(models.Model):
    """A single row: until which time of creation tasks are taken into account; locked by those who go on."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def reached(cls) -> datetime | None:
        """The time; None if no worker has begun yet."""
        until: datetime | None = cls._default_manager.values_list("until", flat=True).first()
        return until

    @classmethod
    def locked(cls, now: datetime) -> Self:
        """The row, which begins with the first task; other processes wait until the transaction ends."""
        rows = cls._default_manager
        if not rows.exists():
            rows.bulk_create([cls(until=Task.objects.begin(now))], ignore_conflicts=True)
        return rows.select_for_update().get()
