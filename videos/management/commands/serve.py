"""Run the whole gateway on this machine."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.processes import Family, ProcessError
from videos.local import stack


class Command(BaseCommand):
    help = (
        "Migrate, then run web, worker and (unless an upstream account is set up) the sandbox, until Ctrl-C."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=stack.DEFAULT_PORT)

    def handle(self, *_: Any, port: int, **__: Any) -> None:
        call_command("migrate", verbosity=0)
        try:
            with Family(settings.DATA_DIR / "logs") as family:
                self._describe(stack.start(family, port))
                while True:
                    family.check()
                    time.sleep(0.5)
        except ProcessError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _describe(self, running: stack.Stack) -> None:
        self.stdout.write(f"API      {running.api}/v1/videos")
        self.stdout.write(f"Console  {running.api}/admin/   (make a user: manage.py createsuperuser)")
        self.stdout.write(f"Upstream {running.sandbox or 'as set up in the console'}")
        self.stdout.write(f"Logs     {running.logs}")
        self.stdout.write("Make a tenant and its key: manage.py createtenant NAME")
        self.stdout.flush()
