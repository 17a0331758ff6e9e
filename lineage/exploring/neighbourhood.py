"""Which datasets a picture shows: those around one, page by page of neighbours, the most critical first."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, TextField
from django.db.models.expressions import RawSQL

from catalog.models import Dataset, Tier
from lineage.exploring.asked import WAYS, Way
from lineage.graph import Step
from lineage.queries.disclosure import Readable
from lineage.queries.steps import Slice, datasets_among, steps

if TYPE_CHECKING:
    from accounts.models import Principal

PAGE = 10
MAX_SHOWN = 2000

_PLACE = RawSQL("array_to_string(path[1:cardinality(path) - 1], '.')", [], output_field=TextField())


class Known(NamedTuple):
    """What is known of a dataset, before the reader's tier is applied."""

    id: int
    namespace: str = ""
    qualified_name: str = ""
    name: str = ""
    place: str = ""
    kind: str = ""
    level: int | None = None
    is_gone: bool = False
    criticality: int = 0
    tier: int = Tier.NONE


class Neighbourhood:
    """Datasets around one, as far as a reader may be told of the edges to them.

    Hidden datasets have a key that means nothing elsewhere: for another reader or another dataset in the middle they have
    another one. A round of neighbours takes one statement for the edges, one for what they are, and one for what may be read
    where the reader does not see everything.
    """

    def __init__(self, principal: Principal, focus: Dataset, slice_: Slice) -> None:
        self.principal = principal
        self.focus = focus
        self.readable = Readable(principal, known=[focus.pk])
        self.step: Step[tuple[int, int, int]] = self.readable.telling(steps(focus.pk, slice_))
        self.shown: dict[int, None] = {focus.pk: None}
        self.up: dict[int, int] = {focus.pk: 0}
        self.down: dict[int, int] = {focus.pk: 0}
        self.is_cut = False
        self._known: dict[int, Known] = {}
        self._keys: dict[int, str] = {}
        self.learn([focus.pk])

    def learn(self, ids: Iterable[int]) -> None:
        """Read what these datasets are, each once."""
        new = [pk for pk in dict.fromkeys(ids) if pk not in self._known]
        if not new:
            return
        rows = (
            datasets_among(new)
            .with_tier(self.principal)
            .annotate(place=_PLACE, is_gone=ExpressionWrapper(Q(gone_since__isnull=False), BooleanField()))
            .order_by()
        )
        for row in rows.values_list("pk", *Known._fields[1:]):
            known = Known(*row)
            self._known[known.id] = known._replace(place=known.place or known.namespace)
        if self.focus.pk in new:
            # The caller has looked at the door already; an exception may stand for this dataset alone.
            known = self._known[self.focus.pk]
            self._known[known.id] = known._replace(tier=max(known.tier, Tier.METADATA))

    def known(self, pk: int) -> Known:
        return self._known.get(pk) or Known(pk)

    def key(self, pk: int) -> str:
        """What a dataset is called in the picture: its id, or for a hidden one a word that tells nothing."""
        if pk not in self._keys:
            hidden = self.known(pk).tier < Tier.DISCOVER
            self._keys[pk] = hidden_key(self.principal, self.focus, pk) if hidden else str(pk)
        return self._keys[pk]

    def rank(self, pk: int) -> tuple[bool, int, str, str]:
        """Most critical first, those that may not be read by name, hidden ones last."""
        known = self.known(pk)
        critical = known.criticality if known.tier >= Tier.METADATA else 0
        name = known.name if known.tier >= Tier.DISCOVER else ""
        return known.tier < Tier.DISCOVER, -critical, name, self.key(pk)

    def grow(self, *, ways: Collection[Way], depth: int, expanded: Mapping[tuple[str, Way], int]) -> None:
        """Add pages of neighbours: the first of each dataset nearer than `depth`, or as many as `expanded` says."""
        done: set[tuple[int, Way]] = set()
        while True:
            due = {
                (pk, way): pages
                for pk in self.shown
                for way in WAYS
                if (pk, way) not in done and (pages := self.pages(pk, way, ways, depth, expanded))
            }
            if not due or self.is_cut:
                return
            done |= due.keys()
            beside = self.neighbours({pk for pk, way in due if way == "up"}, {pk for pk, way in due if way == "down"})
            for (pk, way), pages in due.items():
                self._take(pk, way, sorted(beside.get((pk, way), ()), key=self.rank)[: PAGE * pages])

    def pages(
        self, pk: int, way: Way, ways: Collection[Way], depth: int, expanded: Mapping[tuple[str, Way], int]
    ) -> int:
        changed = expanded.get((self.key(pk), way))
        if changed is not None:
            return changed
        distance = (self.up if way == "up" else self.down).get(pk)
        return 1 if way in ways and distance is not None and distance < depth else 0

    def _take(self, pk: int, way: Way, found: Sequence[int]) -> None:
        distances = self.up if way == "up" else self.down
        for other in found:
            if not self.show(other):
                return
            if pk in distances:
                distances[other] = min(distances[pk] + 1, distances.get(other, distances[pk] + 1))

    def show(self, pk: int) -> bool:
        """Add a dataset; False, and the picture is cut, where there is no room left."""
        if pk not in self.shown and len(self.shown) >= MAX_SHOWN:
            self.is_cut = True
            return False
        self.shown.setdefault(pk)
        return True

    def neighbours(self, up: Collection[int], down: Collection[int]) -> dict[tuple[int, Way], set[int]]:
        """The direct neighbours of datasets, upstream of the first and downstream of the second, with what they are."""
        beside: dict[tuple[int, Way], set[int]] = {}
        for upstream, downstream, _ in self.step(up, down):
            if upstream == downstream:
                continue
            if downstream in up:
                beside.setdefault((downstream, "up"), set()).add(upstream)
            if upstream in down:
                beside.setdefault((upstream, "down"), set()).add(downstream)
        self.learn(pk for found in beside.values() for pk in found)
        return beside


def hidden_key(principal: Principal, focus: Dataset, pk: int) -> str:
    """A word for a dataset that the reader may not know of: the same in all its pictures around this focus, no others."""
    text = f"{principal.pk}:{focus.pk}:{pk}".encode()
    return "h" + hmac.digest(settings.SECRET_KEY.encode(), b"lineage.explorer:" + text, hashlib.sha256).hex()[:12]
