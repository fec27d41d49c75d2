"""Imports the staff console's pages about videos, accounts, money and tenants, which registers them."""

from videos.console import events, jobs, ledger, price_lists, prices, task_list, tenants, upstream_accounts

__all__ = ["events", "jobs", "ledger", "price_lists", "prices", "task_list", "tenants", "upstream_accounts"]
