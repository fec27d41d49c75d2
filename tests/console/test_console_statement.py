"""The statement of a tenant in the staff console: as in the portal, for staff who may view the ledger."""

from decimal import Decimal
from urllib.parse import urlencode

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Tenant
from tests.conftest import NOW, Caller
from tests.support.console import Person
from videos.billing import ledger

NOVEMBER = urlencode({"month": f"{NOW:%Y-%m}"})


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


@pytest.fixture
def paid(sophie: Person, owner: Caller, stranger: Caller) -> Tenant:
    ledger.top_up(owner.tenant, Decimal(20), sophie.user, "Invoice 7", NOW)
    ledger.top_up(stranger.tenant, Decimal(777), sophie.user, "Invoice 8", NOW)
    return owner.tenant


def statement_of(tenant: Tenant) -> str:
    return f"/admin/accounts/tenant/{tenant.pk}/statement/"


def test_it_shows_and_files_what_was_booked(
    sophie: Person, paid: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    assert f'href="{statement_of(paid)}"' in sophie.see(f"/admin/accounts/tenant/{paid.pk}/")
    with django_assert_max_num_queries(15):
        page = sophie.see(f"{statement_of(paid)}?{NOVEMBER}")
    assert "Invoice 7" in page
    assert "Invoice 8" not in page
    for table, row in (("statement", f"{NOW:%Y-%m-%d},20.00"), ("payments", "Top-up,20.00,Invoice 7")):
        file = f"{statement_of(paid)}{table}.csv?{NOVEMBER}"
        assert file in page
        assert row in sophie.get(file).content.decode()


def test_an_invalid_period_is_explained_on_the_page(sophie: Person, paid: Tenant) -> None:
    wrong = "start_date=2026-11-02&end_date=2026-11-01"
    assert "This is after the last day." in sophie.see(f"{statement_of(paid)}?{wrong}")
    answer = sophie.get(f"{statement_of(paid)}statement.csv?{wrong}")
    assert (answer.status_code, answer["Location"]) == (302, f"{statement_of(paid)}?{wrong}")


@pytest.mark.parametrize("file", ["", "statement.csv", "payments.csv"])
def test_it_needs_the_permissions_for_tenant_and_ledger(file: str, paid: Tenant) -> None:
    page = f"{statement_of(paid)}{file}"
    assert Person("tim", "view_tenant").get(page).status_code == 403
    assert Person("vera", "view_ledgerentry").get(page).status_code == 403
    assert Person("wim", "view_tenant", "view_ledgerentry").get(page).status_code == 200
    assert (
        Person("sophia").get(f"{page.replace(str(paid.pk), '0' * 8 + str(paid.pk)[8:])}").status_code == 404
    )
