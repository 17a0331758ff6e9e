"""Events of the log, as far as a reader may know what they name.

Whoever sends an event chooses what it names and which run it is about. So that somebody may read the facets of a run says
nothing yet about an event of it: its job and every dataset in it are asked for by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from catalog.identity import find_names
from catalog.models import Dataset, Tier
from catalog.naming import DatasetKey
from catalog.visibility import scope_of
from lineage.models import Job
from lineage.openlineage import NAMING_FACETS, plain_namespace

if TYPE_CHECKING:
    from accounts.models import Principal

Json = dict[str, Any]
_FACETS = ("facets", "inputFacets", "outputFacets")


def told_events(principal: Principal, bodies: Sequence[str]) -> list[Json | None]:
    """The events, in their order; None for one of a job whose code the principal may not read.

    Datasets of which it may not read everything are left out, and facets that name such a dataset or a job that it does not
    see. Five statements for any number of events; none for whoever sees everything.
    """
    events: list[Json] = [msgspec.json.decode(body) for body in bodies]
    if scope_of(principal).everything or not events:
        return list(events)
    door = _door(principal, events)
    return [door.told(event) for event in events]


@dataclass(frozen=True, slots=True)
class _Door:
    """By (namespace, name): the datasets of which everything may be read, the jobs that are seen, those whose code is read."""

    datasets: Collection[DatasetKey]
    seen_jobs: Collection[tuple[str, str]]
    open_jobs: Collection[tuple[str, str]]

    def told(self, event: Json) -> Json | None:
        job = event.get("job")
        if job is not None and _key(job) not in self.open_jobs:
            return None
        return {name: self._member(name, value) for name, value in event.items() if self._shows(name, value)}

    def _member(self, name: str, value: Any) -> Any:
        if name in ("inputs", "outputs") and isinstance(value, list):
            return [self._described(one) for one in value if _key(one) in self.datasets]
        return self._described(value) if name in ("run", "job", "dataset") else value

    def _shows(self, name: str, value: Any) -> bool:
        return name != "dataset" or _key(value) in self.datasets

    def _described(self, thing: Json) -> Json:
        """A run, a job or a dataset with those of its facets that may be read."""
        return {
            name: {one: facet for one, facet in value.items() if self._names_what_is_open(one, facet)}
            if name in _FACETS and isinstance(value, dict)
            else value
            for name, value in thing.items()
        }

    def _names_what_is_open(self, name: str, facet: Any) -> bool:
        if name not in NAMING_FACETS:
            return True
        return all(key in self.datasets or key in self.seen_jobs for key in _named(facet))


def _door(principal: Principal, events: Iterable[Json]) -> _Door:
    every = {key for event in events for key in _named(event)}
    found = find_names(DatasetKey(*key) for key in every)
    open_ = set(
        Dataset.objects.filter(pk__in=set(found.values()))
        .visible_to(principal, Tier.PROFILE)
        .values_list("pk", flat=True)
    )
    wanted = Job.objects.filter(namespace__in={one for one, _ in every}, name__in={name for _, name in every})
    return _Door(
        {key for key, pk in found.items() if pk in open_},
        set(wanted.visible_to(principal).values_list("namespace", "name")),
        set(wanted.open_to(principal).values_list("namespace", "name")),
    )


def _key(thing: Mapping[str, Any]) -> DatasetKey:
    return DatasetKey(plain_namespace(str(thing.get("namespace"))), str(thing.get("name")))


def _named(value: Any) -> Iterator[DatasetKey]:
    """Every `{namespace, name}` at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("namespace"), str) and isinstance(value.get("name"), str):
            yield _key(value)
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
