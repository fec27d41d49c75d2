"""Attack a server on this machine and print the results: `python -m tests.attacks URL`."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil

from tests.attacks import ATTACKS, wire
from tests.attacks.attack import Attack, Bars, Outcome, Target, Verdict
from tests.attacks.machine import processes

NAME_WIDTH, OUTCOME_WIDTH = 52, 11


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("url", help="a loopback address, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="of a tenant at the sandbox: a server that breaks makes videos with it")
    parser.add_argument("--other-key", help="of another tenant, who must not be stalled by the first")
    parser.add_argument("--pid", type=int, help="of the server, to measure its CPU and memory")
    parser.add_argument("--seconds", type=float, default=Bars.load_seconds, help="that a load lasts")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="attacks with it in their name")
    return parser


def _chosen(words: list[str]) -> list[Attack]:
    return [each for each in ATTACKS if not words or any(word in each.name for word in words)]


def _print(attack: Attack, verdict: Verdict) -> bool:
    """Print a line of the table; returns whether the verdict is "broken"."""
    name, outcome = attack.name.ljust(NAME_WIDTH), verdict.outcome.ljust(OUTCOME_WIDTH)
    print(name, outcome, verdict.measured, flush=True)  # noqa: T201
    return verdict.outcome is Outcome.BROKEN


def _run(target: Target, attacks: list[Attack]) -> int:
    """Run the attacks, those that only wait in parallel; returns how many broke something."""
    waiting = [each for each in attacks if each.waits]
    with ThreadPoolExecutor(max(1, len(waiting))) as pool:
        begun = [pool.submit(each.run, target) for each in waiting]
        broken = sum(_print(each, verdict.result()) for each, verdict in zip(waiting, begun, strict=True))
    for each in attacks:
        if not each.waits:
            wire.recover(target)
            broken += _print(each, each.run(target))
    return broken


def _target(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> Target:
    """The server. Exits if it does not answer or does not accept a key."""
    known = {name: getattr(chosen, name) for name in ("key", "other_key", "pid")}
    try:
        target = Target.at(chosen.url, bars=Bars(load_seconds=chosen.seconds), **known)
        answers = [
            wire.get(replace(target, key=key), "/v1/models" if key else "/healthz")
            for key in (None, target.key, target.other_key)
        ]
        processes(target)
    except (ValueError, OSError, psutil.Error) as error:
        parser.error(str(error))
    if any(answer is None or answer.status != 200 for answer in answers):
        parser.error("the server does not answer, or does not take a key")
    return target


def _main() -> int:
    parser = _parser()
    chosen = parser.parse_args()
    broken = _run(_target(parser, chosen), _chosen(chosen.only))
    print(f"\n{broken} broken" if broken else "\nnothing broken")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(_main())
