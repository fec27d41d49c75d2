"""Leads signed requests to their view, and words in their dialect what refuses them outside it."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from config.middleware import request_id
from config.routes import ACTION_HEADER, SIGNED_PREFIX, served_path
from videos.dialects.tencent import answers, errors

_ACTION = f"HTTP_{ACTION_HEADER.upper().replace('-', '_')}"
Handler = Callable[[HttpRequest], HttpResponse]


class SignedApiMiddleware:
    """Stands around all others but the one of the request id."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response; a refusal by another middleware, or a fault of ours, in the envelope of API 3.0."""
        names_action = _ACTION in request.META
        path = served_path(request.method or "", request.path_info, names_action=names_action)
        if not path.startswith(SIGNED_PREFIX):
            return self._get_response(request)
        request.path = request.path_info = path
        response = self._get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        refusal = errors.refusal_in(b"" if response.streaming else response.content)
        return answers.refused(refusal, request_id(request))
