"""Limits and running totals of tenants, and whether another task is admitted."""
