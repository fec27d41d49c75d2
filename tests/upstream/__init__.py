"""Tests of the provider's client and of the sandbox."""
