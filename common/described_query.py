"""REST reads the query parameters that its description names, as the description has them, and refuses all else.

A misspelt filter that is passed over answers with everything, and an empty one too: who asks a program's question gets
another's answer and cannot tell. The description is the only statement of what is taken, so it cannot differ from what is.
Pages are lenient, because a browser sends the empty fields of a form.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from django.http import HttpRequest
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from common.errors import Invalid

if TYPE_CHECKING:
    from rest_framework.views import APIView as _View
else:
    _View = object

Schemas = Mapping[str, Mapping[str, Any]]
"""JSON Schemas by the parameters' names."""

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The ETag that you read."
)
"""The header that changes need: `common.http.check_if_match` reads it."""

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class DescribedQuery(_View):
    """For every view of REST: a query that is not as described is 422, after authentication and permission."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS":
            check_query(request._request)


def check_query(request: HttpRequest) -> None:
    """Raise `Invalid`, which names each parameter at fault, unless the request's query is as its operation describes."""
    method = "GET" if request.method == "HEAD" else str(request.method)
    match = request.resolver_match
    known = described_parameters(method, match.route) if match else {}
    errors = {}
    for name, values in request.GET.lists():
        schema = known.get(name)
        if schema is None:
            listed = ", ".join(sorted(known))
            told = f"Known here: {listed}." if known else "This takes no parameters."
            errors[name] = [f"There is no parameter called “{name}”. {told}"]
        elif problem := _problem(schema, values):
            errors[name] = [f"{name} {problem}."]
    if errors:
        raise Invalid("Correct the parameters named below.", errors)


def described_parameters(method: str, route: str) -> Schemas:
    """The query parameters of the operation at a URL pattern; none where nothing is described."""
    return _parameters().get((method, _place(_path(route))), {})


@lru_cache(maxsize=1)
def _parameters() -> Mapping[tuple[str, str], Schemas]:
    """By method and path; read from the description once a process, in about a tenth of a second."""
    described = SchemaGenerator().get_schema(request=None, public=True)
    return {
        (method.upper(), _place(path)): {
            one["name"]: one["schema"] for one in operation.get("parameters", []) if one["in"] == "query"
        }
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }


@lru_cache(maxsize=1024)
def _path(route: str) -> str:
    path: str = EndpointEnumerator().get_path_from_regex(route)
    return path


def _place(path: str) -> str:
    """A path whose parameters have no names: the description calls `pk` what it identifies."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def _problem(schema: Mapping[str, Any], values: list[str]) -> str | None:
    if schema.get("type") == "array":
        if len(values) > schema.get("maxItems", len(values)):
            return f"may be given at most {schema['maxItems']} times"
        return next(_problems(schema["items"], values), None)
    if len(values) > 1:
        return f"is given {len(values)} times, and one value is meant"
    return next(_problems(schema, values), None)


def _problems(schema: Mapping[str, Any], values: list[str]) -> Iterator[str]:
    for text in values:
        if not text:
            yield f"is empty: leave it out, or give {_wanted(schema)}"
        elif not _fits(schema, text):
            yield f"is to be {_wanted(schema)}"


def _fits(schema: Mapping[str, Any], text: str) -> bool:
    kind = schema.get("type")
    if kind == "integer":
        if not _INTEGER.fullmatch(text):
            return False
        number = int(text)
        return bool(schema.get("minimum", number) <= number <= schema.get("maximum", number))
    if kind == "boolean":
        return text in ("true", "false")
    if "enum" in schema:
        return text in schema["enum"]
    if schema.get("format") == "uuid":
        return bool(_UUID.fullmatch(text))
    if schema.get("format") == "date-time":
        return _is_time(text)
    if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        return False
    # In a JSON Schema `$` is the end, in Python also the place before a last line break.
    return bool(re.search(re.sub(r"\$$", r"\\Z", schema.get("pattern", "")), text))


def _is_time(text: str) -> bool:
    """A time of RFC 3339, whose zone is no option."""
    try:
        return msgspec.convert(text, dt.datetime).tzinfo is not None
    except (msgspec.ValidationError, OverflowError, ValueError):
        return False


def _wanted(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "integer":
        least, most = schema.get("minimum"), schema.get("maximum")
        if most is not None and most < 2**31:
            return f"a whole number from {least or 0} to {most}"
        return "a whole number" if least is None else f"a whole number, at least {least}"
    if kind == "boolean":
        return "true or false"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("format") == "uuid":
        return f"a UUID like {UUID(int=0)}"
    if schema.get("format") == "date-time":
        return "a time like 2026-11-23T19:52:00Z"
    most = f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    form = f" that matches {schema['pattern']}" if "pattern" in schema else ""
    return f"text{most}{form}"
