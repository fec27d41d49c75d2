"""The pages in a real browser, against real processes: `make e2e`."""
