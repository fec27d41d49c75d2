"""The WSGI application, for any WSGI server; `config.asgi` serves it with Granian."""

import os
from typing import Any

import django
from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class TolerantRequest(WSGIRequest):
    """Accepts malformed content types, for which Django's request fails before any view can respond."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # the stubs leave it out
        except (BadRequest, ValueError):  # the former from Django 6, the latter before
            meta["CONTENT_TYPE"] = ""  # later refused as an unsupported content type
            super()._set_content_type_params(meta)  # type: ignore[misc]  # likewise


class Handler(WSGIHandler):
    """Django's handler with our request class."""

    request_class = TolerantRequest


django.setup(set_prefix=False)
application = Handler()
