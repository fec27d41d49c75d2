"""`GET /v1/openapi.json`: the description of the API, which needs no key.

`manage.py openapi` writes the file; making it here would cost each web process the memory of its generator.
"""

import json
from functools import cache
from pathlib import Path

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.models import Scope
from config import compression
from config.envelope import encode
from videos.api.base import View
from videos.api.videos import has_current

DOCUMENT = Path(__file__).with_name("openapi.json")
_KEPT = "public, max-age=300"


class DescriptionView(View):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = []
    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}  # the methods; nobody needs the scope

    def get(self, request: Request) -> HttpResponse:
        etag = compression.etag(compression.accept_encoding(request._request), _document())
        headers = {"etag": etag, "cache-control": _KEPT, "vary": compression.VARY}
        if has_current(etag, request.headers.get("if-none-match", "")):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(_document(), content_type="application/json", headers=headers)


@cache
def _document() -> bytes:
    """The document in compact form."""
    return encode(json.loads(DOCUMENT.read_bytes()))
