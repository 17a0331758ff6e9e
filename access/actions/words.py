"""How records tell of requests and grants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from access.models import AccessRequest, Grant
from catalog.models import Field


def names_of(sets: Iterable[Sequence[int]]) -> Mapping[int, str]:
    """The names of all these columns; one statement, none without columns."""
    ids = {field_id for field_ids in sets for field_id in field_ids}
    return {field.pk: str(field) for field in Field.objects.filter(pk__in=ids)} if ids else {}


def columns_in_words(field_ids: Sequence[int], names: Mapping[int, str]) -> str:
    """`email, phone` as people say it; "all columns" for none, and a count where there are many."""
    if not field_ids:
        return "all columns"
    if len(field_ids) > 5:
        return f"{len(field_ids)} columns"
    return ", ".join(names.get(pk, "a column that is gone") for pk in field_ids)


def told_of_request(request: AccessRequest, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "request_id": request.pk,
        "dataset_id": request.dataset_id,
        "requester_id": request.requester_id,
        "dataset": request.dataset.name,
        "columns": columns_in_words(request.field_ids, names),
        "requester": str(request.requester),
    }


def told_of_grant(grant: Grant, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "grant_id": grant.pk,
        "dataset_id": grant.dataset_id,
        "holder_id": grant.principal_id,
        "request_id": grant.request_id,
        "dataset": grant.dataset.name,
        "columns": columns_in_words(grant.field_ids, names),
        "holder": str(grant.principal),
    }
