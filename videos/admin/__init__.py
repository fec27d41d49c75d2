"""The staff console's pages about videos, accounts upstream, prices and money; importing registers them."""

from videos.admin import accounts, events, jobs, ledger, prices, tasks

__all__ = ["accounts", "events", "jobs", "ledger", "prices", "tasks"]
