"""Finish the API's description: every operation also says what it refuses, and how, as problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.plumbing import get_lib_doc_excludes

from common.described_query import DescribedQuery
from common.json_body import BodySerializer


class BearerToken(OpenApiAuthenticationExtension):
    """How programs say who they are."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token of yours: dcat_…"}


class Session(OpenApiAuthenticationExtension):
    """How the browser says who is signed in."""

    target_class = "accounts.authentication.PersonSession"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


class Body(OpenApiSerializerExtension):
    """What a body may hold is all that it may hold."""

    target_class = "common.json_body.BodySerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return schema | {"additionalProperties": False} if direction == "request" else schema


def bases() -> list[type]:
    """Classes whose docstrings speak to whoever derives from them, not to whoever uses the API."""
    return [*get_lib_doc_excludes(), DescribedQuery, BodySerializer]


_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Which kind of problem, for programs."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "errors": {
            "type": "object",
            "description": "Sentences by the field that they are about.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_ALWAYS = {
    "400": "The request cannot be understood.",
    "401": "Sign in, or send a bearer token.",
    "403": "You, or your token, may not do this.",
    "404": "There is no such thing, or you may not see it.",
    "406": "Only JSON is answered.",
    "422": "Some values cannot be accepted.",
}
_OF_WRITES = {
    "409": "The state of the thing does not allow this now.",
    "412": "It was changed since you read it.",
    "413": "Too large.",
    "415": "Only JSON is read.",
    "428": "Say with If-Match which version you change.",
}
_METHODS = ("get", "post", "put", "patch", "delete")


def tell_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular; what an operation says itself stays."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    for operations in result.get("paths", {}).values():
        for method, operation in operations.items():
            if method not in _METHODS:
                continue
            problems = _ALWAYS if method == "get" else _ALWAYS | _OF_WRITES
            for code, words in problems.items():
                operation.setdefault("responses", {}).setdefault(code, _response(words))
    return result


def tell_emptiness(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: no parameter of a query may be empty, so none is described as if."""
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                schema = parameter["schema"]
                text = schema["items"] if schema.get("type") == "array" else schema
                if parameter["in"] == "query" and text.get("type") == "string" and not {"enum", "format"} & text.keys():
                    text.setdefault("minLength", 1)
    return result


def _response(words: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": words, "content": {"application/problem+json": {"schema": schema}}}
