"""An attack, its target and its verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import ModuleType
from urllib.parse import urlsplit

from config.networks import is_loopback

MIB = 1024 * 1024


@dataclass(frozen=True)
class Bars:
    """Limits the server must keep during an attack."""

    latency: float = 0.25
    """Longest wait of another client in seconds: the maximum or the 99th percentile."""
    memory: int = 250 * MIB
    """Most bytes of memory of the biggest server process."""
    cpu: float = 0.05
    """Most CPU seconds for a request under 1 MiB."""
    answer: int = 256 * 1024
    """Most bytes of the answer to such a request."""
    load_seconds: float = 15.0
    """Duration of a load."""


@dataclass(frozen=True)
class Target:
    """A running server and what the caller knows about it."""

    host: str
    port: int
    key: str | None = field(default=None, repr=False)
    other_key: str | None = field(default=None, repr=False)
    """A key of another tenant."""
    pid: int | None = None
    bars: Bars = Bars()

    @classmethod
    def at(cls, url: str, **known: object) -> "Target":
        """Raises `ValueError` unless the URL is http on a loopback address."""
        parts = urlsplit(url)
        host = {"localhost": "127.0.0.1"}.get(parts.hostname or "", parts.hostname or "")
        if parts.scheme != "http" or not is_loopback(host):
            raise ValueError(f"{url} is not http on a loopback address such as 127.0.0.1; nothing was sent")
        return cls(host, parts.port or 80, **known)  # type: ignore[arg-type]

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"


class Outcome(StrEnum):
    HELD = "held"
    BROKEN = "BROKEN"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Verdict:
    """The outcome of an attack and what was measured."""

    outcome: Outcome
    measured: str

    @classmethod
    def of(cls, measured: str, faults: Sequence[str] = ()) -> "Verdict":
        if faults:
            return cls(Outcome.BROKEN, "; ".join([*faults, measured] if measured else faults))
        return cls(Outcome.HELD, measured)


Run = Callable[[Target], Verdict]


@dataclass(frozen=True)
class Attack:
    name: str
    fault: str
    work: Run
    needs: tuple[str, ...] = ()
    """Attributes of the target it needs: `key`, `other_key`."""
    waits: bool = False
    """Whether it mostly waits, so that others can run in parallel."""

    def run(self, target: Target) -> Verdict:
        missing = [name for name in self.needs if getattr(target, name) is None]
        if missing:
            options = " and ".join(f"--{name.replace('_', '-')}" for name in missing)
            return Verdict(Outcome.NOT_TRIED, f"needs {options}")
        try:
            return self.work(target)
        except OSError as error:  # timeout or no connection
            return Verdict(Outcome.BROKEN, f"{type(error).__name__}: {error}")


def attack(*, needs: Sequence[str] = (), waits: bool = False) -> Callable[[Run], Attack]:
    """Turn a function into an attack with its name and docstring."""

    def named(work: Run) -> Attack:
        fault = " ".join((work.__doc__ or "").split())
        return Attack(work.__name__.replace("_", "-"), fault, work, tuple(needs), waits)

    return named


def of_module(module: ModuleType) -> list[Attack]:
    """The attacks of a module, including those in lists."""
    found: list[Attack] = []
    for value in vars(module).values():
        several = value if isinstance(value, list) else [value]
        found += [each for each in several if isinstance(each, Attack)]
    return found
