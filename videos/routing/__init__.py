"""Which account serves a task, how fast it may be asked, and open connections to it."""
