"""What pipelines propose: written by whoever hears them, decided by those who answer for the dataset.

The payload of a proposal, by its kind:

    owner        {"owner": "team:data", "as": "owner"}      the text as it was told; who that is, is looked up when shown
    description  {"text": "…"}                              Markdown
    tag          {"tag": "pii", "field": "address.city"}    the tag's name; without a field the whole dataset
    gone         {"written": "2026-11-01T06:00:00Z"}        dropped, since it was last written then (null: never)
    same_as      {"dataset": 17}                            the other dataset's id
    masking      {"field": "email", "job": 4, "called": "airflow/clean"}
                                                            the job masks the column: its inherited level would fall
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

if TYPE_CHECKING:
    from accounts.models import Principal
    from catalog.models import Proposal

Decide = Callable[["Proposal", "Principal"], None]

on_decision: dict[str, Decide] = {}
"""By kind, what a decision does: called with the proposal, accepted or declined, and with whoever decided, inside the
decision's transaction. What it raises undoes the decision. The room that makes proposals of a kind registers it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a pipeline says of a dataset. `told_by_id` is the principal's whose event says so, where known."""

    dataset_id: int
    payload: Mapping[str, Any]
    at: dt.datetime
    told_by_id: int | None = None


def digest_of(payload: Mapping[str, Any]) -> UUID:
    """Equal for equal payloads, whatever the order of their members."""
    encoded = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    return UUID(bytes=hashlib.blake2b(encoded, digest_size=16).digest())


# A facet may say the same twice.
_CLAIMED = """
    SELECT DISTINCT ON (dataset_id, digest) dataset_id, payload, digest, at, told_by_id
    FROM jsonb_to_recordset(%(claims)s::jsonb)
         AS claim (dataset_id bigint, payload jsonb, digest uuid, at timestamptz, told_by_id bigint)
    ORDER BY dataset_id, digest, at, told_by_id
"""

_WITHDRAW = f"""
    DELETE FROM catalog_proposal AS proposal
    WHERE proposal.kind = %(kind)s AND proposal.state = 'open' AND proposal.dataset_id = ANY(%(about)s)
      AND NOT EXISTS (
          SELECT FROM ({_CLAIMED}) AS claim
          WHERE claim.dataset_id = proposal.dataset_id AND claim.digest = proposal.digest
      )
"""  # noqa: S608 -- constants only

_PROPOSE = f"""
    INSERT INTO catalog_proposal AS known (dataset_id, kind, payload, digest, at, told_by_id, state, reason)
    SELECT dataset_id, %(kind)s, payload, digest, at, told_by_id, 'open', '' FROM ({_CLAIMED}) AS claim
    ON CONFLICT (dataset_id, kind, digest) DO UPDATE SET at = excluded.at, told_by_id = excluded.told_by_id
    WHERE known.state = 'open' AND (known.at, known.told_by_id) IS DISTINCT FROM (excluded.at, excluded.told_by_id)
"""  # noqa: S608 -- constants only


def propose(*, kind: str, claims: Iterable[Claim], about: Collection[int]) -> None:
    """Make the open proposals of this kind about these datasets exactly those claimed; two statements for any number.

    What was decided stays decided: claimed again it is not asked again. No audit, since the event that says so is in the
    log of events. Inside the caller's transaction; saying the same again changes nothing.
    """
    rows = [
        {
            "dataset_id": claim.dataset_id,
            "payload": dict(claim.payload),
            "digest": str(digest_of(claim.payload)),
            "at": claim.at.isoformat(),
            "told_by_id": claim.told_by_id,
        }
        for claim in claims
    ]
    parameters: dict[str, str | list[int]] = {"kind": kind, "claims": json.dumps(rows), "about": sorted(about)}
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAW, parameters)
        if rows:
            cursor.execute(_PROPOSE, parameters)
