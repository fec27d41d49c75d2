"""Imports the staff console's pages about videos, accounts, money and tenants, which registers them."""

from videos.console import (
    audited_codes,
    events,
    jobs,
    ledger,
    price_lists,
    prices,
    task_list,
    tenants,
    upstream_accounts,
)

__all__ = [
    "audited_codes",
    "events",
    "jobs",
    "ledger",
    "price_lists",
    "prices",
    "task_list",
    "tenants",
    "upstream_accounts",
]
