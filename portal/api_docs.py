"""The description of the REST API: OpenAPI 3.1 for programs, and a page of the catalog's own for people."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from common.http import etag_of

_METHODS = {"get": "blue", "post": "green", "put": "amber", "patch": "amber", "delete": "red"}
_PREFIX = "/api/v2/"


_DESCRIBING = Lock()
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Description:
    body: bytes
    zipped: bytes
    etag: str


@lru_cache(maxsize=1)
def _built() -> _Description:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    body = msgspec.json.format(OpenApiJsonRenderer2().render(schema, renderer_context={}), indent=-1)
    # Weak, for it is one tag of two encodings.
    return _Description(body, gzip.compress(body, mtime=0), f"W/{etag_of(body.decode())}")


def description() -> _Description:
    """The API's description, the same for everybody: built once a process, by whoever asks first."""
    with _DESCRIBING:
        return _built()


class ApiSchema(APIView):
    """`openapi.json`. Compressed where that is asked for: it repeats nothing of the request, and has no secret."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase | None:
        found = description()
        zipped = bool(_TAKES_GZIP.search(request.headers.get("Accept-Encoding", "")))
        answer = HttpResponse(found.zipped if zipped else found.body, content_type="application/json")
        answer["Content-Disposition"] = 'inline; filename="Catalog.json"'
        # Asked for again each time, which costs nothing: it changes when the catalog is upgraded.
        answer["Cache-Control"] = "private, no-cache"
        answer["ETag"] = found.etag
        if zipped:
            answer["Content-Encoding"] = "gzip"
        patch_vary_headers(answer, ["Accept-Encoding"])
        return get_conditional_response(request._request, etag=found.etag, response=answer)


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter of an operation, or a field of its body."""

    name: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `colour` is a palette colour; `responses` are (status, words)."""

    id: str
    method: str
    colour: str
    path: str
    summary: str
    description: str
    parameters: tuple[Value, ...]
    body: tuple[Value, ...]
    responses: tuple[tuple[str, str], ...]
    example: str


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """A page for people: without a session it leads to the sign-in, not to problem details."""
    if getattr(request, "principal", None) is None:
        return redirect_to_login(request.get_full_path())
    return render(request, "portal/api_docs.html", {"groups": _groups(), "prefix": _PREFIX})


@lru_cache(maxsize=1)
def _groups() -> dict[str, list[Operation]]:
    """Operations by the first part of their path; the same for everybody, read once a process."""
    schema: dict[str, Any] = msgspec.json.decode(description().body)
    groups: dict[str, list[Operation]] = {}
    for path, methods in sorted(schema["paths"].items()):
        for method, colour in _METHODS.items():
            if method in methods:
                group = path.removeprefix(_PREFIX).split("/")[0]
                groups.setdefault(group, []).append(_operation(schema, path, method, colour, methods[method]))
    return groups


def _operation(schema: Mapping[str, Any], path: str, method: str, colour: str, told: Mapping[str, Any]) -> Operation:
    body: dict[str, Any] = told.get("requestBody", {}).get("content", {})
    described: Mapping[str, Any] = next(iter(body.values()))["schema"] if body else {}
    data = f" \\\n  --header 'Content-Type: {next(iter(body))}' --data @body" if body else ""
    verb = "" if method == "get" else f" --request {method.upper()}"
    return Operation(
        id=str(told["operationId"]),
        method=method.upper(),
        colour=colour,
        path=path,
        summary=str(told.get("summary", told["operationId"].replace("_", " "))),
        description=str(told.get("description", "")),
        parameters=tuple(
            Value(one["name"], _kind(schema, one["schema"]), bool(one.get("required")), str(one.get("description", "")))
            for one in told.get("parameters", [])
        ),
        body=tuple(_fields(schema, described)),
        responses=tuple((code, str(one.get("description", ""))) for code, one in sorted(told["responses"].items())),
        example=f'curl{verb} --header "Authorization: Bearer $TOKEN"{data} \\\n  {settings.SITE_URL}{path}',
    )


def _fields(schema: Mapping[str, Any], described: Mapping[str, Any]) -> Iterator[Value]:
    resolved = _resolved(schema, described)
    required = resolved.get("required", [])
    for name, one in resolved.get("properties", {}).items():
        if not one.get("readOnly"):
            yield Value(name, _kind(schema, one), name in required, str(one.get("description", "")))


def _resolved(schema: Mapping[str, Any], described: Mapping[str, Any]) -> Mapping[str, Any]:
    name = described.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"].get(name, described) if name else described
    return found


def _kind(schema: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """A type in words: "integer", "list of string", "one of asc, desc"."""
    resolved = _resolved(schema, described)
    if "enum" in resolved:
        return "one of " + ", ".join(str(value) for value in resolved["enum"] if value is not None)
    for several in ("oneOf", "anyOf", "allOf"):
        if several in resolved:
            return " or ".join(dict.fromkeys(_kind(schema, one) for one in resolved[several]))
    kind = resolved.get("type", "object")
    if kind == "array":
        return f"list of {_kind(schema, resolved.get('items', {}))}"
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({resolved['format']})" if "format" in resolved else words
