"""Keep what each inspection of a source told, and give back what held at a time."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet

from access.models import ObservedFact, Watch
from access.provisioning.facts import (
    AnyFact,
    DefaultPrivilege,
    DefaultRole,
    Member,
    Path,
    Privilege,
    Relation,
    Role,
    SchemaOwner,
)
from catalog.models import Source

PAUSE = dt.timedelta(hours=2)
"""Inspections further apart leave a gap of which nothing is known."""

_WRITTEN = 2000
_WITHOUT_PLACE = ("Role", "Member", "DefaultRole")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(
    Role | Member | DefaultRole | Privilege | SchemaOwner | Relation | DefaultPrivilege
).decode


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a source at a time: `told_at` is the inspection that the facts are from (None: none by then),
    and `until` the next one after a pause, so that what happened in between is not known.
    """

    told_at: dt.datetime | None
    until: dt.datetime | None = None

    @property
    def is_uncertain(self) -> bool:
        return self.until is not None


@transaction.atomic
def observe(*, source: Source, facts: Iterable[AnyFact], at: dt.datetime) -> None:
    """Take in what an inspection told: facts that are new begin, those that it told no more end.

    The caller holds the source's lease; what changed is written in batches, and nothing is where nothing did.
    """
    told = {_digest(encoded): (fact, encoded) for fact, encoded in ((fact, _told(fact)) for fact in facts)}
    holding = ObservedFact.objects.filter(source=source, valid_to__isnull=True)
    known = {bytes(digest): pk for pk, digest in holding.values_list("pk", "digest")}
    gone = [pk for digest, pk in known.items() if digest not in told]
    if gone:
        ObservedFact.objects.filter(pk__in=gone).update(valid_to=at)
    new = [_row(source, *one, at) for digest, one in told.items() if digest not in known]
    ObservedFact.objects.bulk_create(new, batch_size=_WRITTEN)
    watching = Watch.objects.filter(source=source, ended_at__gte=at - PAUSE)
    if not watching.update(ended_at=at):
        Watch.objects.create(source=source, began_at=at, ended_at=at)


def known_at(source: Source, at: dt.datetime) -> Observed:
    """From when what is known of a source at a time is; one statement."""
    return known_of_sources([source], at)[source.pk]


def known_of_sources(sources: Iterable[Source], at: dt.datetime) -> dict[int, Observed]:
    """From when what is known of each source at a time is, by id; one statement."""
    watches: dict[int, list[Watch]] = {source.pk: [] for source in sources}
    for watch in Watch.objects.filter(source__in=list(watches)).order_by("began_at"):
        watches[watch.source_id].append(watch)
    return {source: _observed(listed, at) for source, listed in watches.items()}


def _observed(watches: Sequence[Watch], at: dt.datetime) -> Observed:
    before = [watch for watch in watches if watch.began_at <= at]
    if not before:
        return Observed(None)
    last, after = before[-1], watches[len(before) :]
    if at <= last.ended_at:
        return Observed(at)
    return Observed(last.ended_at, after[0].began_at if after else None)


def facts_about(source: Source, path: Path, at: dt.datetime) -> list[AnyFact]:
    """What bears on who could read one relation at a time: its rights, those of whatever shows it and of all that those
    read (a view opens only what its owner may read wholly), and all roles.

    Two statements, however many relations the source has.
    """
    held = _holding(source, at)
    shows = [one for one in _facts(held.filter(kind="Relation", shows=True)) if isinstance(one, Relation)]
    places = _bearing_on(path, shows)
    scopes: list[Path] = [(), *{place[:1] for place in places}, *places]
    of_places = Q(path__in=[list(scope) for scope in scopes]) & ~Q(kind="Relation", shows=True)
    rest = held.filter(Q(kind__in=_WITHOUT_PLACE) | Q(anywhere=True) | of_places)
    return [*shows, *_facts(rest)]


def facts_at(source: Source, at: dt.datetime) -> list[AnyFact]:
    """Everything that was known of a source at a time; one statement."""
    return facts_of_sources([source], at).get(source.pk, [])


def facts_of_sources(sources: Iterable[Source], at: dt.datetime) -> dict[int, list[AnyFact]]:
    """Everything that was known of sources at a time, by id; one statement."""
    rows = _at(ObservedFact.objects.filter(source__in=[source.pk for source in sources]), at)
    found: dict[int, list[AnyFact]] = {}
    for source_id, fact in rows.values_list("source_id", "fact").iterator(chunk_size=_WRITTEN):
        found.setdefault(source_id, []).append(_decode(fact))
    return found


def _holding(source: Source, at: dt.datetime) -> QuerySet[ObservedFact]:
    return _at(ObservedFact.objects.filter(source=source), at)


def _at(rows: QuerySet[ObservedFact], at: dt.datetime) -> QuerySet[ObservedFact]:
    return rows.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at)


def _facts(rows: QuerySet[ObservedFact]) -> Iterator[AnyFact]:
    for fact in rows.values_list("fact", flat=True).iterator(chunk_size=_WRITTEN):
        yield _decode(fact)


def _bearing_on(path: Path, shows: Iterable[Relation]) -> set[Path]:
    """The relation, all that show it, and all that those read, directly or through others."""
    shown_by: dict[Path, list[Path]] = {}
    reads: dict[Path, list[Path]] = {}
    for one in shows:
        reads[one.path] = [read[:2] for read in one.reads]
        for read in reads[one.path]:
            shown_by.setdefault(read, []).append(one.path)
    return _reached(_reached({path}, shown_by), reads)


def _reached(places: Iterable[Path], steps: Mapping[Path, Iterable[Path]]) -> set[Path]:
    """These, and what any number of steps leads to from them."""
    found = set(places)
    waiting = list(found)
    while waiting:
        new = set(steps.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _told(fact: AnyFact) -> bytes:
    """A fact as it is kept: without what a relation says of itself in words, which bears on nobody's rights."""
    if isinstance(fact, Relation):
        fact = msgspec.structs.replace(fact, definition="", comment="")
    return _encode(fact)


def _digest(told: bytes) -> bytes:
    return hashlib.blake2b(told, digest_size=16).digest()


def _row(source: Source, fact: AnyFact, told: bytes, at: dt.datetime) -> ObservedFact:
    return ObservedFact(
        source=source,
        digest=_digest(told),
        kind=type(fact).__name__,
        path=list(getattr(fact, "path", ())),
        anywhere=isinstance(fact, Privilege) and fact.pattern,
        shows=isinstance(fact, Relation) and bool(fact.reads),
        fact=told.decode(),
        valid_from=at,
    )
