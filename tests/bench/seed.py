"""Fill an empty database with many plausible tasks for benchmarks.

    python -m tests.bench.seed [--tasks 1000000] [--share 0.3] [--tenants 50] [--days 120] [--force]

Uses the database of the settings, as `manage.py` does. Prints {"tenant": …, "key": "…"} of the biggest
tenant; ends with 1 and one line if a figure is out of range, or if there are tasks and `--force` is missing.
"""

import argparse
import json
import os
import sys

import django

from config import checks, database


def main() -> None:
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    checks.run_early_checks()
    with database.available(), database.troubles_told():
        django.setup()
        from tests.bench import made_up

        try:
            biggest = made_up.fill(**vars(options))
        except made_up.NotFilled as error:
            sys.exit(str(error))
    sys.stdout.write(json.dumps({"tenant": str(biggest.tenant.pk), "key": biggest.key}) + "\n")


def _options() -> argparse.Namespace:
    """The given options; `made_up.fill` has the defaults of the others."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--share", type=float, help="of the tasks: the biggest tenant's")
    parser.add_argument("--tenants", type=int)
    parser.add_argument("--days", type=int, help="they are spread over, up to now")
    parser.add_argument("--force", action="store_true", help="even if there are tasks already")
    return parser.parse_args()


if __name__ == "__main__":
    main()
