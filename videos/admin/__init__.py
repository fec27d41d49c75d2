"""The staff console's pages about videos, accounts upstream, prices and money; importing registers them."""

from videos.admin import accounts, ledger, prices, tasks

__all__ = ["accounts", "ledger", "prices", "tasks"]
