"""A tenant's pages about its videos."""
