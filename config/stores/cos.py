"""A bucket of COS, by its own API."""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import httpx

from config.stores import Credentials
from config.stores.answers import BeyondEnd, code_in, failure
from config.stores.base import (
    BLOCK,
    Missing,
    Readable,
    Saved,
    StoredObject,
    StoreError,
    Unreachable,
    check_key,
)
from config.stores.blocks import BlockWindow, Measured
from config.stores.cos_signature import TOKEN, Signer, query
from config.stores.links import quoted, response_headers

PART = 5 * 1024 * 1024
"""Bytes of a part of a large object, kept until it is sent; COS takes 10,000. A smaller object is written at
once."""
_TIMEOUT = httpx.Timeout(30, connect=5)
_ATTEMPTS = 2
"""Of requests but POST, unless there was no answer in time."""
_PAUSE = 0.2
"""Seconds between attempts."""
_LONGEST_ERROR = 64 * 1024
_LONGEST_PAGE = 8 * 1024 * 1024
"""Bytes of an answer that is parsed: a thousand keys take no more."""
_PARTIAL = 206
_CLOCKS_DIFFER, _VALID = 60, 600
"""Seconds that a signature is valid before and after it is made."""


def from_parts(bucket: str, path: str, parameters: Mapping[str, str], credentials: Credentials) -> "CosStore":
    """The store of a URL; an endpoint stands for the bucket's own host."""
    address = parameters.get("endpoint") or f"https://{bucket}.cos.{parameters['region']}.myqcloud.com"
    signer = Signer(credentials.key_id, credentials.secret, credentials.token)
    return CosStore(bucket, path.strip("/"), address, signer)


class CosStore:
    """Objects below a prefix of a bucket whose own host is `address`."""

    def __init__(self, bucket: str, prefix: str, address: str, signer: Signer) -> None:
        self.place = f"cos://{bucket}/{prefix}".rstrip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._address = address
        self._host = httpx.URL(address).netloc.decode()
        self._signer = signer
        # Not compressed, so that lengths and ranges are those of the object.
        headers = {"accept-encoding": "identity"}
        self._http = httpx.Client(timeout=_TIMEOUT, headers=headers, verify=_trusted())

    def put(self, key: str, content: Readable, content_type: str) -> Saved:
        path, measured = self._path(key), Measured(content)
        headers = {"content-type": content_type}
        first = measured.part(PART)
        if len(first) < PART:
            self._send(Request("PUT", path, headers=headers, content=first)).close()
        else:
            self._put_parts(path, first, measured, headers)
        return measured.saved

    def stat(self, key: str) -> StoredObject:
        with closing(self._about(self._path(key))) as answer, self._well_formed():
            modified_at = parsedate_to_datetime(answer.headers["last-modified"])
            return StoredObject(key, int(answer.headers["content-length"]), modified_at)

    def open(self, key: str, start: int = 0, stop: int | None = None) -> BlockWindow:
        path = self._path(key)
        if stop is not None and stop <= start:
            self._about(path).close()
            return BlockWindow(iter(()))
        try:
            answer = self._send(Request("GET", path, headers=_range(start, stop)))
        except BeyondEnd:
            return BlockWindow(iter(()))
        return BlockWindow(self._blocks(answer), answer.close)

    def sign(self, key: str, seconds: int, *, content_type: str = "", filename: str = "") -> str:
        path, now = self._path(key), int(time.time())
        parameters = response_headers(content_type, filename) | self._token()
        times = (now - _CLOCKS_DIFFER, now + seconds)
        signature = self._signer.fields("GET", path, parameters, {"host": self._host}, times)
        return f"{self._address}{quoted(path, safe='/')}?{query(parameters | signature)}"

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        asked = {"prefix": self._prefix + prefix, "encoding-type": "url", "marker": ""}
        while True:
            page = self._xml(Request("GET", "/", asked))
            with self._well_formed():
                listed = [self._described(found) for found in page.iterfind("{*}Contents")]
            yield from listed
            if page.findtext("{*}IsTruncated") != "true":
                return
            marker = unquote(page.findtext("{*}NextMarker", ""))
            if marker <= asked["marker"]:
                raise Unreachable(f"{self.place}: the list does not go on")
            asked["marker"] = marker

    def delete(self, key: str) -> None:
        with suppress(Missing):
            self._send(Request("DELETE", self._path(key))).close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _path(self, key: str) -> str:
        check_key(key)
        return f"/{self._prefix}{key}"

    def _token(self) -> dict[str, str]:
        return {TOKEN: self._signer.token} if self._signer.token else {}

    def _put_parts(self, path: str, first: bytes, rest: Measured, headers: Mapping[str, str]) -> None:
        begun = self._xml(Request("POST", path, {"uploads": ""}, headers))
        upload = {"uploadId": begun.findtext("{*}UploadId", "")}
        try:
            tags = list(self._sent(path, upload, first, rest))
            self._xml(Request("POST", path, upload, content=_completion(tags)))
        except BaseException:
            with suppress(StoreError):
                self._send(Request("DELETE", path, upload)).close()
            raise

    def _sent(self, path: str, upload: Mapping[str, str], first: bytes, rest: Measured) -> Iterator[str]:
        """Send the parts, the next one when the tag of the last is taken."""
        number, part = 1, first
        while part:
            parameters = {"partNumber": str(number), **upload}
            with closing(self._send(Request("PUT", path, parameters, content=part))) as answer:
                yield answer.headers.get("etag", "")
            number, part = number + 1, rest.part(PART)

    def _about(self, path: str) -> httpx.Response:
        try:
            return self._send(Request("HEAD", path))
        except Unreachable:
            raise
        except StoreError:
            # The answer to HEAD has no text, which says whether the object is missing or the bucket.
            return self._send(Request("GET", path))

    def _xml(self, request: "Request") -> ET.Element:
        """What the server answers; it may begin with 200 and then say that it failed."""
        with closing(self._send(request)) as answer:
            text = self._text(answer, _LONGEST_PAGE)
        with self._well_formed():
            root = _parsed(text)
        if root.tag.rpartition("}")[2] == "Error":
            raise failure(self.place, code=root.findtext("{*}Code", ""))
        return root

    def _send(self, request: "Request") -> httpx.Response:
        """A good answer, whose body is still to be read and which is to be closed."""
        for left in reversed(range(_ATTEMPTS if request.method != "POST" else 1)):
            try:
                answer = self._http.send(self._signed(request), stream=True)
            except httpx.HTTPError as error:
                if not left or isinstance(error, httpx.TimeoutException):
                    raise failure(self.place) from None
            else:
                if answer.status_code < 500 or not left:
                    break
                answer.close()
            time.sleep(_PAUSE)
        return self._checked(request, answer)

    def _signed(self, request: "Request") -> httpx.Request:
        now = int(time.time())
        headers = {"host": self._host, **request.headers, **self._token()}
        times = (now - _CLOCKS_DIFFER, now + _VALID)
        signature = self._signer.fields(request.method, request.path, request.parameters, headers, times)
        headers["authorization"] = "&".join(f"{name}={value}" for name, value in signature.items())
        url = f"{self._address}{quoted(request.path, safe='/')}?{query(request.parameters)}"
        if request.method not in ("PUT", "POST"):
            return self._http.build_request(request.method, url, headers=headers)
        headers["content-length"] = str(len(request.content))
        return self._http.build_request(
            request.method, url, headers=headers, content=_blocks(request.content)
        )

    def _checked(self, request: "Request", answer: httpx.Response) -> httpx.Response:
        if answer.is_success and ("range" not in request.headers or answer.status_code == _PARTIAL):
            return answer
        with closing(answer):
            if answer.is_success:
                raise Unreachable(f"{self.place}: the whole object instead of a range")
            text = self._text(answer, _LONGEST_ERROR)
        raise failure(self.place, answer.status_code, code_in(text.decode(errors="replace")))

    def _text(self, answer: httpx.Response, longest: int) -> bytes:
        """The body, or its beginning if it is longer than that."""
        text = b""
        for block in self._blocks(answer):
            text += block
            if len(text) > longest:
                break
        return text

    def _blocks(self, answer: httpx.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_raw(BLOCK)
        except httpx.HTTPError:
            raise failure(self.place) from None

    @contextmanager
    def _well_formed(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, ET.ParseError):
            raise Unreachable(f"{self.place}: an answer that COS does not give") from None

    def _described(self, found: ET.Element) -> StoredObject:
        key = unquote(found.findtext("{*}Key", "")).removeprefix(self._prefix)
        modified_at = datetime.fromisoformat(found.findtext("{*}LastModified", ""))
        return StoredObject(key, int(found.findtext("{*}Size", "")), modified_at)


@dataclass(frozen=True)
class Request:
    """What is asked of the bucket, before it is signed; the path is not quoted."""

    method: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, shared by all clients: they take 2 MiB."""
    return httpx.create_ssl_context()


def _range(start: int, stop: int | None) -> dict[str, str]:
    if stop is not None:
        return {"range": f"bytes={start}-{stop - 1}"}
    return {"range": f"bytes={start}-"} if start else {}


def _blocks(content: bytes) -> Iterator[bytes]:
    """The content piece by piece, so that a request that was sent holds none of it until it is collected."""
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]


def _completion(tags: Iterable[str]) -> bytes:
    root = ET.Element("CompleteMultipartUpload")
    for number, tag in enumerate(tags, 1):
        part = ET.SubElement(root, "Part")
        ET.SubElement(part, "PartNumber").text = str(number)
        ET.SubElement(part, "ETag").text = tag
    return ET.tostring(root)


def _parsed(text: bytes) -> ET.Element:
    """Raises `ValueError` or `ParseError` for what COS does not send, such as entities."""
    decoded = text.decode()
    if len(text) > _LONGEST_PAGE or "<!" in decoded:
        raise ValueError
    return ET.fromstring(decoded)  # noqa: S314 - it declares nothing
