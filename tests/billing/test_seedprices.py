"""`seedprices` writes the default prices if there are no prices, and otherwise changes nothing."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.support.rows import each
from videos.billing import default_prices
from videos.models import Price

DEFAULTS = len(default_prices.PRICES)
MODEL = "Vidu-q2-720p"


@pytest.fixture
def no_prices(db: None) -> None:
    """A database without prices, as the first `migrate` leaves it."""
    Price.objects.all().delete()


def seed_prices(**options: Any) -> str:
    """Run the command; returns its output."""
    output = StringIO()
    call_command("seedprices", stdout=output, **options)
    return output.getvalue().removesuffix("\n")


def rows() -> list[tuple[Any, ...]]:
    return list(Price.objects.order_by("pk").values_list())


def a_price_of_the_operators() -> Price:
    return Price.objects.create(model=MODEL, per_second=5, valid_from=default_prices.VALID_FROM)


@pytest.mark.usefixtures("no_prices")
def test_a_database_without_prices_gets_the_default_ones() -> None:
    expected = f"Wrote {DEFAULTS} prices in CNY, which are not verified: check them in the console."
    assert seed_prices() == expected
    fields = default_prices.DefaultPrice._fields
    written = {default_prices.DefaultPrice(*row) for row in Price.objects.values_list(*fields)}
    assert written == {*default_prices.PRICES}
    assert set(Price.objects.values_list("valid_from", "valid_until")) == {(default_prices.VALID_FROM, None)}


@pytest.mark.usefixtures("no_prices")
def test_a_second_run_changes_nothing() -> None:
    seed_prices()
    before = rows()
    assert seed_prices() == f"There are {DEFAULTS} prices already: nothing was changed."
    assert rows() == before


def _changed() -> None:
    Price.objects.filter(model=MODEL).update(per_second=Decimal("9.99"))


def _closed() -> None:
    Price.objects.filter(model=MODEL).update(valid_until=timezone.now())


def _all_closed() -> None:
    Price.objects.update(valid_until=timezone.now())


def _added() -> None:
    Price.objects.create(model=MODEL, per_second=5, valid_from=timezone.now() + timedelta(days=1))


def _removed() -> None:
    Price.objects.filter(model=MODEL).delete()


@each("change", [_changed, _closed, _all_closed, _added, _removed])
def test_changes_by_staff_are_kept(change: Callable[[], None], db: None) -> None:
    change()
    before = rows()
    assert seed_prices() == f"There are {len(before)} prices already: nothing was changed."
    assert rows() == before


@pytest.mark.usefixtures("no_prices")
def test_a_single_existing_price_prevents_the_default_ones() -> None:
    price = a_price_of_the_operators()
    assert seed_prices() == "There is 1 price already: nothing was changed."
    assert [row.pk for row in Price.objects.all()] == [price.pk]


@pytest.mark.usefixtures("no_prices")
def test_with_another_currency_no_prices_are_written(settings: LazySettings) -> None:
    settings.CURRENCY = "USD"
    assert seed_prices() == (
        "Nothing was written: the default prices are in CNY, and CURRENCY is USD. Set prices in the console."
    )
    assert rows() == []
    a_price_of_the_operators()
    assert seed_prices() == "There is 1 price already: nothing was changed."


@pytest.mark.usefixtures("no_prices")
def test_verbosity_0_prints_nothing() -> None:
    assert seed_prices(verbosity=0) == ""
    assert len(rows()) == DEFAULTS


@pytest.mark.usefixtures("no_prices")
def test_migrating_alone_writes_no_prices() -> None:
    call_command("migrate", verbosity=0)
    assert rows() == []


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_processes_one_writes_the_default_prices() -> None:
    Price.objects.all().delete()
    barrier = threading.Barrier(4)
    written: list[int] = []

    def seed() -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            written.append(default_prices.seed())
        finally:
            connection.close()

    threads = [threading.Thread(target=seed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == [0, 0, 0, DEFAULTS]
    assert Price.objects.count() == DEFAULTS
