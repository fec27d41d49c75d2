"""What an attack is, what it is let loose on, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from urllib.parse import urlsplit

from config.networks import is_loopback

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bars:
    """What is asked of the server while it is attacked."""

    latency: float = 0.25
    """Seconds that another client waits at most, in the worst case or as the 99th percentile."""
    memory: int = 250 * MIB
    """Bytes that the biggest of the server's processes holds at most."""
    cpu: float = 0.05
    """Seconds of the server's CPU for a request under 1 MiB."""
    answer: int = 256 * 1024
    """Bytes of the answer to one."""
    load_seconds: float = 15.0
    """How long a load lasts."""


@dataclass(frozen=True)
class Target:
    """A running server, and what is known of it."""

    host: str
    port: int
    key: str | None = field(default=None, repr=False)
    other_key: str | None = field(default=None, repr=False)
    """A key of another tenant."""
    pid: int | None = None
    bars: Bars = Bars()

    @classmethod
    def at(cls, url: str, **known: object) -> "Target":
        """The server at the URL. Raises `ValueError` unless that is http and a loopback address."""
        parts = urlsplit(url)
        host = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
        if parts.scheme != "http" or not is_loopback(host):
            raise ValueError(f"{url} is not http on a loopback address such as 127.0.0.1; nothing was sent")
        return cls(host, parts.port or 80, **known)  # type: ignore[arg-type]

    @property
    def netloc(self) -> str:
        """Host and port, as a client writes them."""
        return f"{self.host}:{self.port}"


class Outcome(StrEnum):
    """What an attack came to."""

    HELD = "held"
    BROKEN = "BROKEN"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Verdict:
    """What an attack came to, and what was measured."""

    outcome: Outcome
    measured: str

    @classmethod
    def of(cls, measured: str, faults: Sequence[str] = ()) -> "Verdict":
        """Held, unless there are faults."""
        if faults:
            return cls(Outcome.BROKEN, "; ".join([*faults, measured] if measured else faults))
        return cls(Outcome.HELD, measured)


Run = Callable[[Target], Verdict]


@dataclass(frozen=True)
class Attack:
    """One thing that somebody might do to the server."""

    name: str
    fault: str
    """The kind of fault it looks for, in words."""
    work: Run
    needs: tuple[str, ...] = ()
    """What of the target it cannot do without: `key`, `other_key`."""
    waits: bool = False
    """Whether it does hardly more than wait, so that others may go on meanwhile."""

    def run(self, target: Target) -> Verdict:
        """Do it."""
        missing = [name for name in self.needs if getattr(target, name) is None]
        if missing:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in missing)
            return Verdict(Outcome.NOT_TRIED, f"needs {options}")
        try:
            return self.work(target)
        except OSError as error:  # no answer in time, or no connection
            return Verdict(Outcome.BROKEN, f"{type(error).__name__}: {error}")


def attack(*, needs: Sequence[str] = (), waits: bool = False) -> Callable[[Run], Attack]:
    """Make an attack of a function; its name and docstring become those of the attack."""

    def named(work: Run) -> Attack:
        fault = " ".join((work.__doc__ or "").split())
        return Attack(work.__name__.replace("_", "-"), fault, work, tuple(needs), waits)

    return named


def of_module(module: ModuleType) -> list[Attack]:
    """The attacks that a module holds, alone or in lists."""
    found: list[Attack] = []
    for value in vars(module).values():
        several = value if isinstance(value, list) else [value]
        found += [each for each in several if isinstance(each, Attack)]
    return found
