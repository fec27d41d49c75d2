"""Prices, the ledger, use, statements, and the check that they agree."""
