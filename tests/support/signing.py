"""Key pairs of tenants, and calls signed with them."""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.test import Client

from accounts.models import APIKey, KeyKind, Tenant
from config import tc3

CREATE, DESCRIBE = "CreateAigcVideoTask", "DescribeAigcVideoTask"
HOST, SERVICE, VERSION = "testserver", "mps", "2019-06-12"
WISH: dict[str, Any] = {"ModelName": "Kling", "Prompt": "a cat runs"}


def signed_headers(
    secret_id: str, secret_key: str, body: bytes, timestamp: int, *, service: str = SERVICE, **changes: str
) -> dict[str, str]:
    """The headers of a call; `changes` are further ones, or replace those that are signed."""
    signed = {"content-type": "application/json", "host": HOST}
    signed |= {name: changes[name] for name in signed if name in changes}
    content = tc3.UNSIGNED_PAYLOAD.encode() if "x-tc-content-sha256" in changes else body
    signature = tc3.signature(secret_key, service=service, headers=signed, body=content, timestamp=timestamp)
    proof = (
        f"{tc3.ALGORITHM} Credential={secret_id}/{tc3.scope(service, timestamp)}, "
        f"SignedHeaders={tc3.signed_names(signed)}, Signature={signature}"
    )
    common = {"authorization": proof, "x-tc-timestamp": str(timestamp), "x-tc-version": VERSION}
    return {**signed, **common, **changes}


class Pair:
    """A client with a key pair of the tenant."""

    def __init__(self, tenant: Tenant, path: str = "/", **fields: Any) -> None:
        self.key, self.secret_key = APIKey.objects.mint(tenant, "a pair", kind=KeyKind.PAIR, **fields)
        self._path = path
        self._client = Client(raise_request_exception=False)

    @property
    def secret_id(self) -> str:
        return self.key.prefix

    def send(self, body: bytes, headers: dict[str, str], method: str = "POST", path: str = "") -> Any:
        """The HTTP response."""
        content_type = headers.pop("content-type", "application/json")
        return self._client.generic(method, path or self._path, body, content_type, headers=headers)

    def call(
        self, action: str, payload: Any, changes: Mapping[str, str] | None = None, *, age: int = 0
    ) -> dict[str, Any]:
        """What is in `Response`; `changes` are headers, `age` is how many seconds ago it was signed."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        changes = {"x-tc-action": action, **(changes or {})}
        headers = signed_headers(self.secret_id, self.secret_key, body, int(time.time()) - age, **changes)
        return response_in(self.send(body, headers))

    def create(self, **changes: Any) -> dict[str, Any]:
        return self.call(CREATE, {**WISH, **changes})

    def describe(self, task_id: str) -> dict[str, Any]:
        return self.call(DESCRIBE, {"TaskId": task_id})


def response_in(answer: Any) -> dict[str, Any]:
    """What is in `Response` of an answer, which must be a proper one."""
    assert answer.status_code == 200, answer.content
    assert answer["content-type"] == "application/json"
    body = json.loads(answer.content)
    assert [*body] == ["Response"]
    response: dict[str, Any] = body["Response"]
    assert response["RequestId"] == answer["x-request-id"]
    return response


def code_of(response: dict[str, Any]) -> str:
    """The code of an error; empty for a success."""
    if "Error" not in response:
        return ""
    assert set(response) == {"Error", "RequestId"}
    assert response["Error"]["Message"]
    return str(response["Error"]["Code"])
