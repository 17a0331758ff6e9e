"""What Marquez's clients send: who they are, query parameters and bodies, and how they are answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.dateparse import parse_date, parse_datetime
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import check_scope, principal_of, token_of
from accounts.models import ApiToken, Principal
from accounts.tokens import Scope
from common.bodies import BadBody, read_body
from common.errors import CatalogError, Invalid, NotSignedIn
from common.responses import PROBLEM_TYPE, problem
from lineage import openlineage
from lineage.intake import BadJson, no_usable_token
from lineage.masking import masked

MAX_LIMIT = 2_000
Taker = Callable[..., Any]
T = TypeVar("T")


def reader_of(request: HttpRequest) -> Principal:
    """Whose token with the scope `lineage:read`, or else whose session, this is. Raises `NotSignedIn` and `Forbidden`."""
    if not request.headers.get("Authorization", ""):
        return principal_of(request)
    return _token_with(request, Scope.LINEAGE_READ).principal


def writer_of(request: HttpRequest) -> ApiToken:
    """The token, which has the scope `lineage:write`; a session writes nothing here. Raises as `reader_of`."""
    return _token_with(request, Scope.LINEAGE_WRITE)


def _token_with(request: HttpRequest, scope: Scope) -> ApiToken:
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        raise no_usable_token()
    check_scope(token, scope)
    return token


def answering(**takers: Taker) -> Callable[..., HttpResponse]:
    """A view that calls the taker of the request's method; what that gives is answered as JSON, 200."""

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        method = "GET" if request.method == "HEAD" else request.method or ""
        taker = takers.get(method)
        if taker is None:
            allowed = ", ".join(sorted(takers))
            return _refused(_OtherMethod(f"This address takes {allowed}."), {"Allow": allowed})
        try:
            found = taker(request, **parts)
        except NotSignedIn as error:
            return _refused(error, {"WWW-Authenticate": 'Bearer realm="catalog"'})
        except CatalogError as error:
            return _refused(error)
        return found if isinstance(found, HttpResponse) else json_answer(found)

    return view


def json_answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(value), status=status, content_type="application/json", headers=headers or {}
    )


class _OtherMethod(CatalogError):
    status = 405
    code = "method_not_allowed"
    title = "Not a method of this address"


def _refused(error: CatalogError, headers: dict[str, str] | None = None) -> HttpResponse:
    """Problem details, and beside them what Marquez's clients read of a refusal."""
    told = problem(error)
    sentences = [sentence for of in told.get("errors", {}).values() for sentence in of]
    told |= {"code": error.status, "message": error.message, "details": " ".join(sentences)}
    return JsonResponse(told, status=error.status, content_type=PROBLEM_TYPE, headers=headers)


def body_of(request: HttpRequest, shape: type[T]) -> T:
    """The JSON body in a shape, secrets masked; an empty body is an empty object.

    Raises `BadJson` (400) for what is no JSON and `Invalid` (422) for another shape, with the member's name.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if not chunked and not (length.isascii() and length.isdigit()):
        raise BadBody("The Content-Length is no number.")
    raw = read_body(
        request.environ["wsgi.input"],  # type: ignore[attr-defined]
        length=None if chunked else int(length),
        content_type=request.META.get("CONTENT_TYPE", ""),
        content_encoding=request.META.get("HTTP_CONTENT_ENCODING", ""),
        limit=settings.LINEAGE_MAX_EVENT_BYTES,
    )
    try:
        value = openlineage.decode(raw) if raw.strip() else {}
        return msgspec.convert(masked({} if value is None else value), shape)
    except openlineage.Malformed as error:
        raise BadJson(str(error)) from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").lstrip(".")
        raise Invalid("The body has another shape.", {field: [reason.replace("`", "")]}) from None


def number(request: HttpRequest, name: str, default: int, *, most: int = MAX_LIMIT) -> int:
    text = request.GET.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > most:
        raise Invalid("A parameter cannot be read.", {name: [f"{name} is a whole number from 0 to {most}."]})
    return int(text)


def page(request: HttpRequest, *, limit: int = 100) -> tuple[int, int]:
    """`?limit=&offset=`."""
    return number(request, "limit", limit), number(request, "offset", 0, most=999_999_999)


def choice(request: HttpRequest, name: str, known: dict[str, str], default: str) -> str:
    """What a parameter's value stands for in `known`, however it is capitalised."""
    text = request.GET.get(name, "")
    if not text:
        return default
    found = known.get(text.lower())
    if found is None:
        raise Invalid("A parameter cannot be read.", {name: [f"{name} is one of {', '.join(sorted(known))}."]})
    return found


def flag(request: HttpRequest, name: str) -> bool:
    return choice(request, name, {"true": "yes", "false": ""}, "") == "yes"


def moment(request: HttpRequest, name: str) -> dt.datetime | None:
    """A time, or a day's beginning in UTC; None where nothing is given."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        # A + that was not encoded is a space by now.
        at = parse_datetime(text.replace(" ", "+")) or parse_datetime(text)
        day = parse_date(text) if at is None else None
    except ValueError:
        at = day = None
    if at is None and day is not None:
        at = dt.datetime.combine(day, dt.time())
    if at is None:
        raise Invalid("A parameter cannot be read.", {name: [f"{name} is a time such as 2026-11-23T19:52:00Z."]})
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def zone(request: HttpRequest) -> ZoneInfo:
    text = request.GET.get("timezone") or "UTC"
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid("A parameter cannot be read.", {"timezone": ["timezone is one such as Europe/Vienna."]}) from None


class NamespaceBody(msgspec.Struct, rename="camel"):
    owner_name: str
    description: str | None = None


class SourceBody(msgspec.Struct, rename="camel"):
    type: str
    connection_url: str
    description: str | None = None


class FieldBody(msgspec.Struct):
    name: str
    type: str | None = None
    description: str | None = None
    tags: list[str] | None = None


class DatasetBody(msgspec.Struct, rename="camel"):
    type: Literal["DB_TABLE", "STREAM"]
    physical_name: str | None = None
    source_name: str | None = None
    fields: list[FieldBody] | None = None
    tags: list[str] | None = None
    description: str | None = None
    run_id: str | None = None
    schema_location: str | None = None


class DatasetIdBody(msgspec.Struct):
    namespace: str
    name: str


class JobBody(msgspec.Struct, rename="camel"):
    type: Literal["BATCH", "STREAM", "SERVICE"]
    inputs: list[DatasetIdBody] = []
    outputs: list[DatasetIdBody] = []
    location: str | None = None
    context: dict[str, str] | None = None
    description: str | None = None
    run_id: str | None = None


class RunBody(msgspec.Struct, rename="camel"):
    id: str | None = None
    nominal_start_time: str | None = None
    nominal_end_time: str | None = None
    args: dict[str, Any] | None = None


class TagBody(msgspec.Struct):
    description: str | None = None


def told(body: msgspec.Struct) -> dict[str, Any]:
    """A body as JSON has it, without what it left out."""
    built = msgspec.to_builtins(body)
    return {name: value for name, value in built.items() if value is not None}
