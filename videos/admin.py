"""Imports the staff console's pages for videos, upstream accounts, prices and money, which registers them."""

from videos.console import events, jobs, ledger, prices, task_list, upstream_accounts

__all__ = ["events", "jobs", "ledger", "prices", "task_list", "upstream_accounts"]
