"""Hourly counts, and the figures of the dashboard."""
