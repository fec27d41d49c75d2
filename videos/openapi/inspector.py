"""Gives drf-spectacular what `routes` says about an operation."""

from collections.abc import Iterable, Mapping
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from videos.openapi import refusals
from videos.openapi.parts import Answer, Body, Operation
from videos.openapi.routes import ROUTES


class RouteSchema(AutoSchema):
    """The schema of a view's method, which it finds by the path of the route."""

    @property
    def operation(self) -> Operation:
        """Raises `KeyError` for a route that is not described."""
        return ROUTES[self.path][self.method]

    def get_operation_id(self) -> str:
        return self.operation.name

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # spectacular overrides it so
        return self.operation.description

    def get_tags(self) -> list[str]:
        return [self.operation.tag]

    def get_auth(self) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.operation.security]

    def get_override_parameters(self) -> list[Any]:
        return [*self._parameters(), *self._headers()]

    def get_request_serializer(self) -> Any:
        bodies = self.operation.bodies
        return {
            body.media_type: OpenApiRequest(body.schema, examples=_examples(body)) for body in bodies
        } or None

    def get_response_serializers(self) -> Any:
        return {
            (str(status), body.media_type) if body else str(status): OpenApiResponse(
                body.schema if body else None, answer.description, _examples(body) if body else []
            )
            for status, answer in self._answers().items()
            for body in answer.bodies or (None,)
        }

    def _parameters(self) -> Iterable[OpenApiParameter]:
        return (
            OpenApiParameter(
                parameter.name,
                parameter.schema,
                parameter.place,
                required=parameter.place == "path",
                description=parameter.description,
                **parameter.style,
            )
            for parameter in self.operation.parameters
        )

    def _headers(self) -> Iterable[OpenApiParameter]:
        """The headers of the answers, which spectacular takes for parameters, too."""
        return (
            OpenApiParameter(
                header.name,
                header.schema,
                OpenApiParameter.HEADER,
                required=header.is_always,
                description=header.description,
                response=[status],
            )
            for status, answer in self._answers().items()
            for header in answer.headers
        )

    def _answers(self) -> Mapping[int, Answer]:
        refused = self.operation.refused
        return {
            **{status: _with_request_id(answer) for status, answer in self.operation.answers.items()},
            **{status: refusals.answer(status, codes) for status, codes in refused.items()},
        }


def _with_request_id(answer: Answer) -> Answer:
    return Answer(answer.description, answer.bodies, (*answer.headers, refusals.REQUEST_ID))


def _examples(body: Body) -> list[OpenApiExample]:
    return [OpenApiExample(name, value=value) for name, value in body.examples.items()]
