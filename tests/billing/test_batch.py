"""Several tasks made with one statement, as a batch will make them."""

from decimal import Decimal

from django.utils import timezone

from accounts.models import Quota
from tests.conftest import GOOD_BODY, Caller
from videos.billing import reconciliation
from videos.errors import NotAdmitted
from videos.models import DailyUsage, LedgerEntry, Task, UpstreamAccount
from videos.tasks import admission, orders
from videos.tasks.admission import Caller as Asking
from videos.tasks.batch import Created, create_many
from videos.tasks.idempotency import Fingerprint

OTHER = GOOD_BODY | {"seconds": "10"}


def test_tasks_of_one_statement_are_admitted_in_turn_and_keep_the_books(
    owner: Caller, account: UpstreamAccount
) -> None:
    assert owner.key is not None
    Quota.objects.create(tenant=owner.tenant, seconds_per_day=21)
    asking = Asking.of(owner.key, timezone.now(), Fingerprint(b""))
    snapshot = admission.read_snapshot(asking)
    bodies = [GOOD_BODY, OTHER, OTHER, GOOD_BODY]
    ordered = [orders.order(orders.check(body, asking, snapshot)) for body in bodies]
    outcomes = create_many(ordered)
    assert [type(outcome) for outcome in outcomes] == [Created, Created, NotAdmitted, Created]
    assert sorted(Task.objects.values_list("seconds", flat=True)) == [5, 5, 10]
    assert sorted(Task.objects.values_list("turn", flat=True)) == [0, 1, 2]
    [use] = DailyUsage.objects.all()
    spent = sum(Task.objects.values_list("price", flat=True), Decimal(0))
    assert (use.tasks, use.seconds, use.spend) == (3, 20, spent)
    assert LedgerEntry.objects.count() == 3
    assert reconciliation.differences() == []
