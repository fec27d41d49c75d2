"""Tests of people, keys and tenants."""
