"""Stores of files, by URL. Each kind is imported when it is first used: those of buckets take memory.

    file:///var/reelay/results
    s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example
    cos://name-1250000000/prefix?region=ap-guangzhou

A bucket is addressed by its own host, as bucket.s3.example; `addressing=path` puts it into the path, for
servers without such hosts. An `endpoint` is needed for neither AWS nor COS.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from config.stores.base import Store
from config.stores.folder import FolderStore


@dataclass(frozen=True)
class Credentials:
    """The key pair for a bucket; `token` comes with temporary keys."""

    key_id: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


NO_CREDENTIALS = Credentials()
Maker = Callable[[str, str, Mapping[str, str], Credentials], Store]
"""Makes a store of bucket, path, parameters and credentials."""


@dataclass(frozen=True)
class Kind:
    """A kind of store: the dotted path of its `Maker`, and the parameters that its URL may and must have."""

    maker: str
    parameters: Collection[str] = ()
    needed: Collection[str] = ()


KINDS = {
    "file": Kind("config.stores.folder.from_parts"),
    "s3": Kind("config.stores.s3.from_parts", ("endpoint", "region", "addressing")),
    "cos": Kind("config.stores.cos.from_parts", ("endpoint", "region"), ("region",)),
}
"""By scheme."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,62}")


class InvalidStoreURL(ValueError):
    """The URL names no store; the message says why, without the URL."""


def check_url(url: str) -> None:
    """Raise `InvalidStoreURL` unless it is the URL of a store."""
    _parsed(url)


def open_store(url: str, credentials: Credentials = NO_CREDENTIALS) -> Store:
    """The store at a URL; nothing is contacted. Raises `InvalidStoreURL`."""
    scheme, bucket, path, parameters = _parsed(url)
    make: Maker = import_string(KINDS[scheme].maker)
    return make(bucket, path, parameters, credentials)


def results() -> Store:
    """The platform's store of finished videos, `RESULTS_URL`."""
    credentials = Credentials(settings.RESULTS_KEY_ID, settings.RESULTS_SECRET_KEY)
    return _kept(settings.RESULTS_URL, credentials)


def folder_of_results() -> Path | None:
    """The folder of finished videos; None if they are kept in a bucket."""
    store = results()
    return store.folder if isinstance(store, FolderStore) else None


_kept = lru_cache(maxsize=16)(open_store)


def _parsed(url: str) -> tuple[str, str, str, dict[str, str]]:
    """Scheme, bucket, path and parameters."""
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    kind = KINDS.get(parts.scheme)
    if kind is None:
        raise InvalidStoreURL(f"must begin with one of {', '.join(f'{scheme}://' for scheme in KINDS)}")
    if unknown := sorted(set(parameters) - set(kind.parameters)):
        raise InvalidStoreURL(f"must not have the parameter {unknown[0]!r}")
    if missing := sorted(set(kind.needed) - set(parameters)):
        raise InvalidStoreURL(f"must have the parameter {missing[0]!r}")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise InvalidStoreURL("must have three slashes, as file:///var/reelay/results")
    if parts.scheme != "file" and not _BUCKET.fullmatch(parts.netloc):
        raise InvalidStoreURL("must begin with the name of a bucket")
    return parts.scheme, parts.netloc, unquote(parts.path), parameters
