"""Recognises the requests that the lane may serve, from their heads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from accounts import networks
from accounts.api.authentication import credentials
from accounts.keys import ParsedKey, parse
from accounts.networks import Address
from config.edge.head import Scope
from videos.lane import routes
from videos.lane.origin import Origin, forwarded_scheme_header, origin
from videos.lane.routes import Kind, Route
from videos.tasks.idempotency import IDEMPOTENCY_KEY, RETRY_COUNT, TIMEOUT

MOST_BYTES = 32 * 1024
"""Of a body; one that takes longer to check would delay the others of its batch."""
_JSON = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
_AUTHORIZATION, _HOST, _CONTENT_TYPE = "authorization", "host", "content-type"
_ACCEPT_ENCODING, _FORWARDED_FOR = "accept-encoding", "x-forwarded-for"
_READ = (
    *(_AUTHORIZATION, _HOST, _CONTENT_TYPE, _ACCEPT_ENCODING, _FORWARDED_FOR),
    *(IDEMPOTENCY_KEY, RETRY_COUNT, TIMEOUT),
)
"""Headers that the lane reads; it does not serve a request that repeats one of them."""
_PLAIN_QUERY = re.compile(rb"[\w.=&-]{1,500}")
_UNUSUAL = frozenset({b"content-encoding", b"if-none-match", b"origin"})
"""Headers that only the views understand."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the lane may serve."""

    route: Route
    public_id: str
    """Of the task in the path, if any."""
    query: str
    key: ParsedKey
    headers: Mapping[str, str] = field(repr=False)
    """Those of `_READ`, by name in lower case."""
    origin: Origin
    peer: str
    """The address that the connection comes from."""
    body: bytes = field(repr=False)

    @property
    def address(self) -> Address | None:
        """The caller's address; None if it is unknown."""
        forwarded = self.headers.get(_FORWARDED_FOR, "")
        return networks.caller({"REMOTE_ADDR": self.peer, "HTTP_X_FORWARDED_FOR": forwarded})

    @property
    def accept_encoding(self) -> str:
        return self.headers.get(_ACCEPT_ENCODING, "")


def recognise(scope: Scope, body: bytes) -> Asked | None:
    """The request, if the lane may be able to serve it."""
    found = routes.find(scope["method"], scope["path"])
    if found is None or not _is_plain(found[0], scope, body):
        return None
    headers = _headers(scope)
    if headers is None or (body and headers.get(_CONTENT_TYPE, "").lower() not in _JSON):
        return None
    key = _key(headers.pop(_AUTHORIZATION, ""))
    sent_to = _origin(scope, headers) if key else None  # not for anybody: it costs more with each new host
    if key is None or sent_to is None:
        return None
    query, peer = scope["query_string"].decode("latin-1"), str(scope["client"][0])
    return Asked(*found, query, key, headers, sent_to, peer, body)


def _is_plain(route: Route, scope: Scope, body: bytes) -> bool:
    """Whether it has a body, or a query, only if such a request usually does; the query needs no decoding."""
    has_usual_body = (route.kind is Kind.CREATE) == bool(body) and len(body) <= MOST_BYTES
    query = scope["query_string"]
    has_usual_query = not query or (route.kind is Kind.LIST and _PLAIN_QUERY.fullmatch(query) is not None)
    return has_usual_body and has_usual_query


def _headers(scope: Scope) -> dict[str, str] | None:
    """The headers that the lane reads; None if one is repeated, or only the views understand one."""
    wanted, found = _wanted(), dict[str, str]()
    for name, value in scope["headers"]:
        if name in wanted:
            text = wanted[name]
            if text in found:
                return None
            found[text] = value.decode("latin-1")
        elif name in _UNUSUAL:
            return None
    return found


def _key(authorization: str) -> ParsedKey | None:
    scheme, text = credentials(authorization)
    return parse(text) if scheme == "bearer" else None


def _origin(scope: Scope, headers: Mapping[str, str]) -> Origin | None:
    name, port = scope["server"]
    forwarded = headers.get(forwarded_scheme_header())
    return origin(scope["scheme"], str(name), str(port), headers.get(_HOST, ""), forwarded)


@cache
def _wanted() -> Mapping[bytes, str]:
    names = [*_READ, forwarded_scheme_header()]
    return {name.encode(): name for name in names if name}
