"""The sandbox's command-line options and their defaults."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_CREDENTIAL = "AKIDsandbox:sandbox-secret-key"
_MAX_PORT = 65_535
VOD_CONCURRENCY = 1  # an account of VOD runs one task at a time unless its owner asked for more


@dataclass(frozen=True)
class Options:
    """All options. `keys` maps SecretId to SecretKey; times are in seconds."""

    keys: Mapping[str, str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0
    public_url: str = ""
    folder: Path | None = None
    canned: bool = False
    link_life: float | None = None
    """The same for both products; None: as long as each product's links live."""
    vod_concurrency: int = VOD_CONCURRENCY
    generation_seconds: float = 8.0
    generation_sigma: float = 0.0
    seed: int | None = None


def parse_options(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Options:
    """Read the command line; exit with a usage message if it is invalid."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    texts = given.pop("credential") or environment.get("SANDBOX_CREDENTIALS", DEFAULT_CREDENTIAL).split(",")
    if not 0 <= given["port"] <= _MAX_PORT:
        parser.error(f"--port is {given['port']}: 0 to {_MAX_PORT} is allowed")
    if given["vod_concurrency"] < 0:
        parser.error(f"--vod-concurrency is {given['vod_concurrency']}: 0 or more is allowed")
    try:
        return Options(keys=_keys(texts), **given)
    except ValueError as error:
        parser.error(str(error))


def _keys(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.strip().partition(":") for text in texts if text.strip()]
    if not pairs or not all(secret_id and key for secret_id, _, key in pairs):
        raise ValueError("credentials have the form SECRET_ID:SECRET_KEY")
    return {secret_id: key for secret_id, _, key in pairs}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m videos.sandbox", description="A local stand-in for the AIGC video of MPS and VOD."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    add("--public-url", default="", help="base URL of the result links, if not the Host of each request")
    add(
        "--credential",
        action="append",
        metavar="ID:KEY",
        help="an account; repeatable (or SANDBOX_CREDENTIALS)",
    )
    add("--generation-seconds", type=float, default=8.0, metavar="MEAN", help="how long a generation takes")
    add("--generation-sigma", type=float, default=0.0, help="its standard deviation, in seconds")
    add("--seed", type=int, help="seed of the random generation times")
    add("--folder", type=Path, help="where results are kept; a temporary folder if not given")
    add(
        "--link-life",
        type=float,
        metavar="SECONDS",
        help="how long result links work; if not given, 12 hours on MPS and 7 days on VOD",
    )
    add(
        "--vod-concurrency",
        type=int,
        default=VOD_CONCURRENCY,
        metavar="N",
        help="how many VOD tasks an account may run at once",
    )
    add("--canned", action="store_true", help="render one short clip at startup and serve it for every task")
    return parser
