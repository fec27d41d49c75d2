"""Sets a tenant's limits and balance, and reads what a create writes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import APIKey, Quota, Standing, User
from tests.conftest import GOOD_BODY, NOW, Caller
from videos.billing import ledger
from videos.models import DailyUsage, IdempotencyKey, LedgerEntry, Task, TaskEvent

PRICE, SECONDS = Decimal(4), 5
"""Of `GOOD_BODY`."""
LATER = NOW + timedelta(days=1000)
"""After everything these tests create."""


def limit(caller: Caller, **limits: Any) -> None:
    """Replace the limits of the caller's tenant; those not named are unlimited."""
    Quota.objects.filter(tenant=caller.tenant).delete()
    Quota.objects.create(tenant=caller.tenant, **limits)


def limit_key(caller: Caller, **limits: Any) -> None:
    assert caller.key is not None
    APIKey.objects.filter(pk=caller.key.pk).update(**limits)
    caller.key.refresh_from_db(fields=[*limits])


def pay_in(caller: Caller, amount: Decimal | int) -> None:
    staff, _ = User.objects.get_or_create(username="Sam", is_staff=True)
    ledger.top_up(caller.tenant, Decimal(amount), staff, "paid", NOW)


def post(caller: Caller, path: str = "/v1/videos", **fields: Any) -> Any:
    return caller.post(path, GOOD_BODY | fields)


def written() -> dict[str, Any]:
    """All rows that creating a task can change."""
    models = (Task, TaskEvent, LedgerEntry, DailyUsage, Standing, IdempotencyKey)
    rows: dict[str, Any] = {model.__name__: list(model.objects.order_by("pk").values()) for model in models}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        return rows | {"jobs": cursor.fetchone()}
