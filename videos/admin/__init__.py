"""The staff console's pages about videos, accounts upstream, prices and money; importing registers them."""

from videos.admin import accounts, events, ledger, prices, tasks

__all__ = ["accounts", "events", "ledger", "prices", "tasks"]
