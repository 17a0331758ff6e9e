"""Take events in: check, mask, and commit each with its place in the queue before answering. Nothing is folded here.

Accepting needs the database alone. An event whose digest is in the log already is not written again; its answer is the
same. What is refused is kept for the owner of its token, with the reason (`lineage.rejections`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from accounts import bearers
from accounts.bearers import Bearer
from accounts.models import ApiToken
from accounts.tokens import Scope
from common.errors import CatalogError, Forbidden, Invalid, NotSignedIn
from lineage import openlineage, rejections
from lineage.event_faults import faults_of
from lineage.event_log import Entry, append
from lineage.masking import looks_secret, masked
from lineage.openlineage import InvalidEvent, Malformed

MAX_BATCH = 10_000
_NUL = rb"\u0000"


class FailedEvent(msgspec.Struct, frozen=True):
    """An event of a batch that was not accepted. `retriable`: sending the same again may succeed."""

    index: int
    reason: str
    retriable: bool


class Summary(msgspec.Struct, frozen=True):
    received: int
    successful: int
    failed: int
    retriable: int
    non_retriable: int


class BatchAnswer(msgspec.Struct, frozen=True):
    """The answer to a batch, as OpenLineage's own OpenAPI describes it."""

    status: str
    summary: Summary
    failed_events: list[FailedEvent]


def accept(body: bytes, *, token: ApiToken) -> None:
    """Accept one event that is at hand, as `take_event` does."""
    take_event(body, token=bytes(token.digest))


def accept_batch(body: bytes, *, token: ApiToken) -> BatchAnswer:
    """Accept an array of events that is at hand, as `take_batch` does."""
    return take_batch(body, token=bytes(token.digest))


def take_event(body: bytes, *, token: bytes) -> None:
    """Accept one event from whoever shows the token of this SHA-256; it is durable when this returns.

    Raises `BadJson` (400), `Invalid` (422), `NotSignedIn` (401) and `Forbidden` (403), each naming the field and the reason.
    """
    checked = _checked(_decoded(body), mask=looks_secret(body), nul=_NUL in body)
    bearer = check_bearer(append([checked.entry], token=token, mentioned=list(checked.mentioned)))
    _check_namespaces(checked.mentioned, bearer)


def take_batch(body: bytes, *, token: bytes) -> BatchAnswer:
    """Accept an array of events: the good ones are durable when this returns, the others are told of by their index."""
    bearer = check_bearer(bearers.find(token))
    values = _decoded(body)
    if not isinstance(values, list):
        raise Invalid("A batch is a JSON array of events.", {"": ["is no array"]})
    if len(values) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH} events. Send it in parts.", {"": [f"{len(values)} events"]})
    mask, nul = looks_secret(body), _NUL in body
    good: list[Entry] = []
    failed: list[FailedEvent] = []
    refused: list[rejections.Refusal] = []
    for index, value in enumerate(values):
        try:
            checked = _checked(value, mask=mask, nul=nul)
            _check_namespaces(checked.mentioned, bearer)
        except CatalogError as error:
            failed.append(FailedEvent(index, error.message, retriable=False))
            if len(refused) < rejections.KEPT_OF_A_TOKEN:
                refused.append(rejections.refusal_of_event(error, value, index))
        else:
            good.append(checked.entry)
    if good:
        # The token may have been revoked since it was found above.
        check_bearer(append(good, token=token))
    rejections.note(refused, bearer=bearer)
    status = "success" if not failed else "partial_success" if good else "failure"
    return BatchAnswer(status, Summary(len(values), len(good), len(failed), 0, len(failed)), failed)


def check_bearer(bearer: Bearer | None) -> Bearer:
    """The bearer, who may write lineage. Raises `NotSignedIn` (401) without one and `Forbidden` (403) without the scope."""
    if bearer is None:
        raise no_usable_token()
    if Scope.LINEAGE_WRITE not in bearer.scopes:
        raise Forbidden(f"The token {bearer.name} lacks the scope {Scope.LINEAGE_WRITE}. Create one with it.")
    return bearer


def no_usable_token() -> NotSignedIn:
    return NotSignedIn("Send `Authorization: Bearer …` with a token that is neither expired nor revoked.")


def keep_refused(error: CatalogError, body: bytes, *, token: bytes) -> CatalogError:
    """Keep what was refused for the token's owner; gives the error to answer, which is the token's own fault if it has one."""
    bearer = bearers.find(token)
    try:
        check_bearer(bearer)
    except CatalogError as fault:
        error = fault
    if bearer is not None:
        rejections.note([rejections.refusal_of_body(error, body)], bearer=bearer)
    return error


class BadJson(CatalogError):
    code = "malformed"
    title = "The body is not JSON"


class _Checked(NamedTuple):
    entry: Entry
    mentioned: Mapping[str, str]
    """Each namespace that the event speaks of, with the field that does so first."""


def _decoded(body: bytes) -> object:
    try:
        return openlineage.decode(body)
    except Malformed as error:
        raise BadJson(str(error)) from None


def _checked(value: object, *, mask: bool, nul: bool) -> _Checked:
    try:
        event = openlineage.read(value)
        if nul:
            openlineage.check_names_in_facets(event)
        if mask:
            value = masked(value)
            # What is kept must be readable too: a mask may be longer than what it covers.
            event = openlineage.read(value)
        kept = openlineage.canonical(value)
    except InvalidEvent as error:
        faults = faults_of(value, error)
        told = "; ".join(map(str, faults))
        raise Invalid(f"This is no OpenLineage event: {told}.", {one.field: [one.reason] for one in faults}) from None
    except RecursionError:
        raise BadJson("The JSON is nested too deeply.") from None
    entry = Entry(
        digest=openlineage.digest_of(kept),
        event_time=event.event_time,
        kind=str(event.__struct_config__.tag),
        event_type=event.event_type if isinstance(event, openlineage.RunEvent) else None,
        run_id=event.run.run_id if isinstance(event, openlineage.RunEvent) else None,
        body=kept,
    )
    return _Checked(entry, openlineage.mentioned_namespaces(event))


def _check_namespaces(mentioned: Mapping[str, str], bearer: Bearer) -> None:
    if not bearer.namespaces:
        return
    foreign = {namespace: field for namespace, field in mentioned.items() if namespace not in bearer.namespaces}
    if foreign:
        told = ", ".join(f"{namespace} ({field})" for namespace, field in sorted(foreign.items())[:10])
        raise Forbidden(f"The token {bearer.name} may not speak of these namespaces: {told}. Add them to its list.")
