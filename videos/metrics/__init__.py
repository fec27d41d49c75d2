"""Counted hours, and the figures of the dashboard."""
