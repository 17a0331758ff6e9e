"""Grants that stand while policy changes: which of them would be decided otherwise now."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import F, Q, QuerySet

from access.asking import level_terms
from access.gathering import Named, gather
from access.models import Grant, PolicyVersion
from access.policies.facts import Question
from access.policies.masking import Mask
from access.policies.rules import Action, Effect, InForce, Rule
from access.policies.ruling import LevelTerms
from access.policies.standing import Turn, may_turn, turn_of
from access.policies_in_sql import any_of
from access.querysets import GrantQuerySet
from catalog.models import Dataset, Field

AT_ONCE = 500
"""So many grants are read by one statement."""
MOST_PREVIEWED = 2_000
SAMPLES = 8
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Turned:
    """A grant that a change of policy is about, and what it turns; `why` says so in words."""

    grant: Grant
    turn: Turn
    why: str


@dataclass(slots=True)
class StandingPreview:
    """How many grants a change turns, and a few of them. `is_capped`: there are more grants than were looked at."""

    refused: int = 0
    allowed: int = 0
    masked: int = 0
    looser: int = 0
    samples: list[Turned] = field(default_factory=list)
    is_capped: bool = False

    @property
    def total(self) -> int:
        return self.refused + self.allowed + self.masked + self.looser


def datasets_of(rules: Iterable[Rule]) -> QuerySet[Dataset]:
    """The present datasets that one of the rules is about, by its selectors of whole datasets."""
    about = []
    for rule in rules:
        one = Q(pk__isnull=False)
        for name, ids in (
            ("domain_id", rule.resources.domains),
            ("source_id", rule.resources.sources),
            ("id", rule.resources.datasets),
        ):
            if ids:
                one &= Q(**{f"{name}__in": ids})
        if rule.resources.fields:
            one &= Q(pk__in=Field.objects.filter(pk__in=rule.resources.fields).values("dataset"))
        about.append(one)
    return Dataset.objects.filter(any_of(about), gone_since__isnull=True, merged_into__isnull=True)


def standing_grants(rules: Iterable[Rule]) -> GrantQuerySet:
    """Those that these rules may be about: live usual ones whose holder may still act, in the order of their ids."""
    rows: GrantQuerySet = Grant.objects.live().usual().within_time().of_active_holders()
    held = rows.filter(dataset__in=datasets_of(rules))
    return held.select_related("dataset", "principal__user", "request__purpose_kind").order_by("pk")


def turned_grants(
    grants: GrantQuerySet, before: Collection[InForce], after: Collection[InForce], *, title: str
) -> Iterator[Turned]:
    """Those of these grants that the change from `before` to `after` turns, in the order of their ids.

    Three statements for each `AT_ONCE` grants, and one more. `title` is what the change is called in the words.
    """
    levels = level_terms()
    last = 0
    while rows := list(grants.filter(pk__gt=last)[:AT_ONCE]):
        last = rows[-1].pk
        turned = list(zip(rows, _turns(rows, before, after, levels), strict=True))
        named = Field.objects.filter(pk__in={pk for _, turn in turned for pk in turn.masks})
        names = {one.pk: str(one) for one in named}
        for grant, turn in turned:
            if turn:
                yield Turned(grant, turn, _in_words(turn, names, title))


def narrowed_by(due: Sequence[PolicyVersion]) -> dict[PolicyVersion, list[Turned]]:
    """The standing grants that these versions narrow all together; `due` are those that nobody compared, policies loaded.

    Each grant once: by the newest version that narrows it alone, of those that deny before others, or where none does, by
    the first of these. The number of statements depends on how many versions there are, not on how many grants.
    """

    def stronger(one: PolicyVersion) -> tuple[object, ...]:
        return one.contents.effect is Effect.DENY, one.valid_from, one.pk

    holding = sorted((one for one in due if one.holds), key=stronger, reverse=True)
    began: dict[int, list[dt.datetime]] = defaultdict(list)
    for version in due:
        if version.valid_from is not None:
            began[version.policy_id].append(version.valid_from)
    # What a policy said before its first version in `due`: one that was followed within a sweep was never compared.
    first = [
        Q(policy=one.policy_id, valid_to=min(began[one.policy_id])) & Q(valid_from__lt=F("valid_to")) for one in holding
    ]
    earlier = PolicyVersion.objects.filter(any_of(first), state=PolicyVersion.State.PUBLISHED).select_related("policy")
    old = {one.policy_id: one.in_force() for one in earlier}
    new = {one.policy_id: one.in_force() for one in holding}
    changed = [one.rule for one in (*old.values(), *new.values())]
    if not any(may_turn(rule) for rule in changed):
        return {}
    others = [one.in_force() for one in PolicyVersion.objects.in_force().order_by("pk") if one.policy_id not in new]
    before, after = [*others, *old.values()], [*others, *new.values()]
    grants = standing_grants(changed)
    title = _title_of(holding[0]) if len(holding) == 1 else "policies that came into force together"
    narrowed = {one.grant.pk: one for one in turned_grants(grants, before, after, title=title) if one.turn.narrows}
    found: dict[PolicyVersion, list[Turned]] = {}
    for version in holding if len(holding) > 1 else ():
        alone = [*others, *{**old, version.policy_id: new[version.policy_id]}.values()]
        left = grants.filter(pk__in=list(narrowed))
        for one in turned_grants(left, before, alone, title=_title_of(version)):
            if one.turn.narrows:
                whole = narrowed.pop(one.grant.pk)
                found.setdefault(version, []).append(one if one.turn == whole.turn else whole)
    if narrowed:
        found.setdefault(holding[0], []).extend(narrowed.values())
    return found


def preview_of_standing(
    grants: GrantQuerySet, before: Collection[InForce], after: Collection[InForce], *, title: str
) -> StandingPreview:
    """What the change would turn; the first grants are looked at, so that the number of statements is bounded."""
    ids = list(grants.values_list("pk", flat=True)[: MOST_PREVIEWED + 1])
    found = StandingPreview(is_capped=len(ids) > MOST_PREVIEWED)
    looked_at = grants.filter(pk__in=ids[:MOST_PREVIEWED])
    for one in turned_grants(looked_at, before, after, title=title):
        found.refused += one.turn.refused
        found.allowed += one.turn.allowed
        found.masked += bool(one.turn.masks)
        found.looser += one.turn.looser and not one.turn.masks
        if len(found.samples) < SAMPLES:
            found.samples.append(one)
    return found


def _turns(
    grants: Sequence[Grant], before: Collection[InForce], after: Collection[InForce], levels: Sequence[LevelTerms]
) -> Iterator[Turn]:
    gathered = gather([Named("principal", str(grant.principal_id), grant.dataset_id) for grant in grants])
    for grant, found in zip(grants, gathered.found, strict=True):
        if found.subject is None or found.dataset is None:
            yield Turn()
            continue
        kind = grant.request.purpose_kind if grant.request else None
        question = Question(
            subject=found.subject,
            action=Action.REQUEST,
            dataset=found.dataset,
            at=gathered.at,
            asked=frozenset(grant.field_ids),
            purpose=kind.slug if kind else "",
            ranks=gathered.ranks,
        )
        held = {int(pk): Mask(mask) for pk, mask in grant.masks.items()}
        yield turn_of(question, held, before, after, levels)


def _title_of(version: PolicyVersion) -> str:
    return f"version {version.number} of “{version.name}”"


def _in_words(turn: Turn, names: Mapping[int, str], title: str) -> str:
    if turn.refused:
        return f"By {title} it would be refused."
    if turn.masks:
        shown: dict[Mask, list[str]] = {}
        for pk, mask in turn.masks.items():
            shown.setdefault(mask, []).append(names.get(pk, "the contents"))
        parts = [
            f"{', '.join(listed) if len(listed) <= MOST_NAMED else f'{len(listed)} columns'} as {mask.label}"
            for mask, listed in shown.items()
        ]
        return f"By {title} it would show {' and '.join(parts)}."
    if turn.allowed:
        return f"By {title} it would not be refused any more."
    return f"By {title} it would be masked less. Whoever wants that asks anew."
