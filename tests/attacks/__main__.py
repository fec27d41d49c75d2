"""Attack a server that runs on this machine, and print what held: `python -m tests.attacks URL`."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.attacks import ATTACKS, wire
from tests.attacks.attack import Attack, Bars, Outcome, Target, Verdict

NAME_WIDTH, OUTCOME_WIDTH = 52, 11


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("url", help="a loopback address, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="of a tenant at the sandbox: a server that breaks makes videos with it")
    parser.add_argument("--other-key", help="of another tenant, who must not be stalled by the first")
    parser.add_argument("--pid", type=int, help="of the server, to measure its CPU and memory")
    parser.add_argument("--seconds", type=float, default=Bars.load_seconds, help="that a load lasts")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="attacks with it in their name")
    return parser.parse_args()


def _chosen(words: list[str]) -> list[Attack]:
    return [each for each in ATTACKS if not words or any(word in each.name for word in words)]


def _print(attack: Attack, verdict: Verdict) -> bool:
    """Print a line of the table; whether it is broken."""
    name, outcome = attack.name.ljust(NAME_WIDTH), verdict.outcome.ljust(OUTCOME_WIDTH)
    print(name, outcome, verdict.measured, flush=True)  # noqa: T201
    return verdict.outcome is Outcome.BROKEN


def _run(target: Target, attacks: list[Attack]) -> int:
    """Do them, those that only wait side by side; returns how many broke something."""
    waiting = [each for each in attacks if each.waits]
    with ThreadPoolExecutor(max(1, len(waiting))) as pool:
        begun = [pool.submit(each.run, target) for each in waiting]
        broken = sum(_print(each, verdict.result()) for each, verdict in zip(waiting, begun, strict=True))
    for each in attacks:
        if not each.waits:
            wire.recover(target)
            broken += _print(each, each.run(target))
    return broken


def _main() -> int:
    chosen = _arguments()
    try:
        target = Target.at(
            chosen.url,
            key=chosen.key,
            other_key=chosen.other_key,
            pid=chosen.pid,
            bars=Bars(load_seconds=chosen.seconds),
        )
    except ValueError as error:
        sys.exit(str(error))
    broken = _run(target, _chosen(chosen.only))
    print(f"\n{broken} broken" if broken else "\nnothing broken")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(_main())
