"""A bucket of AWS, MinIO or another server that speaks S3."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Client

from config.stores import Credentials
from config.stores.answers import BeyondEnd, code_in, failure
from config.stores.base import (
    BLOCK,
    Misconfigured,
    Missing,
    Readable,
    Saved,
    StoredObject,
    StoreError,
    check_key,
)
from config.stores.blocks import BlockWindow, Measured
from config.stores.links import quoted, response_headers
from config.stores.sigv4 import Signer

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

PART = 5 * 1024 * 1024
"""Bytes of a part of a large object, the least that S3 allows. A smaller object is written at once."""
_PARTS_AT_ONCE = 2
_DEFAULT_REGION = "us-east-1"
_READ_TIMEOUT, _WRITE_TIMEOUT = "10s", "60s"
"""Until the next bytes of an answer come. When writing, the time in which a part is sent counts as well."""
_CONNECT_TIMEOUT = "5s"
_NO_LIMIT = "365 days"
"""For a whole request: an answer is read as slowly as a client reads it."""
_RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=8)}
"""A server that does not answer has failed after 10 seconds, as none is tried again after `retry_timeout`."""
_STATUS = re.compile(r"status code: (\d{3})")
_NO_LOCATION = "redirect without LOCATION"
_process: list[int] = []
"""The process that obstore's threads run in. A child has none of them: its calls would never end."""


def from_parts(bucket: str, path: str, parameters: Mapping[str, str], credentials: Credentials) -> "S3Store":
    """The store of a URL."""
    region = parameters.get("region") or _DEFAULT_REGION
    endpoint = parameters.get("endpoint") or _endpoint_of_aws(region)
    in_path = parameters.get("addressing") == "path"
    signer = Signer(credentials.key_id, credentials.secret, region, credentials.token)
    return S3Store(bucket, path.strip("/"), endpoint, signer, in_path=in_path)


class S3Store:
    """Objects below a prefix of a bucket, which stands `in_path` or before the endpoint's host."""

    def __init__(self, bucket: str, prefix: str, endpoint: str, signer: Signer, *, in_path: bool) -> None:
        self.place = f"s3://{bucket}/{prefix}".rstrip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._signer = signer
        address = endpoint if in_path else _host_of_bucket(endpoint, bucket)
        self._url = f"{address}/{bucket}" if in_path else address
        self._reading = _client(bucket, address, signer, _READ_TIMEOUT, in_path=in_path)
        self._writing = _client(bucket, address, signer, _WRITE_TIMEOUT, in_path=in_path)

    def put(self, key: str, content: Readable, content_type: str) -> Saved:
        path, measured = self._path(key), Measured(content)
        first = measured.part(PART)
        try:
            with self._translated():
                self._write(path, first, measured, content_type)
        except StoreError:
            if measured.error:  # the content failed, not the store
                raise measured.error from None
            raise
        return measured.saved

    def stat(self, key: str) -> StoredObject:
        with self._translated():
            return _described(key, self._about(self._path(key)))

    def open(self, key: str, start: int = 0, stop: int | None = None) -> BlockWindow:
        path = self._path(key)
        try:
            with self._translated():
                if stop is not None and stop <= start:
                    self._about(path)
                    return BlockWindow(iter(()))
                found = obstore.get(self._reading, path, options=_range(start, stop))
        except BeyondEnd:
            return BlockWindow(iter(()))
        return BlockWindow(self._blocks(found))

    def sign(self, key: str, seconds: int, *, content_type: str = "", filename: str = "") -> str:
        url = f"{self._url}/{quoted(self._path(key), safe='/')}"
        return self._signer.link(url, response_headers(content_type, filename), seconds, datetime.now(UTC))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        # A server is asked for all of a folder, as obstore takes a prefix for the path of one.
        begin = self._prefix + prefix
        folder = begin.rpartition("/")[0]
        with self._translated():
            for found in chain.from_iterable(obstore.list(self._reading, folder or None)):
                if found["path"].startswith(begin):
                    yield _described(found["path"].removeprefix(self._prefix), found)

    def delete(self, key: str) -> None:
        with suppress(Missing), self._translated():
            obstore.delete(self._reading, self._path(key))

    def _path(self, key: str) -> str:
        check_key(key)
        return self._prefix + key

    def _write(self, path: str, first: bytes, rest: Measured, content_type: str) -> None:
        attributes = {"Content-Type": content_type}
        if len(first) < PART:
            obstore.put(self._writing, path, first, attributes=attributes, use_multipart=False)
            return
        content = chain([first], rest)
        obstore.put(
            *(self._writing, path, content),
            attributes=attributes,
            chunk_size=PART,
            max_concurrency=_PARTS_AT_ONCE,
        )

    def _about(self, path: str) -> "ObjectMeta":
        try:
            return obstore.head(self._reading, path)
        except (BaseError, FileNotFoundError) as error:
            if not 400 <= _status(str(error)) < 500:
                raise
        # The answer to HEAD has no text, which says whether the object is missing or the bucket.
        return obstore.get(self._reading, path).meta

    def _blocks(self, found: "GetResult") -> Iterator[bytes]:
        with self._translated():
            yield from found.stream(min_chunk_size=BLOCK)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        _check_process(self.place)
        try:
            yield
        except (BaseError, FileNotFoundError, ValueError) as error:
            text = str(error)
            # Not `from error`: its text may repeat what was signed, with the token.
            raise failure(self.place, _status(text), code_in(text)) from None


def _client(bucket: str, address: str, signer: Signer, timeout: str, *, in_path: bool) -> Client:
    # What is not given here is read from AWS's variables in the environment.
    config: S3Config = {
        "aws_endpoint_url_s3": address,
        "region": signer.region,
        "virtual_hosted_style_request": not in_path,
        "skip_signature": False,
        "disable_bulk_delete": True,  # which not every server has
    }
    options: ClientConfig = {
        "allow_http": address.startswith("http://"),
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": timeout,
        "timeout": _NO_LIMIT,
    }
    keys: S3Credential = {
        "access_key_id": signer.key_id,
        "secret_access_key": signer.secret,
        "token": signer.token or None,
        "expires_at": None,
    }
    return Client(
        bucket,
        config=config,
        client_options=options,
        retry_config=_RETRIES,
        credential_provider=lambda: keys,
    )


def _check_process(place: str) -> None:
    if not _process:
        _process.append(os.getpid())
    if _process[0] != os.getpid():
        raise Misconfigured(f"{place}: buckets were used before this process forked, and cannot be any more")


def _endpoint_of_aws(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _host_of_bucket(endpoint: str, bucket: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{bucket}.{parts.netloc}"


def _range(start: int, stop: int | None) -> "GetOptions | None":
    if stop is not None:
        return {"range": (start, stop)}
    return {"range": {"offset": start}} if start else None


def _status(text: str) -> int:
    """The status that the text of an error names; 0 if it names none."""
    found = _STATUS.search(text)
    return int(found[1]) if found else 301 if _NO_LOCATION in text else 0


def _described(key: str, found: "ObjectMeta") -> StoredObject:
    return StoredObject(key, found["size"], found["last_modified"])
