#!/usr/bin/env python
"""Django's command line, with the embedded PostgreSQL running while a command needs it."""

import os
import sys
from collections.abc import Sequence

WITHOUT_DATABASE = frozenset({"check", "collectstatic", "compilemessages", "help", "makemessages", "version"})
"""Commands that must not start a server."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, as in shells."""


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Imported here, so that Ctrl-C during the import is handled.
    from django.core.management import execute_from_command_line

    # Importing these reads the settings, which name the server that is started for the command.
    from config import checks, database, postgres

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    _refuse_broken_text(sys.argv[1:])
    if command in WITHOUT_DATABASE:
        execute_from_command_line(sys.argv)
        return
    checks.run_early_checks()
    try:
        with database.available(), database.troubles_told():
            execute_from_command_line(sys.argv)
    except postgres.EmbeddedPostgresError as error:
        sys.exit(str(error))


def _refuse_broken_text(arguments: Sequence[str]) -> None:
    """Text in another encoding can be neither looked up nor stored."""
    for argument in arguments:
        if any("\ud800" <= character <= "\udfff" for character in argument):
            sys.exit(f"{argument!r} is not text in UTF-8.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
