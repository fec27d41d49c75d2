"""What portal and console share: charts, the timeline, a task's status."""
