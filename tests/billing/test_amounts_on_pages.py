"""Amounts on pages have two decimals, with the exact amount beside; files have the exact numbers."""

import csv
import io
from decimal import Decimal
from typing import Any

from accounts.models import Role, Standing
from accounts.templatetags.amounts import figure, money, plain_money, rate, signed_money
from tests.conftest import Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member, words
from videos.billing import ledger
from videos.states import Status


def test_an_amount_has_two_decimals_and_is_exact_on_hover() -> None:
    assert money(Decimal("1234.5")) == "1,234.50\u202fCNY"
    assert plain_money(Decimal("-7")) == figure(Decimal("-7.000000")) == "-7.00"
    assert plain_money(Decimal("0.225")) == '<abbr class="amount" title="0.225">0.23</abbr>'
    assert plain_money(Decimal("-0.000001")) == '<abbr class="amount" title="-0.000001">0.00</abbr>'
    assert signed_money(Decimal("8")) == "+8.00"
    assert signed_money(Decimal("-8")) == "-8.00"
    assert signed_money(Decimal(0)) == "0.00"
    assert rate(Decimal("1000.225")) == "1,000.225"


def test_the_money_of_a_video_is_told_in_words(owner: Caller, make_task: MakeTask) -> None:
    alice, sophie = Member(owner.tenant, Role.VIEWER), Person("sophie")
    for status, told in (
        (Status.SUCCEEDED, ["Held 8.00 CNY 2026-11-20 12:00:00", "Charged 8.00 CNY 2026-11-20 12:00:00"]),
        (Status.CANCELLED, ["Held 8.00 CNY 2026-11-20 12:00:00", "Refunded 8.00 CNY 2026-11-20 12:00:00"]),
        (Status.QUEUED, ["Held 8.00 CNY 2026-11-20 12:00:00"]),
    ):
        task = make_task(status, price=Decimal(8))
        pages = [
            alice.see("portal:video", task.public_id),
            words(sophie.get(f"/admin/videos/task/{task.pk}/change/")),
        ]
        for page in pages:
            trail = page.replace("\u202f", " ").split("What Amount When ")[1]
            assert trail.startswith(" ".join(told))
            assert "-8.00" not in page


def test_numbers_of_files_are_plain_numbers(owner: Caller) -> None:
    sophie = Person("sophie")
    ledger.adjust(owner.tenant, Decimal("-1234567.125"), sophie.user, "-1 for Alice", sophie.user.date_joined)
    Standing.objects.filter(tenant=owner.tenant).update(balance=Decimal("-1234567.125"))

    def row(answer: Any) -> dict[str, str]:
        return next(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    entry = row(sophie.get("/admin/videos/ledgerentry/export/"))
    assert (entry["Amount"], entry["Held"], entry["Reason"]) == ("-1234567.125", "0.00", "'-1 for Alice")
    assert row(sophie.get("/admin/accounts/tenant/export/"))["Balance"] == "-1234567.125"
    alice = Member(owner.tenant, Role.VIEWER)
    statement = alice.get("portal:statement-csv", "payments", period="30-days").content.decode("utf-8-sig")
    assert ",-1234567.125," in statement
