"""The price list of a new deployment: the vendor's prices in mid-2026 as third parties report them.

In CNY and unverified: staff must check and correct them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from videos.models import Price

CURRENCY = "CNY"
VALID_FROM = datetime(2026, 1, 1, tzinfo=UTC)


class DefaultPrice(NamedTuple):
    """The price of a second of video of one model with these options. The fields are those of `Price`."""

    model: str
    per_second: Decimal
    with_audio: bool = False
    with_reference: bool = False
    off_peak: bool = False


def _at(lower: str | None, full: str | None, *models: str, **options: bool) -> Iterator[DefaultPrice]:
    """Prices per second at the models' lower resolution and at 1080p; None if there is no such price."""
    for model in models:
        lower_resolution = "768p" if model.startswith("Hailuo-") else "720p"
        for resolution, per_second in ((lower_resolution, lower), ("1080p", full)):
            if per_second is not None:
                yield DefaultPrice(f"{model}-{resolution}", Decimal(per_second), **options)


def _off_peak(price: DefaultPrice) -> DefaultPrice:
    return price._replace(per_second=price.per_second / 2, off_peak=True)


_VIDU = (
    *_at("0.32", "0.47", "Vidu-q2"),
    *_at("0.32", "0.82", "Vidu-q2", with_reference=True),
    *_at("0.35", "0.70", "Vidu-q2-pro"),
    *_at("0.25", "0.47", "Vidu-q2-turbo"),
    *_at("0.782", "0.938", "Vidu-q3", "Vidu-q3-pro", "Vidu-q3-mix"),
    *_at("0.375", "0.438", "Vidu-q3-turbo"),
)

PRICES: tuple[DefaultPrice, ...] = (
    *_at("0.40", "0.70", "Kling-1.6", "Kling-2.0", "Kling-2.1"),
    *_at("0.30", "0.50", "Kling-2.5", "Kling-2.6"),
    *_at(None, "1.00", "Kling-2.6", with_audio=True),
    *_at("0.60", "0.80", "Kling-o1", "Kling-3.0", "Kling-3.0-omni"),
    *_at("0.90", "1.20", "Kling-3.0", with_audio=True),
    *_at("0.80", "1.00", "Kling-3.0-omni", with_audio=True),
    # No source has a price for O1: that of 3.0-Omni is assumed.
    *_at("0.90", "1.20", "Kling-o1", "Kling-3.0-omni", with_reference=True),
    *_at("1.10", "1.40", "Kling-3.0-omni", with_audio=True, with_reference=True),
    *_at("0.33", "0.58", "Hailuo-02", "Hailuo-2.3"),
    *_at("0.225", "0.385", "Hailuo-2.3-fast"),
    *_VIDU,
    *map(_off_peak, _VIDU),
    *_at("1.50", "1.50", "GV-3.1"),
    *_at("3.00", "3.00", "GV-3.1", with_audio=True),
    *_at("0.75", "0.75", "GV-3.1-fast"),
    *_at("1.125", "1.125", "GV-3.1-fast", with_audio=True),
    *_at("0.75", None, "OS-2.0"),
    *_at("0.30", "0.50", "Hunyuan-1.5", "Mingmou-1.0"),
)


def seed() -> int:
    """Write the default prices if there are no prices at all; returns how many were written.

    A deployment with a `CURRENCY` other than CNY gets none, and sells nothing until staff set prices.
    """
    if settings.CURRENCY != CURRENCY:
        return 0
    with transaction.atomic():
        # If two processes seed at the same time, the second must see the first one's prices.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Price._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        if Price.objects.exists():
            return 0
        prices = [Price(**default._asdict(), valid_from=VALID_FROM) for default in PRICES]
        return len(Price.objects.bulk_create(prices))
