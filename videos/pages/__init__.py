"""Shared by portal and console: charts, the timeline, a task's status."""
