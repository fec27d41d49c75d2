"""The staff console: its site, its theme, and what its lists share."""
