"""Write the default prices of a new deployment."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.template.defaultfilters import pluralize

from videos.billing import default_prices
from videos.billing.default_prices import CURRENCY
from videos.models import Price


class Command(BaseCommand):
    help = (
        f"Write the default prices, which are in {CURRENCY} and not verified, if the database has no prices"
        f" and CURRENCY is {CURRENCY}; otherwise change nothing. Run it after the first `migrate`. It is safe"
        " to run again: prices that staff changed or closed stay as they are."
    )

    def handle(self, *_: Any, verbosity: int, **__: Any) -> None:
        written = default_prices.seed()
        if verbosity > 0:
            self.stdout.write(_summary(written))


def _summary(written: int) -> str:
    if written:
        return f"Wrote {_counted(written)} in {CURRENCY}, which are not verified: check them in the console."
    if existing := Price.objects.count():
        return f"There {pluralize(existing, 'is,are')} {_counted(existing)} already: nothing was changed."
    return (
        f"Nothing was written: the default prices are in {CURRENCY}, and CURRENCY is {settings.CURRENCY}."
        " Set prices in the console."
    )


def _counted(prices: int) -> str:
    return f"{prices:,} price{pluralize(prices)}"
