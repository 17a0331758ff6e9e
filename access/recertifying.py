"""Which grants a recertification would look at, at which level, and who could decide on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from access.models import Grant
from access.querysets import GrantQuerySet
from access.reviewing import answerable_for
from accounts.models import Principal
from catalog.models import Domain, Field, Source
from classification.models import Level
from classification.queries import levels_by_rank


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a campaign concerns: each part narrows it, none of them is everything."""

    domain: Domain | None = None
    source: Source | None = None
    from_level: Level | None = None
    """Only grants of data at this level or above."""
    revokes_from: Level | None = None
    """Silence revokes grants of data at this level or above; None: the highest level that there is."""

    @property
    def in_words(self) -> str:
        parts = [
            f"in the domain {self.domain.name}" if self.domain else "",
            f"in the source {self.source.name}" if self.source else "",
            f"of data that is {self.from_level.name} or above" if self.from_level else "",
        ]
        said = " ".join(part for part in parts if part)
        return f"grants {said}" if said else "all grants"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A grant that a campaign would look at, with the highest level of its data."""

    grant: Grant
    level: Level | None
    silence_revokes: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a campaign would hold: `nobody` counts grants on which only administrators could decide."""

    candidates: Sequence[Candidate]
    by_level: Sequence[tuple[Level | None, int]]
    reviewer_ids: frozenset[int]
    nobody: int

    @property
    def revoked_by_silence(self) -> int:
        return sum(one.silence_revokes for one in self.candidates)


def preview_of(chosen: Chosen) -> Preview:
    """What a campaign over this would look at now; a fixed number of statements."""
    candidates = candidates_of(chosen)
    answerable = answerable_for({one.grant.dataset_id: one.grant.dataset for one in candidates}.values())
    reviewers: set[int] = set()
    nobody = 0
    for one in candidates:
        able = answerable[one.grant.dataset_id].everyone - {one.grant.principal_id}
        reviewers |= able
        nobody += not able
    counted = Counter(one.level for one in candidates)
    by_level = sorted(counted.items(), key=lambda pair: -(pair[0].rank if pair[0] else 0))
    return Preview(candidates, by_level, frozenset(reviewers), nobody)


def candidates_of(chosen: Chosen) -> list[Candidate]:
    """Live usual grants within it, in the order of their making; three statements."""
    grants: GrantQuerySet = Grant.objects.live().usual().select_related("dataset", "principal__user").order_by("pk")
    if chosen.domain is not None:
        grants = grants.filter(dataset__domain=chosen.domain)
    if chosen.source is not None:
        grants = grants.filter(dataset__source=chosen.source)
    listed = list(grants)
    levels = levels_by_rank()
    rank_of = ranks_of(listed)
    lowest = chosen.from_level.rank if chosen.from_level else 0
    revoking = chosen.revokes_from.rank if chosen.revokes_from else max(levels, default=0)
    found = []
    for grant in listed:
        rank = rank_of[grant.pk]
        if rank >= lowest:
            found.append(Candidate(grant, levels.get(rank), bool(rank) and rank >= revoking))
    return found


def ranks_of(grants: Sequence[Grant]) -> Mapping[int, int]:
    """The highest rank of each grant's data, 0 for none; a column without a level counts as its dataset."""
    wanted = {field_id for grant in grants for field_id in grant.field_ids}
    level_of = dict(Field.objects.filter(pk__in=wanted).values_list("pk", "level")) if wanted else {}
    ranks = {}
    for grant in grants:
        whole = grant.dataset.level or 0
        ranks[grant.pk] = max(((level_of.get(pk) or whole) for pk in grant.field_ids), default=whole)
    return ranks


def reviewers_of(ids: frozenset[int], limit: int = 12) -> Sequence[Principal]:
    """Some of these people, by name."""
    return list(Principal.objects.filter(pk__in=ids).select_related("user").order_by("name")[:limit])
