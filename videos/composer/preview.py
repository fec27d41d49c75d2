"""Previews the form: its price, its effect on limits, and the same request as a command."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.quotas.in_force import LIMITS
from accounts.quotas.limits import AdmissionDecision, Limits
from accounts.quotas.totals import Totals
from videos import explanations
from videos.composer.form import VideoForm
from videos.tasks import creation
from videos.tasks.orders import Checked
from videos.upstream import Translation


@dataclass(frozen=True)
class Effect:
    """The use of one limit before and after the video; a `limit` of None is unlimited."""

    label: str | Promise
    before: int | Decimal
    after: int | Decimal
    limit: int | Decimal | None
    unit: str | Promise = ""

    @property
    def is_exceeded(self) -> bool:
        return self.limit is not None and self.after > self.limit


@dataclass(frozen=True)
class Preview:
    """The preview of a form; if the form is invalid, only `body` and `problems` are set."""

    form: VideoForm

    @property
    def checked(self) -> Checked | None:
        """The request and its price; None if the form is invalid."""
        return self.form.checked if self.form.is_valid() else None

    @cached_property
    def decision(self) -> AdmissionDecision | None:
        """Whether the limits admit it now; None if the form is invalid."""
        if self.checked is None:
            return None
        [decision] = creation.decide([self.checked], self.checked.snapshot)
        return decision

    @property
    def refusals(self) -> Sequence[str]:
        """The limits that do not admit it now, in a sentence each."""
        return [explanations.of_limit(refusal) for refusal in self.decision.refusals] if self.decision else []

    @cached_property
    def translation(self) -> Translation | None:
        return self.checked.translated() if self.checked else None

    @property
    def effects(self) -> Sequence[Effect]:
        """The effect on each limit and on a prepaid balance."""
        return list(_effects(self.checked)) if self.checked else []

    @property
    def problems(self) -> Sequence[str]:
        """All that is wrong, in the API's order, each sentence once."""
        return list(dict.fromkeys(sentence for found in self.form.problems.values() for sentence in found))

    @property
    def body(self) -> str:
        return json.dumps(self.form.body, ensure_ascii=False, indent=2)

    @property
    def payload(self) -> str:
        return json.dumps(self.translation.payload, ensure_ascii=False, indent=2) if self.translation else ""


def _effects(checked: Checked) -> Iterator[Effect]:
    limits, totals = checked.snapshot.limits, checked.snapshot.totals
    yield from _tasks(limits, totals)
    seconds, amount, currency = checked.request.seconds, checked.quote.amount, settings.CURRENCY
    for name, used, added, unit in (
        ("seconds_per_day", totals.day_seconds, seconds, _("s")),
        ("seconds_per_month", totals.month_seconds, seconds, _("s")),
        ("spend_per_day", totals.day_spend, amount, currency),
        ("spend_per_month", totals.month_spend, amount, currency),
    ):
        yield Effect(LIMITS[name], used, used + added, getattr(limits, name), unit)
    if limits.is_prepaid:
        yield Effect(_("Balance"), totals.balance, totals.balance - amount, None, currency)


def _tasks(limits: Limits, totals: Totals) -> Iterator[Effect]:
    """The task is at work, or waits in the tenant's own queue."""
    waits = limits.waits(totals)
    name, used = ("queued_tasks", totals.waiting_tasks) if waits else ("concurrent_tasks", totals.open_tasks)
    yield Effect(LIMITS[name], used, used + 1, getattr(limits, name))
