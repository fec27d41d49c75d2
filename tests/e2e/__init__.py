"""Browser tests against real processes: `make e2e`."""
