#!/usr/bin/env python
"""Django's command line, with the embedded PostgreSQL held up while a command needs it."""

import os
import sys
from collections.abc import Sequence

WITHOUT_DATABASE = frozenset({"check", "collectstatic", "compilemessages", "help", "makemessages", "version"})
"""Commands that must not start a server."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Imported here, so that Ctrl-C is heard meanwhile.
    from django.core.management import execute_from_command_line

    # Settings are read before a command runs, so that the server they name is the one that is started.
    from config import checks, database, postgres

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    _refuse_broken_text(sys.argv[1:])
    if command in WITHOUT_DATABASE:
        execute_from_command_line(sys.argv)
        return
    checks.must_hold()
    try:
        with database.available(), database.troubles_told():
            execute_from_command_line(sys.argv)
    except postgres.EmbeddedPostgresError as error:
        sys.exit(str(error))


def _refuse_broken_text(arguments: Sequence[str]) -> None:
    """What a terminal with another encoding sent can be neither looked up nor stored."""
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            sys.exit(f"{argument!r} is not text in UTF-8.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
