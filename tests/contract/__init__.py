"""Tests of the contract's rules for requests."""
