"""Who can read a column, and what somebody can read, as sources were seen to allow it: now, or at a past time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from access.enforcement.history import Observed, facts_about, facts_of_sources, known_at, known_of_sources
from access.evidence import Explainer, RecordedGrant, ToldRoute, distinct
from access.models import DatabaseLogin
from access.provisioning.facts import DefaultPrivilege, Path, Relation, RelationKind
from access.provisioning.identities import MYSQL, POSTGRES, Dialect
from access.provisioning.readers import WHOLE, Reader, Readers, born_with
from access.provisioning.telling import together
from accounts.models import Principal
from catalog.models import Dataset, Field, Source
from catalog.visibility import scope_of
from classification.models import Level
from classification.queries import levels_by_rank, ranks_at
from connections.platforms import Platform

DIALECTS: dict[str, Dialect] = {Platform.POSTGRES: POSTGRES, Platform.MYSQL: MYSQL}
"""The platforms of which the catalog knows how their privileges work."""


@dataclass(frozen=True, slots=True)
class ColumnReader:
    """Somebody with a right that bears on what was asked, and whose login it is, where the catalog knows."""

    reader: Reader
    principal: Principal | None
    routes: Sequence[ToldRoute]

    @property
    def open_routes(self) -> Sequence[ToldRoute]:
        return [told for told in self.routes if told.route.is_open]

    @property
    def sentences(self) -> Sequence[str]:
        """Why, of the ways that are open; of somebody who has none, of all."""
        return together(told.route for told in self.open_routes or self.routes)

    @property
    def behind(self) -> Sequence[ToldRoute]:
        return distinct(self.routes)

    @property
    def is_drift(self) -> bool:
        """Whether one reads by ways alone that nobody approved or accepted."""
        ways = self.open_routes
        return bool(ways) and all(told.is_drift for told in ways)

    @property
    def is_accepted(self) -> bool:
        """Whether one reads without an approval, and somebody let it stay."""
        ways = self.open_routes
        return any(told.acceptance for told in ways) and all(told.acceptance or told.is_drift for told in ways)

    @property
    def standing(self) -> str:
        """`reads`, `may` (after SET ROLE), or `blocked`, where a right opens nothing."""
        return "reads" if self.reader.is_immediate else "may" if self.reader.is_open else "blocked"


@dataclass(frozen=True, slots=True)
class WhoReads:
    """Who could read a column of a dataset (None: any of it) at a time.

    `level` is what the column, or else the dataset, had then. `people` can log in; `roles` only hold rights. `future`
    is what tables made in the schema are born with.
    """

    dataset: Dataset
    field: Field | None
    at: dt.datetime
    observed: Observed
    level: Level | None
    people: Sequence[ColumnReader] = ()
    roles: Sequence[ColumnReader] = ()
    future: Sequence[DefaultPrivilege] = ()
    is_known: bool = True

    @property
    def reading(self) -> Sequence[ColumnReader]:
        return [one for one in self.people if one.reader.is_open]

    @property
    def blocked(self) -> Sequence[ColumnReader]:
        return [one for one in self.people if not one.reader.is_open]

    @property
    def drifting(self) -> int:
        return sum(one.is_drift for one in self.people)

    @property
    def accepted(self) -> int:
        return sum(one.is_accepted for one in self.people)


@dataclass(frozen=True, slots=True)
class ReadableDataset:
    """A relation that somebody reads: which columns (none: all), by which ways. `shows` are the others that it shows."""

    source: Source
    path: Path
    dataset: Dataset | None
    kind: RelationKind
    columns: Sequence[str]
    shows: Sequence[Path]
    routes: Sequence[ToldRoute]

    @property
    def sentences(self) -> Sequence[str]:
        return together(told.route for told in self.routes)

    @property
    def behind(self) -> Sequence[ToldRoute]:
        return distinct(self.routes)

    @property
    def is_drift(self) -> bool:
        return all(told.is_drift for told in self.routes)

    @property
    def needs_set_role(self) -> bool:
        return not any(told.route.is_immediate for told in self.routes)


@dataclass(frozen=True, slots=True)
class ReadingSource:
    """A source that somebody has a login in, and from when what is said of it is."""

    source: Source
    login: str
    observed: Observed


@dataclass(frozen=True, slots=True)
class WhatReads:
    """What somebody could read at a time, in all sources where a login of theirs was known.

    `recorded` are their grants in all other sources, and in those that were not read: the decision stands, whether the
    source lets them read is not known.
    """

    principal: Principal
    at: dt.datetime
    sources: Sequence[ReadingSource]
    datasets: Sequence[ReadableDataset]
    recorded: Sequence[RecordedGrant]
    is_partial: bool
    """Whether the asker sees some datasets only: those that they answer for."""


def is_explained(source: Source | None) -> bool:
    """Whether the catalog knows how a source's privileges work."""
    return source is not None and source.platform in DIALECTS


def who_reads(dataset: Dataset, field: Field | None, *, at: dt.datetime | None = None) -> WhoReads:
    """Who could read a column (of a nested one, what holds it) or any of a dataset. A fixed number of statements."""
    at = at or timezone.now()
    rank, ranks = ranks_at(dataset, at)
    level = levels_by_rank().get((ranks.get(field.pk, 0) if field else 0) or rank)
    source = dataset.source
    if source is None or not is_explained(source):
        return WhoReads(dataset, field, at, Observed(None), level, is_known=False)
    observed = known_at(source, at)
    if observed.told_at is None:
        return WhoReads(dataset, field, at, observed, level)
    path = _path_of(dataset.path)
    facts = facts_about(source, path, at)
    readers = Readers(facts, DIALECTS[source.platform])
    found = readers.of_column(path, field.path[0]) if field else readers.of_relation(path)
    explainer = Explainer([source], at, datasets=[dataset.pk])
    told = [_column_reader(one, explainer, source, dataset) for one in found]
    return WhoReads(
        dataset=dataset,
        field=field,
        at=at,
        observed=observed,
        level=level,
        people=[one for one in told if one.reader.can_login],
        roles=[one for one in told if not one.reader.can_login],
        future=born_with(facts, path[0]),
    )


def what_reads(principal: Principal, *, asker: Principal, at: dt.datetime | None = None) -> WhatReads:
    """What somebody could read, as far as `asker` may know. The number of statements is fixed, whatever they read."""
    at = at or timezone.now()
    rows = DatabaseLogin.objects.filter(principal=principal, valid_from__lte=at).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=at)
    )
    logins = {row.source: row.name for row in rows.select_related("source__connection") if is_explained(row.source)}
    observed = known_of_sources(logins, at)
    facts = facts_of_sources(logins, at)
    sees_all = asker.pk == principal.pk or scope_of(asker).everything
    found = [
        (source, readable)
        for source, login in sorted(logins.items(), key=lambda one: one[0].name)
        for readable in Readers(facts.get(source.pk, ()), DIALECTS[source.platform]).of_reader(login)
    ]
    known = _datasets(
        _by_source((source, readable.relation.path) for source, readable in found), asker, everything=sees_all
    )
    explainer = Explainer(logins, at, holders=[principal])
    listed = []
    for source, readable in found:
        dataset = known.get((source.pk, readable.relation.path))
        if dataset is None and not sees_all:
            continue
        routes = [route for ways in readable.ways.values() for route in ways]
        told = [
            explainer.explain(
                route, source_id=source.pk, dataset_id=dataset.pk if dataset else None, reader=logins[source]
            )
            for route in routes
        ]
        columns = () if WHOLE in readable.ways else tuple(sorted(readable.ways))
        listed.append(
            ReadableDataset(
                source=source,
                path=readable.relation.path,
                dataset=dataset,
                kind=readable.relation.kind,
                columns=columns,
                shows=_shown(readable.relation),
                routes=told,
            )
        )
    told_of = {one.source.pk for one in listed}
    sources = [
        ReadingSource(source, login, observed[source.pk])
        for source, login in logins.items()
        if sees_all or source.pk in told_of
    ]
    read = [source.pk for source in logins if observed[source.pk].told_at is not None]
    recorded = explainer.recorded(but_in=read)
    if not sees_all:
        answered_for = _answered_for(asker, (one.evidence.grant.dataset_id for one in recorded))
        recorded = [one for one in recorded if one.evidence.grant.dataset_id in answered_for]
    return WhatReads(principal, at, sources, listed, recorded, is_partial=not sees_all)


def _column_reader(reader: Reader, explainer: Explainer, source: Source, dataset: Dataset) -> ColumnReader:
    routes = [
        explainer.explain(route, source_id=source.pk, dataset_id=dataset.pk, reader=reader.name)
        for route in reader.routes
    ]
    return ColumnReader(reader, explainer.principal_of(source.pk, reader.name), routes)


def _path_of(native: Sequence[str]) -> Path:
    """(schema, relation), of PostgreSQL's (database, schema, relation) too."""
    return tuple(native[-2:])


def _by_source(found: Iterable[tuple[Source, Path]]) -> dict[int, list[Path]]:
    paths: dict[int, list[Path]] = {}
    for source, path in found:
        paths.setdefault(source.pk, []).append(path)
    return paths


def _datasets(paths: dict[int, list[Path]], asker: Principal, *, everything: bool) -> dict[tuple[int, Path], Dataset]:
    """The catalog's datasets of these paths: all, or those that the asker answers for; one statement."""
    wanted = Q(pk__in=[])
    for source, listed in paths.items():
        names = {path[-1] for path in listed}
        wanted |= Q(source=source, name__in=list(names))
    rows = Dataset.objects.filter(wanted, merged_into__isnull=True)
    if not everything:
        rows = rows.filter(scope_of(asker).curation())
    known = {source: set(listed) for source, listed in paths.items()}
    return {
        (row.source_id or 0, path): row
        for row in rows
        if (path := _path_of(row.path)) in known.get(row.source_id or 0, ())
    }


def _answered_for(asker: Principal, datasets: Iterable[int]) -> set[int]:
    """Those of these datasets that the asker answers for; one statement."""
    rows = Dataset.objects.filter(scope_of(asker).curation(), pk__in=list(datasets))
    return set(rows.values_list("pk", flat=True))


def _shown(relation: Relation) -> Sequence[Path]:
    return sorted({read[:2] for read in relation.reads})
