"""Money and limits."""
