"""Namespaces, sources and tags: what datasets and jobs are in, and what clients noted about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Tag
from common.errors import NotFound
from lineage.marquez import datasets, jobs, shapes
from lineage.marquez.jobs import Span
from lineage.marquez.names import known_namespaces
from lineage.marquez.shapes import Json
from lineage.models import MarquezNote

if TYPE_CHECKING:
    from accounts.models import Principal

Kind = MarquezNote.Kind


def namespaces(principal: Principal) -> list[Json]:
    """The namespaces with a dataset or job that the principal may see, and those that were noted and hold nothing."""
    of_datasets, of_jobs = datasets.namespaces_of(principal), jobs.namespaces_of(principal)
    seen: dict[str, Span] = {
        name: _span(of_datasets.get(name), of_jobs.get(name)) for name in of_datasets.keys() | of_jobs.keys()
    }
    notes = _notes(Kind.NAMESPACE)
    return [
        _namespace(name, seen.get(name), notes.get(name))
        for name in sorted(seen.keys() | _shown(principal, notes, seen))
    ]


def namespace(principal: Principal, name: str) -> Json:
    """One namespace; raises `NotFound`."""
    found = next((one for one in namespaces(principal) if one["name"] == name), None)
    if found is None:
        raise NotFound("There is no such namespace, or you may not see anything in it.")
    return found


def sources(principal: Principal) -> list[Json]:
    """The servers that datasets are on, known by the datasets' namespaces, and those that were noted."""
    seen = datasets.namespaces_of(principal)
    notes = _notes(Kind.SOURCE)
    return [
        _source(name, seen.get(name), notes.get(name)) for name in sorted(seen.keys() | _shown(principal, notes, seen))
    ]


def source(principal: Principal, name: str) -> Json:
    """One source; raises `NotFound`."""
    found = next((one for one in sources(principal) if one["name"] == name), None)
    if found is None:
        raise NotFound("There is no such source, or you may not see anything on it.")
    return found


def _span(one: Span | None, other: Span | None) -> Span:
    firsts = [span[0] for span in (one, other) if span and span[0]]
    lasts = [span[1] for span in (one, other) if span and span[1]]
    return min(firsts, default=None), max(lasts, default=None)


def _notes(kind: str) -> dict[str, MarquezNote]:
    return {note.name: note for note in MarquezNote.objects.filter(kind=kind)}


def _shown(principal: Principal, notes: Mapping[str, MarquezNote], seen: Mapping[str, Any]) -> set[str]:
    """Those of the noted that hold nothing at all: to name one whose datasets are hidden would betray them. So would leaving
    it out, to whoever noted it themselves."""
    own = {name for name, note in notes.items() if note.told_by_id == principal.pk}
    others = notes.keys() - seen.keys() - own
    return own | others - known_namespaces(others, noted=False)


def _namespace(name: str, span: Span | None, note: MarquezNote | None) -> Json:
    first, last = _with_note(span, note)
    told = note.told if note else {}
    return shapes.namespace(
        name,
        created_at=first,
        updated_at=last,
        owner=told.get("ownerName", ""),
        description=told.get("description", ""),
    )


def _source(name: str, span: Span | None, note: MarquezNote | None) -> Json:
    first, last = _with_note(span, note)
    told = note.told if note else {}
    return shapes.source(
        name, created_at=first, updated_at=last, type_=told.get("type", ""), url=told.get("connectionUrl", ""),
        description=told.get("description", ""),
    )  # fmt: skip


def _with_note(span: Span | None, note: MarquezNote | None) -> Span:
    noted = (note.created_at, note.updated_at) if note else None
    return _span(span, noted)


def tags() -> list[Json]:
    """The organisation's tags and those that were noted, by name; two statements."""
    notes = _notes(Kind.TAG)
    known = set(Tag.objects.values_list("name", flat=True))
    return [tag(name, notes.get(name)) for name in sorted(known | notes.keys())]


def tag(name: str, note: MarquezNote | None) -> Json:
    return {"name": name, "description": note.told.get("description", "") if note else ""}


@transaction.atomic
def put_note(*, kind: str, name: str, told: Mapping[str, Any], by: Principal) -> MarquezNote:
    """Keep what a client says of a namespace, a source or a tag; the latest stands."""
    note, _ = MarquezNote.objects.update_or_create(
        kind=kind,
        name=name,
        defaults={"told": dict(told), "told_by": by, "updated_at": timezone.now()},
        create_defaults={"told": dict(told), "told_by": by},
    )
    return note


def noted_namespace(principal: Principal, note: MarquezNote) -> Json:
    """A namespace as it was just noted, with the times of what is in it."""
    of_datasets, of_jobs = datasets.namespaces_of(principal), jobs.namespaces_of(principal)
    return _namespace(note.name, _span(of_datasets.get(note.name), of_jobs.get(note.name)), note)


def noted_source(principal: Principal, note: MarquezNote) -> Json:
    return _source(note.name, datasets.namespaces_of(principal).get(note.name), note)


def forget_namespace(name: str) -> None:
    """Drop the note of a namespace whose datasets and jobs are deleted."""
    MarquezNote.objects.filter(kind=Kind.NAMESPACE, name=name).delete()
