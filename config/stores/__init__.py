"""Stores of files, by URL. Each kind is imported when it is first used: those of buckets take memory.

    file:///var/reelay/results
    s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example
    cos://name-1250000000/prefix?region=ap-guangzhou

A bucket of S3 is addressed by its own host, as bucket.s3.example; `addressing=path` puts it into the path,
for servers without such hosts. An `endpoint` is needed for neither AWS nor COS; that of COS is the bucket's
own host.
"""

import os
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
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
_VALUES = {
    "endpoint": (
        re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?"),
        "as https://s3.example",
    ),
    "region": (re.compile(r"[a-z0-9-]+"), "as eu-central-1"),
    "addressing": (re.compile(r"path|host"), "path or host"),
}
"""What the parameters may be, by name."""


REDIRECT = "redirect"
"""The value of `CONTENT_DELIVERY` that sends clients to a store that makes links."""
MOST_KEPT = 128
"""Stores that a process keeps open: the platform's, and those of the tenants' buckets used last."""
_kept: dict[tuple[str, Credentials, int], Store] = {}
_one_at_a_time = threading.Lock()


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
    return kept_store(settings.RESULTS_URL, credentials)


def public_link(
    store: Store, key: str, seconds: int, *, content_type: str = "", filename: str = ""
) -> str | None:
    """A link to an object for somebody else; None if the store makes none, or all is to pass through us."""
    if settings.CONTENT_DELIVERY != REDIRECT:
        return None
    return store.sign(key, seconds, content_type=content_type, filename=filename)


def folder_of_results() -> Path | None:
    """The folder of finished videos; None if they are kept in a bucket."""
    store = results()
    return store.folder if isinstance(store, FolderStore) else None


def kept_store(url: str, credentials: Credentials = NO_CREDENTIALS) -> Store:
    """The store at a URL, opened once, so that its connections are used again. Raises `InvalidStoreURL`."""
    identity = (url, credentials, os.getpid())  # processes must not share connections
    with _one_at_a_time:
        store = _kept.pop(identity, None) or open_store(url, credentials)
        _kept[identity] = store  # the last one used comes last
        if len(_kept) > MOST_KEPT:
            del _kept[next(iter(_kept))]  # perhaps in use; its connections end with it
    return store


def close_kept() -> None:
    """Close the connections of all stores that are kept."""
    with _one_at_a_time:
        for store in _kept.values():
            getattr(store, "close", lambda: None)()
        _kept.clear()


def _parsed(url: str) -> tuple[str, str, str, dict[str, str]]:
    """Scheme, bucket, path and parameters."""
    parts = urlsplit(url)
    kind = KINDS.get(parts.scheme)
    if kind is None:
        raise InvalidStoreURL(f"must begin with one of {', '.join(f'{scheme}://' for scheme in KINDS)}")
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_parameters(parameters, kind)
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise InvalidStoreURL("must have three slashes, as file:///var/reelay/results")
    if parts.scheme != "file" and not _BUCKET.fullmatch(parts.netloc):
        raise InvalidStoreURL("must begin with the name of a bucket")
    return parts.scheme, parts.netloc, unquote(parts.path), parameters


def _check_parameters(parameters: Mapping[str, str], kind: Kind) -> None:
    if unknown := sorted(set(parameters) - set(kind.parameters)):
        raise InvalidStoreURL(f"must not have the parameter {unknown[0]!r}")
    if missing := sorted(set(kind.needed) - set(parameters)):
        raise InvalidStoreURL(f"must have the parameter {missing[0]!r}")
    for name, value in parameters.items():
        pattern, example = _VALUES[name]
        if not pattern.fullmatch(value):
            raise InvalidStoreURL(f"must have a parameter {name!r} {example}")
