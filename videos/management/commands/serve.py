"""Run the whole gateway on this machine."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.routes import VIDEOS_PATH
from videos.local import listening, stack
from videos.local.processes import ProcessError, ProcessGroup


class Command(BaseCommand):
    help = (
        "Migrate, write the default prices if there are none, then run web, worker and (unless an upstream"
        " account is set up) the sandbox, until Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        listening.add_arguments(parser)
        parser.add_argument(
            "--canned", action="store_true", help="let the sandbox return one ready-made video for every task"
        )

    def handle(self, *_: Any, host: str, port: str, canned: bool, **__: Any) -> None:
        at = listening.choose(host, port)
        call_command("migrate", verbosity=0)
        call_command("seedprices", verbosity=0)
        try:
            with (
                ProcessGroup(settings.DATA_DIR / "logs") as family,
                stack.started(family, at, canned=canned) as running,
            ):
                self._describe(running, at)
                stack.watch(family)
        except (ProcessError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _describe(self, running: stack.Stack, at: listening.Listening) -> None:
        for note in at.notes:
            self.stdout.write(note)
        self.stdout.write(f"API      {running.api}{VIDEOS_PATH}")
        self.stdout.write(f"Console  {running.api}/admin/   (make a user: manage.py createsuperuser)")
        self.stdout.write(f"Upstream {running.sandbox or 'as set up in the console'}")
        self.stdout.write(f"Logs     {running.logs}")
        self.stdout.write("Make a tenant and its key: manage.py createtenant NAME")
        self.stdout.flush()
