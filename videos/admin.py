"""The staff console's pages about videos, accounts upstream, prices and money; importing registers them."""

from videos.console import events, jobs, ledger, prices, task_list, upstream_accounts

__all__ = ["events", "jobs", "ledger", "prices", "task_list", "upstream_accounts"]
