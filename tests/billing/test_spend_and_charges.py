"""Spend counts by day of creation, charges by day of charge; each page says which it shows."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.html import escape

from accounts.models import Role
from tests.conftest import Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member
from videos.models import LedgerEntry
from videos.states import Status

BEFORE = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
AFTER = datetime(2026, 11, 1, 0, 10, tzinfo=UTC)
OCTOBER: dict[str, Any] = {"start_date": "2026-10-01", "end_date": "2026-10-31"}
NOVEMBER: dict[str, Any] = {"start_date": "2026-11-01", "end_date": "2026-11-30"}
SPEND = "Spend is the price of open and completed videos, by the day they were created."
CHARGES = "Charges are the price of completed videos, by the day they were charged."


def test_a_video_across_the_end_of_a_month_is_spend_of_one_and_a_charge_of_the_other(
    owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(Status.RUNNING, now=BEFORE, price=Decimal(3))
    LedgerEntry.objects.create(tenant=owner.tenant, task=task, kind="capture", amount=0, held=-3, at=AFTER)
    alice = Member(owner.tenant, Role.VIEWER)

    def spent(days: dict[str, Any]) -> Decimal:
        tables = alice.get("portal:usage", **days).context["tables"]
        return next(Decimal(total[-1]) for table, _, total in tables if table.group == "day")

    def charged(days: dict[str, Any]) -> Decimal:
        return Decimal(alice.get("portal:statement", **days).context["statement"].total.taken)

    assert [(spent(month), charged(month)) for month in (OCTOBER, NOVEMBER)] == [
        (Decimal(3), Decimal(0)),
        (Decimal(0), Decimal(3)),
    ]
    year: dict[str, Any] = {"start_date": "2026-01-01", "end_date": "2026-12-31"}
    assert spent(year) == charged(year)


def test_each_page_says_which_it_shows_and_links_to_the_other(owner: Caller, make_task: MakeTask) -> None:
    make_task(Status.SUCCEEDED, now=AFTER, price=Decimal(3))
    alice, sophie = Member(owner.tenant, Role.VIEWER), Person("sophie")
    query = "?start_date=2026-11-01&end_date=2026-11-30"
    to_usage, to_statement = alice.url("portal:usage"), alice.url("portal:statement")
    tenant = f"/admin/accounts/tenant/{owner.tenant.pk}/"
    charges, spend = f"{tenant}statement/?month=2026-11", f"{tenant}?month=2026-11#spend"
    dashboard = sophie.see("/admin/")
    for page, says, link in (
        (alice.get("portal:usage", **NOVEMBER).content.decode(), SPEND, to_statement + query),
        (alice.get("portal:statement", **NOVEMBER).content.decode(), CHARGES, to_usage + query),
        (alice.get("portal:limits").content.decode(), SPEND, to_statement),
        (dashboard, SPEND, "#plot-charges"),
        (dashboard, CHARGES, "#spending-table"),
        (sophie.see(spend), SPEND, charges),
        (sophie.see(charges), CHARGES, spend),
    ):
        assert says in page
        assert f'href="{escape(link)}"' in page
    assert escape(charges) not in Person("ted", "view_tenant").see(spend)
