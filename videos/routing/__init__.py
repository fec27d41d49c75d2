"""Which account serves a task, its rate limits, and open connections to it."""
