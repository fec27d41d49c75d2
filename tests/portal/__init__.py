"""Tests of the tenant portal."""
