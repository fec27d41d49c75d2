"""A quote is the best-fitting price in force times the seconds."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from tests.conftest import NOW
from tests.support.rows import each
from videos import catalogue
from videos.billing import default_prices
from videos.billing.prices import PriceBook, Prices, Quote
from videos.errors import NoPrice
from videos.models import Price
from videos.requests import VideoRequest, parse

MODEL = "Vidu-q2-720p"
"""A model with every option."""
DAY = timedelta(days=1)
LONG_AGO = NOW - 1000 * DAY
COLUMNS = {"audio": "with_audio", "reference": "with_reference", "off_peak": "off_peak"}
PICTURE, OTHER_PICTURE = "https://cdn.example.com/1.png", "https://cdn.example.com/2.png"
CLIP = "https://cdn.example.com/clip.mp4"

TWO_IMAGES: dict[str, Any] = {"images": [PICTURE, OTHER_PICTURE]}
ONE_IMAGE: dict[str, Any] = {"images": [PICTURE]}
A_VIDEO: dict[str, Any] = {"videos": [CLIP]}


def request(model: str, seconds: int, options: str = "", **fields: Any) -> VideoRequest:
    """A request with these options and fields."""
    names = {"audio": "AudioGeneration", "off_peak": "OffPeak"}
    switches = {names[option]: "Enabled" for option in options.split()}
    body = {"model": model, "seconds": seconds, "prompt": "a cat runs", **fields}
    return parse({**body, "metadata": {"output_config": switches}})


def asking(options: Iterable[str], seconds: int = 1) -> VideoRequest:
    """A request of `MODEL` with these options, references included."""
    switches = " ".join(option for option in options if option != "reference")
    return request(MODEL, seconds, switches, **(ONE_IMAGE if "reference" in options else {}))


def price(
    per_second: str | Decimal,
    *options: str,
    model: str = MODEL,
    start: datetime = LONG_AGO,
    end: datetime | None = None,
) -> Price:
    """An unsaved row of the price list."""
    columns = {column: option in options for option, column in COLUMNS.items()}
    return Price(model=model, per_second=Decimal(per_second), valid_from=start, valid_until=end, **columns)


def quote(*prices: Price, options: str = "", seconds: int = 1, now: datetime = NOW) -> Quote:
    return Prices(prices).quote(asking(options.split(), seconds), now)


class Row(NamedTuple):
    """A request and its default price."""

    model: str
    seconds: int
    amount: str
    options: str = ""
    fields: dict[str, Any] = {}
    charged: str | None = None
    """The options of the price, if they differ from those of the request."""


DEFAULTS = [
    *(Row(f"Kling-{version}-720p", 5, "2.00") for version in ("1.6", "2.0", "2.1")),
    *(Row(f"Kling-{version}-1080p", 10, "7.00") for version in ("1.6", "2.0", "2.1")),
    *(Row(f"Kling-{version}-720p", 5, "1.50") for version in ("2.5", "2.6")),
    *(Row(f"Kling-{version}-1080p", 10, "5.00") for version in ("2.5", "2.6")),
    Row("Kling-2.5-1080p", 5, "2.50", "audio", charged=""),
    Row("Kling-2.6-720p", 5, "1.50", "audio", charged=""),
    Row("Kling-2.6-1080p", 5, "5.00", "audio"),
    Row("Kling-2.5-1080p", 5, "2.50", fields=TWO_IMAGES),
    Row("Kling-o1-720p", 3, "1.80"),
    Row("Kling-o1-1080p", 3, "2.40"),
    Row("Kling-o1-720p", 3, "1.80", fields=ONE_IMAGE),
    Row("Kling-o1-720p", 3, "2.70", fields=TWO_IMAGES, charged="reference"),
    Row("Kling-o1-1080p", 3, "3.60", fields=A_VIDEO, charged="reference"),
    Row("Kling-o1-1080p", 3, "3.60", "audio", A_VIDEO, charged="reference"),
    Row("Kling-3.0-720p", 15, "9.00"),
    Row("Kling-3.0-1080p", 15, "12.00"),
    Row("Kling-3.0-720p", 5, "4.50", "audio"),
    Row("Kling-3.0-1080p", 5, "6.00", "audio"),
    Row("Kling-3.0-1080p", 5, "4.00", fields=TWO_IMAGES),
    Row("Kling-3.0-1080p", 5, "4.00", fields=A_VIDEO, charged=""),
    Row("Kling-3.0-1080p", 5, "6.00", "audio", A_VIDEO, charged="audio"),
    Row("Kling-3.0-omni-720p", 5, "3.00"),
    Row("Kling-3.0-omni-1080p", 5, "4.00"),
    Row("Kling-3.0-omni-720p", 5, "4.00", "audio"),
    Row("Kling-3.0-omni-1080p", 5, "5.00", "audio"),
    Row("Kling-3.0-omni-1080p", 5, "4.00", fields=ONE_IMAGE),
    Row("Kling-3.0-omni-720p", 5, "4.50", fields=TWO_IMAGES, charged="reference"),
    Row("Kling-3.0-omni-1080p", 5, "6.00", fields=A_VIDEO, charged="reference"),
    Row("Kling-3.0-omni-720p", 5, "5.50", "audio", A_VIDEO, charged="audio reference"),
    Row("Kling-3.0-omni-1080p", 5, "7.00", "audio", TWO_IMAGES, charged="audio reference"),
    *(Row(f"Hailuo-{version}-768p", 6, "1.98") for version in ("02", "2.3")),
    *(Row(f"Hailuo-{version}-1080p", 6, "3.48") for version in ("02", "2.3")),
    Row("Hailuo-2.3-fast-768p", 6, "1.35"),
    Row("Hailuo-2.3-fast-768p", 10, "2.25", fields=ONE_IMAGE),
    Row("Hailuo-2.3-fast-1080p", 6, "2.31"),
    Row("Vidu-q2-720p", 5, "1.60"),
    Row("Vidu-q2-1080p", 5, "2.35"),
    Row("Vidu-q2-720p", 5, "1.60", fields=ONE_IMAGE, charged="reference"),
    Row("Vidu-q2-1080p", 5, "4.10", fields=ONE_IMAGE, charged="reference"),
    Row("Vidu-q2-720p", 5, "0.80", "off_peak"),
    Row("Vidu-q2-1080p", 5, "1.175", "off_peak"),
    Row("Vidu-q2-720p", 5, "0.80", "off_peak", ONE_IMAGE, charged="reference off_peak"),
    Row("Vidu-q2-1080p", 5, "2.05", "off_peak", TWO_IMAGES, charged="reference off_peak"),
    Row("Vidu-q2-1080p", 5, "2.05", "audio off_peak", TWO_IMAGES, charged="reference off_peak"),
    Row("Vidu-q2-pro-720p", 2, "0.70"),
    Row("Vidu-q2-pro-1080p", 2, "1.40", fields=TWO_IMAGES),
    Row("Vidu-q2-pro-720p", 1, "0.175", "off_peak"),
    Row("Vidu-q2-pro-1080p", 1, "0.35", "off_peak"),
    Row("Vidu-q2-turbo-720p", 2, "0.50"),
    Row("Vidu-q2-turbo-1080p", 2, "0.94"),
    Row("Vidu-q2-turbo-720p", 1, "0.125", "off_peak"),
    Row("Vidu-q2-turbo-1080p", 1, "0.235", "off_peak"),
    *(Row(f"Vidu-{version}-720p", 16, "12.512") for version in ("q3", "q3-pro", "q3-mix")),
    *(Row(f"Vidu-{version}-1080p", 2, "1.876") for version in ("q3", "q3-pro", "q3-mix")),
    *(Row(f"Vidu-{version}-720p", 1, "0.391", "off_peak") for version in ("q3", "q3-pro", "q3-mix")),
    *(Row(f"Vidu-{version}-1080p", 1, "0.469", "off_peak") for version in ("q3", "q3-pro", "q3-mix")),
    Row("Vidu-q3-720p", 1, "0.782", fields=ONE_IMAGE, charged=""),
    Row("Vidu-q3-turbo-720p", 2, "0.75"),
    Row("Vidu-q3-turbo-1080p", 2, "0.876"),
    Row("Vidu-q3-turbo-720p", 1, "0.1875", "off_peak"),
    Row("Vidu-q3-turbo-1080p", 1, "0.219", "off_peak"),
    *(Row(f"GV-3.1-{resolution}", 8, "12.00") for resolution in ("720p", "1080p")),
    *(Row(f"GV-3.1-{resolution}", 8, "24.00", "audio") for resolution in ("720p", "1080p")),
    *(Row(f"GV-3.1-fast-{resolution}", 8, "6.00") for resolution in ("720p", "1080p")),
    *(Row(f"GV-3.1-fast-{resolution}", 8, "9.00", "audio") for resolution in ("720p", "1080p")),
    Row("OS-2.0-720p", 12, "9.00"),
    *(Row(f"{model}-720p", 15, "4.50") for model in ("Hunyuan-1.5", "Mingmou-1.0")),
    *(Row(f"{model}-1080p", 15, "7.50") for model in ("Hunyuan-1.5", "Mingmou-1.0")),
]


@pytest.mark.django_db
@each("row", DEFAULTS)
def test_a_request_costs_what_the_default_prices_specify(row: Row) -> None:
    asked = request(row.model, row.seconds, row.options, **row.fields)
    quoted = PriceBook.load().default.quote(asked, NOW).as_dict()
    assert (quoted["amount"], quoted["seconds"]) == (row.amount, row.seconds)
    assert quoted["options"] == (row.options if row.charged is None else row.charged).split()


def test_the_table_above_has_every_model() -> None:
    assert {row.model for row in DEFAULTS} == {spec.name for spec in catalogue.MODELS}


@pytest.mark.django_db
def test_exactly_the_models_of_the_catalogue_have_default_prices() -> None:
    assert set(Price.objects.values_list("model", flat=True)) == {spec.name for spec in catalogue.MODELS}
    prices = PriceBook.load().default
    for spec in catalogue.MODELS:
        assert prices.of_model(spec.name, default_prices.VALID_FROM)[0]["options"] == []


# The choice

RULES: list[tuple[str, list[Price], str, str]] = [
    ("the plain price", [price("1")], "", "1.00"),
    ("an option without a price of its own changes nothing", [price("1")], "audio", "1.00"),
    ("a price for an option not asked for does not count", [price("2"), price("1", "audio")], "", "2.00"),
    ("a price for the option counts", [price("1"), price("2", "audio")], "audio", "2.00"),
    ("also where it is cheaper", [price("2"), price("1", "off_peak")], "off_peak", "1.00"),
    (
        "most options win",
        [price("9", "audio"), price("8", "reference"), price("1", "audio", "reference")],
        "audio reference",
        "1.00",
    ),
    (
        "a price with one option too many does not count",
        [price("1"), price("2", "audio"), price("3", "audio", "reference")],
        "audio off_peak",
        "2.00",
    ),
    (
        "of equally many the dearest wins",
        [price("1"), price("2", "audio"), price("3", "reference"), price("1.5", "off_peak")],
        "audio reference off_peak",
        "3.00",
    ),
    (
        "of pairs too",
        [price("2", "audio", "reference"), price("3", "audio", "off_peak"), price("9", "reference")],
        "audio reference off_peak",
        "3.00",
    ),
    (
        "the dearest of those in force, not of those replaced",
        [price("9", "audio"), price("1", "audio", start=NOW - DAY), price("2", "reference")],
        "audio reference",
        "2.00",
    ),
    ("another model's price does not count", [price("1"), price("9", model="Vidu-q2-1080p")], "", "1.00"),
    ("a price of nothing is a price", [price("1"), price("0", "off_peak")], "off_peak", "0.00"),
]


@pytest.mark.parametrize(
    ("rows", "options", "amount"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES]
)
def test_the_best_fitting_price_applies(rows: list[Price], options: str, amount: str) -> None:
    for order in (rows, rows[::-1]):
        assert quote(*order, options=options).as_dict()["amount"] == amount


def test_ties_between_options_are_resolved_the_same_way_in_any_order() -> None:
    rows = [price("1", "audio"), price("1", "reference")]
    assert quote(*rows, options="audio reference") == quote(*rows[::-1], options="audio reference")


def test_a_disabled_switch_is_not_an_option() -> None:
    body = {"model": MODEL, "seconds": 1, "prompt": "a cat runs"}
    off = parse({**body, "metadata": {"output_config": {"AudioGeneration": "Disabled", "OffPeak": False}}})
    rows = [price("1"), price("2", "audio"), price("3", "off_peak")]
    assert Prices(rows).quote(off, NOW).options == ()


# Times

OLD, NEW = price("1"), price("2", start=NOW)
TEMPORARY = price("3", start=NOW, end=NOW + DAY)
MOMENT = timedelta(microseconds=1)

DATES: list[tuple[str, list[Price], datetime, str | None]] = [
    ("none before the first begins", [NEW], NOW - MOMENT, None),
    ("the first from its very moment", [NEW], NOW, "2.00"),
    ("the old one until the new one begins", [OLD, NEW], NOW - MOMENT, "1.00"),
    ("the new one from then on", [OLD, NEW], NOW, "2.00"),
    ("the new one long after", [OLD, NEW], NOW + 1000 * DAY, "2.00"),
    ("a temporary one while it lasts", [OLD, TEMPORARY], NOW + DAY - MOMENT, "3.00"),
    ("the old one again at its very end", [OLD, TEMPORARY], NOW + DAY, "1.00"),
    ("none after the only one ended", [TEMPORARY], NOW + DAY, None),
    (
        "the plain one where that of the option ended",
        [OLD, price("5", "audio", end=NOW)],
        NOW,
        "1.00",
    ),
    ("that of the option until then", [OLD, price("5", "audio", end=NOW)], NOW - MOMENT, "5.00"),
    ("that of the option though it is the older", [NEW, price("5", "audio")], NOW, "5.00"),
]


@pytest.mark.parametrize(("rows", "now", "amount"), [row[1:] for row in DATES], ids=[row[0] for row in DATES])
def test_only_a_price_in_force_counts(rows: list[Price], now: datetime, amount: str | None) -> None:
    if amount is None:
        with pytest.raises(NoPrice):
            quote(*rows, options="audio", now=now)
    else:
        assert quote(*rows, options="audio", now=now).as_dict()["amount"] == amount


def test_a_model_without_any_price_has_no_quote() -> None:
    with pytest.raises(NoPrice):
        quote()
    with pytest.raises(NoPrice):
        quote(price("2", "audio"))
    assert Prices([]).of_model(MODEL, NOW) == []


# Amounts


@pytest.mark.parametrize(
    ("per_second", "seconds", "amount"),
    [
        ("0.60", 5, "3.000000"),
        ("0.333333", 3, "0.999999"),
        ("0.0000005", 1, "0.000001"),
        ("0.00000049", 1, "0.000000"),
        ("0.0000015", 1, "0.000002"),
        ("0.0000025", 1, "0.000003"),
        ("0.0000005", 3, "0.000002"),
        ("999999999999.999999", 10, "9999999999999.999990"),
    ],
)
def test_the_amount_is_rounded_half_up_to_six_places(per_second: str, seconds: int, amount: str) -> None:
    assert str(quote(price(per_second), seconds=seconds).amount) == amount


def test_a_quote_explains_its_amount(settings: LazySettings) -> None:
    settings.CURRENCY = "EUR"
    assert quote(price("0.6"), price("1.25", "audio"), options="audio off_peak", seconds=5).as_dict() == {
        "amount": "6.25",
        "currency": "EUR",
        "per_second": "1.25",
        "seconds": 5,
        "options": ["audio"],
    }


def test_the_prices_of_a_model_are_those_in_force_simplest_first(settings: LazySettings) -> None:
    settings.CURRENCY = "EUR"
    rows = [
        price("1.1", "audio", "reference"),
        price("0.225", "audio"),
        price("9"),
        price("0.6", start=NOW),
        price("7", "reference", start=NOW + DAY),
        price("7", model="Vidu-q2-1080p"),
    ]
    assert Prices(rows).of_model(MODEL, NOW) == [
        {"per_second": "0.60", "currency": "EUR", "options": []},
        {"per_second": "0.225", "currency": "EUR", "options": ["audio"]},
        {"per_second": "1.10", "currency": "EUR", "options": ["audio", "reference"]},
    ]


OPTIONS = st.frozensets(st.sampled_from(sorted(COLUMNS)))
HOURS = st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours))
AMOUNTS = st.decimals(0, 3, places=1)
PRICES = st.builds(
    lambda options, per_second, start, lasts: price(
        per_second, *options, start=start, end=lasts and start + lasts
    ),
    OPTIONS,
    AMOUNTS,
    HOURS,
    st.none() | st.integers(1, 4).map(lambda hours: timedelta(hours=hours)),
)
LISTS = st.lists(PRICES, max_size=12, unique_by=lambda row: (options_of(row), row.valid_from))


def options_of(row: Price) -> frozenset[str]:
    return frozenset(option for option, column in COLUMNS.items() if getattr(row, column))


def in_force(row: Price) -> bool:
    return row.valid_from <= NOW and (row.valid_until is None or row.valid_until > NOW)


def is_replaced(row: Price, rows: list[Price]) -> bool:
    return any(options_of(row) == options_of(other) and row.valid_from < other.valid_from for other in rows)


@settings(deadline=None)
@given(LISTS, OPTIONS, st.integers(1, 10), st.randoms())
def test_a_quote_is_the_best_fitting_price_in_force(
    rows: list[Price], asked: frozenset[str], seconds: int, chance: random.Random
) -> None:
    usable = [row for row in rows if in_force(row) and options_of(row) <= asked]
    current = [row for row in usable if not is_replaced(row, usable)]
    if not current:
        with pytest.raises(NoPrice):
            Prices(rows).quote(asking(asked), NOW)
        return
    quoted = Prices(rows).quote(asking(asked, seconds), NOW)
    rank = (len(quoted.options), quoted.per_second)
    assert (frozenset(quoted.options), quoted.per_second) in [
        (options_of(row), row.per_second) for row in current
    ]
    assert all(rank >= (len(options_of(row)), row.per_second) for row in current)
    assert quoted.amount == quoted.per_second * seconds
    chance.shuffle(rows)
    assert Prices(rows).quote(asking(asked, seconds), NOW) == quoted


# The database


@pytest.mark.django_db
def test_loading_the_price_lists_takes_two_queries_and_a_quote_none(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(2):
        prices = PriceBook.load().default
        prices.quote(asking(["audio"]), NOW)
        prices.of_model(MODEL, NOW)


@pytest.mark.django_db
def test_an_operators_price_replaces_the_default_one() -> None:
    price("0.5", start=NOW - DAY).save()
    price("0.7", start=NOW + DAY).save()
    prices = PriceBook.load().default
    assert [prices.quote(asking([]), NOW + days * DAY).as_dict()["amount"] for days in (-2, 0, 2)] == [
        "0.32",
        "0.50",
        "0.70",
    ]


@pytest.mark.django_db(transaction=True)
def test_flushing_the_database_is_refused() -> None:
    with pytest.raises(CommandError):
        call_command("flush", interactive=False, verbosity=0)
    assert Price.objects.exists()
