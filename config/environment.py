"""Reads and checks settings from the environment; an invalid one ends the process with a one-line message.

Import no settings here: they are made with this module. An empty variable counts as not set.
"""

import os
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config import stores, time_zones
from config.networks import host_pattern

_LONGEST_SHOWN = 100
_PASSWORD = re.compile(r"//[^/@\s]*@")
_TRUE, _FALSE = ("true", "1", "yes", "y", "on"), ("false", "0", "no", "n", "off")
_HOST = re.compile(r"\*|\.?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)
_HOST_OF_ORIGIN = re.compile(r"(\*\.)?[a-z0-9_.-]+|[0-9a-f:.]+", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(export )?[A-Za-z_0-9]+=")
_POSTGRES = "django.db.backends.postgresql"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_COUNT, _AMOUNT = r"[0-9]{1,9}", r"[0-9]{1,12}(\.[0-9]{1,6})?"
LIMITS = {
    "concurrent_tasks": _COUNT,
    "queued_tasks": _COUNT,
    "when_full": "refuse|queue",
    "requests_per_minute": _COUNT,
    "seconds_per_day": _COUNT,
    "seconds_per_month": _COUNT,
    "spend_per_day": _AMOUNT,
    "spend_per_month": _AMOUNT,
    "is_prepaid": "True|False",
}
"""The fields of a quota and the patterns of their values."""


class BadSettingError(SystemExit):
    """An invalid setting; ends the process that reads it, with this line on standard error."""

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        super().__init__(f"{name} {problem}: {allowed}.")


class Environment:
    """The environment variables, read by type. Methods raise `BadSettingError` for an invalid value."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    @classmethod
    def with_file(cls, path: Path) -> "Environment":
        """The variables of this process, and those that only the file at `path`, if it exists, sets."""
        if path.exists():
            _check_file(path)
            environ.Env.read_env(path)
        return cls(os.environ)

    def text(self, name: str, default: str) -> str:
        return self._variables.get(name) or default

    def switch(self, name: str, *, default: bool) -> bool:
        text = self.text(name, str(default)).strip().lower()
        if text not in _TRUE + _FALSE:
            raise self._bad(name, "true or false is allowed")
        return text in _TRUE

    def whole(self, name: str, *, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default)).strip()
        if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) or not least <= int(text) <= most:
            raise self._bad(name, f"a whole number from {least} to {most} is allowed")
        return int(text)

    def number(self, name: str, *, default: float, most: float) -> float:
        """A number above 0, up to `most`."""
        try:
            number = float(self.text(name, str(default)))
        except ValueError:
            number = 0
        if not 0 < number <= most:
            raise self._bad(name, f"a number above 0, up to {most:g}, is allowed")
        return number

    def code(self, name: str, *, default: str) -> str:
        return self._matching(name, default, r"[A-Z]{3}", "three capital letters are allowed, such as CNY")

    def choice(self, name: str, *, default: str, of: Collection[str]) -> str:
        """One of several words."""
        return self._matching(name, default, "|".join(of), f"{' or '.join(of)} is allowed")

    def digits(self, name: str) -> str:
        """A number that is only a name; empty if it is not set."""
        return self._matching(name, "", "[0-9]{0,20}", "a number of digits alone is allowed")

    def level(self, name: str, *, default: str) -> str:
        level = self.text(name, default).upper()
        if level not in _LEVELS:
            raise self._bad(name, f"one of {', '.join(_LEVELS)} is allowed")
        return level

    def time_zone(self, name: str, *, default: str) -> str:
        zone = self.text(name, default)
        if zone not in time_zones.names():
            raise self._bad(name, "the name of a time zone is allowed, such as Asia/Shanghai")
        return zone

    def names(self, name: str, *, default: Collection[str] = ()) -> list[str]:
        given = self._variables.get(name)
        return [each.strip() for each in given.split(",") if each.strip()] if given else [*default]

    def hosts(self, name: str, *, default: Collection[str]) -> list[str]:
        hosts = self.names(name, default=default)
        if not all(_HOST.fullmatch(host) for host in hosts):
            raise self._bad(
                name, "host names without scheme and port are allowed, such as video.example.com,[::1]"
            )
        return hosts

    def host_patterns(self, name: str, *, default: Collection[str]) -> list[str]:
        """Patterns of hosts, in the form of `config.networks.host_pattern`."""
        try:
            return [host_pattern(pattern) for pattern in self.names(name, default=default)]
        except ValueError:
            raise self._bad(
                name, "hosts without scheme are allowed, such as *.example.com,cdn.example.com,10.0.0.5:9000"
            ) from None

    def origin(self, name: str) -> str:
        """A URL without a path or trailing slash; empty if it is not set."""
        origin = self.text(name, "").rstrip("/")
        if origin and not _is_origin(origin):
            raise self._bad(name, "an address without a path is allowed, such as https://video.example.com")
        return origin

    def origins(self, name: str) -> list[str]:
        origins = self.names(name)
        if not all(_is_origin(origin) for origin in origins):
            raise self._bad(name, "addresses without a path are allowed, such as https://app.example")
        return origins

    def folder(self, name: str, *, default: Path, is_written: bool = True) -> Path:
        """A folder that exists or can be created. The default is not checked, since it may not be needed."""
        folder = Path(self.text(name, str(default))).resolve()
        problem = _unusable(folder, is_written=is_written) if self.text(name, "") else ""
        if problem:
            raise BadSettingError(name, _shown(str(folder)), problem)
        return folder

    def store(self, name: str, *, default: str, filled: Mapping[str, str] | None = None) -> str:
        """The URL of a store of files; `filled` has an example for each placeholder that it may have."""
        url = self.text(name, default)
        try:
            stores.check_url(url.format_map(filled) if filled else url)
        except stores.InvalidStoreURL as error:  # the URL is not shown: it may hold a password
            raise BadSettingError(name, str(error), "see .env.example") from None
        except (KeyError, IndexError, ValueError):
            raise BadSettingError(name, "must have no other placeholders", ", ".join(filled or {})) from None
        return url

    def database(self, name: str, *, default: str) -> dict[str, Any]:
        """Django's settings for a PostgreSQL server. The text is never shown: it may hold a password."""
        allowed = "postgres://user:password@host:5432/name is allowed, or nothing for a server of our own"
        try:
            config = _quietly(environ.Env.db_url_config, self.text(name, default))
            is_named = config["NAME"] or "service" in config.get("OPTIONS", {})
            is_good = config["ENGINE"] == _POSTGRES and is_named
        except (ValueError, TypeError, KeyError, ImproperlyConfigured):
            is_good = False
        if not is_good:
            raise BadSettingError(name, "does not name a PostgreSQL database", allowed)
        return config

    def email(self, name: str, *, default: str) -> dict[str, Any]:
        """Django's settings for mail. The text is never shown: it may hold a password."""
        try:
            config = _quietly(environ.Env.email_url_config, self.text(name, default))
            is_good = bool(config["EMAIL_HOST"]) or "smtp" not in config["EMAIL_BACKEND"]
        except (ValueError, TypeError, KeyError, ImproperlyConfigured):
            is_good = False
        if not is_good:
            allowed = "smtp+tls://user:password@mail.example.com:587 is allowed, or consolemail://"
            raise BadSettingError(name, "does not name a way to send mail", allowed)
        return config

    def address(self, name: str, *, default: str) -> str:
        """An e-mail address, with or without a name."""
        text = self.text(name, default)
        _, address = parseaddr(text)
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or not text.isprintable():
            raise self._bad(name, "an e-mail address is allowed, such as Reelay <reelay@example.com>")
        return text

    def fernet_keys(self, name: str) -> list[str]:
        """Fernet keys, which no message shows."""
        keys = self.names(name)
        for position, key in enumerate(keys, start=1):
            if not is_fernet_key(key):
                raise BadSettingError(
                    name,
                    f"has no Fernet key at place {position}",
                    "keys separated by commas are allowed, each made by python -c 'from cryptography.fernet "
                    "import Fernet; print(Fernet.generate_key().decode())'",
                )
        return keys

    def quota(self, name: str) -> dict[str, str]:
        """Limits, as text, by the names of quota fields."""
        limits = dict(_pair(each) for each in (self._variables.get(name) or "").split(",") if each)
        for limit, word in limits.items():
            if limit not in LIMITS or not re.fullmatch(LIMITS[limit], word):
                raise BadSettingError(
                    name,
                    f"says {_short(f'{limit}={word}')!r}",
                    f"{', '.join(LIMITS)} are allowed, with whole numbers, with amounts of money such as"
                    " 9.50, when_full with refuse or queue, is_prepaid with True or False",
                )
        return limits

    def _matching(self, name: str, default: str, pattern: str, allowed: str) -> str:
        text = self.text(name, default)
        if not re.fullmatch(pattern, text):
            raise self._bad(name, allowed)
        return text

    def _bad(self, name: str, allowed: str) -> BadSettingError:
        return BadSettingError(name, _shown(self._variables.get(name, "")), allowed)


def _check_file(path: Path) -> None:
    """Raise `BadSettingError` for a file that cannot be read; no line is shown, as it may be a secret."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingError(
            str(path), "cannot be read", f"it must be a file of UTF-8 text; {error}"
        ) from None
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#") and not _ASSIGNMENT.match(line):
            raise BadSettingError(str(path), f"sets nothing in line {number}", "NAME=value is allowed")


def _unusable(folder: Path, *, is_written: bool) -> str:
    """Why the folder, which may have to be created, cannot be used; empty if it can."""
    existing = next(each for each in (folder, *folder.parents) if _exists(each))
    if not existing.is_dir():
        return f"it must be a folder, and {existing} is a file"
    if is_written and not os.access(existing, os.W_OK | os.X_OK):
        return f"it must be a folder that can be written to, and {existing} cannot"
    return ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a parent folder without permission to enter
        return False


def _quietly(parse: Callable[[str], dict[str, Any]], url: str) -> dict[str, Any]:
    """Parse the URL without warnings, which would show its password."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse(url)


def _shown(value: str) -> str:
    return f"is {_short(_PASSWORD.sub('//…@', value))!r}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _pair(text: str) -> tuple[str, str]:
    name, _, word = text.partition("=")
    return name, word


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError for what is no port
    except ValueError:
        return False
    host = parts.hostname or ""
    has_more = any((parts.path, parts.query, parts.fragment, parts.username, parts.password))
    return parts.scheme in ("http", "https") and bool(_HOST_OF_ORIGIN.fullmatch(host)) and not has_more


def is_fernet_key(key: str) -> bool:
    """Whether it is a valid Fernet key."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
