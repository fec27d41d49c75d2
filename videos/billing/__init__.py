"""Prices, the ledger, use, statements, and the proof that they agree."""
