"""Tests of the choice of accounts, their health and their rate limits."""
