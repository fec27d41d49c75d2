"""The limits in force: a tenant's own quota, or the default in the settings."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Quota, WhenFull
from accounts.quotas.limits import Limits

LIMITS: Mapping[str, Promise] = {
    "concurrent_tasks": _("Concurrent videos"),
    "queued_tasks": _("Queued videos"),
    "when_full": _("when full"),
    "requests_per_minute": _("Videos created per minute"),
    "seconds_per_day": _("Video today"),
    "seconds_per_month": _("Video this month"),
    "spend_per_day": _("Spend today"),
    "spend_per_month": _("Spend this month"),
}
"""The limits of a tenant that the API shows, with their labels on pages that compare them with the use."""
FIELDS = (*LIMITS, "is_prepaid")
"""The fields of a quota, in the order of its columns in `videos.tasks.sql.SNAPSHOT`."""


def quota_of(tenant_id: UUID) -> Quota:
    """The tenant's quota, or an unsaved one with the default limits."""
    own = Quota.objects.filter(tenant=tenant_id).first()
    return own or Quota(tenant_id=tenant_id, **_values(settings.DEFAULT_QUOTA.items()))


def limits_of(tenant_id: UUID) -> Limits:
    """The tenant's limits, without those of a key."""
    quota = quota_of(tenant_id)
    return limits_from([getattr(quota, name) for name in FIELDS])


def limits_from(columns: Sequence[Any], key: APIKey | None = None) -> Limits:
    """Limits from the values of `FIELDS`, in that order, and from the key that asks."""
    values = dict(zip(FIELDS, columns, strict=True))
    values["queues_when_full"] = values.pop("when_full") == WhenFull.QUEUE
    if key is not None:
        values["key_requests_per_minute"] = key.requests_per_minute
        values["key_spend_per_month"] = key.spend_per_month
    return Limits(**values)


def default_limits() -> Limits:
    """The limits of a tenant without its own quota."""
    return limits_from(default_columns())


def default_columns() -> Sequence[Any]:
    """The values of `FIELDS` for a tenant without its own quota."""
    return _columns(tuple(settings.DEFAULT_QUOTA.items()))


@lru_cache(maxsize=4)
def _columns(texts: tuple[tuple[str, str], ...]) -> Sequence[Any]:
    quota = Quota(**_values(texts))
    return tuple(getattr(quota, name) for name in FIELDS)


def _values(texts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: Quota._meta.get_field(name).to_python(text) for name, text in texts}  # type: ignore[union-attr]  # no relation is named there
