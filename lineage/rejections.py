"""Keep what the intake refuses for the owner of its token: when, why, and the beginning of the body, secrets masked.

Bounded for each token by number and by age. Only whoever sends a usable token gets something kept; nothing of this is on
the way of an event that is accepted.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.bearers import Bearer
from common.errors import CatalogError, Invalid
from lineage import openlineage
from lineage.masking import mask_text, masked
from lineage.models import RejectedEvent
from lineage.rows import encoded

logger = logging.getLogger(__name__)

KEPT_OF_A_TOKEN = 1000
KEPT_DAYS = 30
KEPT_CHARACTERS = 8 * 1024
"""Of a body."""
_REASON_CHARACTERS = 1000


class Refusal(NamedTuple):
    """One event, or one body, that was not accepted. `size` is in bytes; `batch_index` is the place in a batch."""

    status: int
    field: str
    reason: str
    body: str
    size: int
    batch_index: int | None = None


def refusal_of_body(error: CatalogError, body: bytes) -> Refusal:
    """Of a whole body, which may be anything; b"" where it was not read."""
    try:
        text = _kept(openlineage.decode(body))
    except (openlineage.Malformed, RecursionError):
        # Masked before it is cut, or half of a secret would stand at the end.
        text = mask_text(body[: 4 * KEPT_CHARACTERS].decode(errors="replace"))
    return _refusal(error, text, len(body), None)


def refusal_of_event(error: CatalogError, value: object, index: int) -> Refusal:
    """Of an event within a batch."""
    try:
        text = _kept(value)
    except RecursionError:
        text = ""
    return _refusal(error, text, len(text.encode()), index)


def _kept(value: object) -> str:
    return openlineage.canonical(masked(value)).decode()


def _refusal(error: CatalogError, text: str, size: int, index: int | None) -> Refusal:
    fields = list(error.fields) if isinstance(error, Invalid) else []
    field, reason = (mask_text(value)[:_REASON_CHARACTERS] for value in (fields[0] if fields else "", error.message))
    return Refusal(error.status, field, reason, text[:KEPT_CHARACTERS], size, index)


_NOTE = """
    WITH kept AS (
        INSERT INTO lineage_rejectedevent (token_id, rejected_at, status, field, reason, body, size, batch_index)
        SELECT %(token)s, statement_timestamp(), status, field, reason, body, size, batch_index
        FROM json_to_recordset(%(refusals)s::json)
             AS refused (status smallint, field text, reason text, body text, size int, batch_index int)
    )
    DELETE FROM lineage_rejectedevent WHERE id IN (
        SELECT id FROM lineage_rejectedevent
        WHERE token_id = %(token)s AND id <= (
            SELECT id FROM lineage_rejectedevent WHERE token_id = %(token)s
            ORDER BY id DESC OFFSET greatest(%(most)s - %(count)s, 0) LIMIT 1
        )
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
"""


def note(refusals: Sequence[Refusal], *, bearer: Bearer) -> None:
    """Keep these, and let go of the token's oldest beyond `KEPT_OF_A_TOKEN`. A refusal that cannot be kept is still one."""
    newest = refusals[-KEPT_OF_A_TOKEN:]
    if not newest:
        return
    values: dict[str, int | str] = {
        "token": bearer.id,
        "refusals": encoded(_rows(newest)),
        "most": KEPT_OF_A_TOKEN,
        "count": len(newest),
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NOTE, values)
    except DatabaseError as error:
        logger.warning("Refused events of the token %s could not be kept: %s", bearer.name, error)


def _rows(refusals: Iterable[Refusal]) -> list[dict[str, Any]]:
    return [refusal._asdict() for refusal in refusals]


def forget_old() -> int:
    """Delete what was refused more than `KEPT_DAYS` ago; returns how many."""
    deleted, _ = RejectedEvent.objects.filter(rejected_at__lt=timezone.now() - dt.timedelta(days=KEPT_DAYS)).delete()
    return deleted
