#!/usr/bin/env python
"""Django's command line, with the embedded PostgreSQL held up while a command needs it."""

import os
import sys
from contextlib import nullcontext

from django.core.management import execute_from_command_line

WITHOUT_DATABASE = frozenset({"check", "collectstatic", "compilemessages", "help", "makemessages", "version"})
"""Commands that must not start a server."""


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    # Settings are read before a command runs, so that the server they name is the one that is started.
    from config import database

    with nullcontext() if command in WITHOUT_DATABASE else database.available():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
