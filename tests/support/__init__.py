"""Helpers shared by tests: people, pages, processes, tables of rows."""
