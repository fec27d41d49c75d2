"""How long a task takes, when to look again, and where it is in its tenant's queue."""
