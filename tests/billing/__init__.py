"""Tests of money and limits."""
