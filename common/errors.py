"""Errors that people read: each is a sentence that says what to do next, and the HTTP status it answers with.

Actions and reads raise them; `common.responses` turns them into a page, a fragment or problem details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CatalogError(Exception):
    """The base. `message` is a sentence for the person who asked; `code` names the kind for programs."""

    status = 400
    code = "bad_request"
    title = "The request cannot be served"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotSignedIn(CatalogError):
    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class Forbidden(CatalogError):
    """The principal sees the thing but may not do this with it. A thing that may not be seen is `NotFound`."""

    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(CatalogError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(CatalogError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    title = "Not in this state"


class PreconditionFailed(CatalogError):
    """Somebody changed the thing since it was read (If-Match)."""

    status = 412
    code = "precondition_failed"
    title = "Changed since you read it"


class TooLarge(CatalogError):
    status = 413
    code = "too_large"
    title = "Too large"


class PreconditionRequired(CatalogError):
    """A write without If-Match, where lost updates would matter."""

    status = 428
    code = "precondition_required"
    title = "Say which version you change"


class Unavailable(CatalogError):
    status = 503
    code = "unavailable"
    title = "Not available now"


class Invalid(CatalogError):
    """Values that cannot be accepted. `fields` maps a field's name to its sentences; "" stands for the whole."""

    status = 422
    code = "invalid"
    title = "Some values cannot be accepted"

    def __init__(self, message: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.fields: dict[str, list[str]] = {name: list(texts) for name, texts in (fields or {}).items()}
