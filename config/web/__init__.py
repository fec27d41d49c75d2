"""Helpers of pages: badges, links, query strings, CSV files."""
