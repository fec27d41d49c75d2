"""`python -m videos.sandbox`: serve until SIGTERM or SIGINT, then delete temporary files."""

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from videos.sandbox.options import Options, parse_options
from videos.sandbox.production import Production
from videos.sandbox.server import Server
from videos.sandbox.studio import ProcessStudio

HANGING_CALLS_GET = 0.2  # seconds to finish when the server stops


def main() -> None:
    """Run the sandbox from the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = parse_options(sys.argv[1:])
    with _result_folder(options.folder) as folder:
        asyncio.run(_run(options, folder))


@contextmanager
def _result_folder(wanted: Path | None) -> Iterator[Path]:
    if wanted:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="sandbox-results-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _run(options: Options, folder: Path) -> None:
    stopped = _stop_signal()
    production = Production(ProcessStudio(), folder)
    runner = web.AppRunner(
        Server(options, production).application(),
        access_log=None,
        handler_cancellation=True,  # cancel a hanging call when its caller disconnects
        shutdown_timeout=HANGING_CALLS_GET,
    )
    await runner.setup()
    try:
        if options.canned:
            await production.render_canned()
        await _listen(runner, options)
        _announce(options.host, runner)
        await stopped.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, options: Options) -> None:
    try:
        await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
    except OSError as error:
        raise SystemExit(
            f"The sandbox cannot listen on {options.host}, port {options.port}: {error}."
        ) from None


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _announce(host: str, runner: web.AppRunner) -> None:
    port = runner.addresses[0][1]
    sys.stdout.write(f"sandbox upstream listening on http://{host}:{port}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
