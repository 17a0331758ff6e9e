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
from access.policies.matching import is_dataset, is_subject
from access.policies.rules import Action, Effect, InForce, Rule
from access.policies.ruling import LevelTerms
from access.policies.standing import Turn, may_turn, turn_of
from access.policies_in_sql import any_of, grants_about
from access.querysets import GrantQuerySet
from catalog.models import Dataset, Field
from classification.models import Level

AT_ONCE = 2_000
"""So many grants are held to policies in one transaction, those that the policies are not about included."""
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


def standing_grants(rules: Iterable[Rule], ranks: Mapping[int, int]) -> GrantQuerySet:
    """Those that these rules may be about: live ones whose holder may still act, in the order of their ids."""
    held: GrantQuerySet = Grant.objects.live().within_time().of_active_holders()
    there = held.filter(dataset__gone_since__isnull=True, dataset__merged_into__isnull=True)
    return there.filter(grants_about(rules, ranks)).select_related("dataset", "request__purpose_kind").order_by("pk")


_ASKED_OF_GRANTS = (
    "principal_id",
    "field_ids",
    "masks",
    "is_emergency",
    "dataset__level",
    "request__purpose_kind__slug",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What policies said and say: `others` said all the while what they say."""

    others: Sequence[InForce]
    old: Sequence[InForce]
    new: Sequence[InForce]

    @classmethod
    def between(cls, before: Collection[InForce], after: Collection[InForce]) -> Change:
        same = {one.version_id for one in before} & {one.version_id for one in after}
        return cls(
            others=[one for one in before if one.version_id in same],
            old=[one for one in before if one.version_id not in same],
            new=[one for one in after if one.version_id not in same],
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """What holding some grants to policies found: by the version that narrows them, those that are narrowed.

    `versions` are those to which grants were held, up to the id `up_to`; None: all grants were.
    """

    narrowed: Mapping[PolicyVersion, Sequence[Turned]]
    versions: Sequence[PolicyVersion]
    up_to: int | None


def hold_next(due: Sequence[PolicyVersion]) -> Compared:
    """Hold the next `AT_ONCE` grants to all these versions; `due` are those to which not every grant was held yet, policies
    loaded.

    Each grant is narrowed once: by the newest version that narrows it alone, of those that deny before others, or where none
    does, by the first of these. The number of statements depends neither on how many grants there are nor on how many
    versions.

    Versions that came into force one after another are at different grants. Those that are furthest behind go first, up to
    where the next one is; from there on they go together.
    """

    def stronger(one: PolicyVersion) -> tuple[object, ...]:
        return one.contents.effect is Effect.DENY, one.valid_from, one.pk

    holding = sorted((one for one in due if one.holds), key=stronger, reverse=True)
    if not holding:
        return Compared({}, (), None)
    last = min(one.compared_up_to for one in holding)
    until = min((one.compared_up_to for one in due if one.compared_up_to > last), default=None)
    behind = [one for one in due if one.compared_up_to <= last]
    versions = [one for one in holding if one in behind]
    old = _said_before(versions, behind)
    new = {one.policy_id: one.in_force() for one in versions}
    others = [one.in_force() for one in PolicyVersion.objects.in_force().order_by("pk") if one.policy_id not in new]
    turning = [pk for pk in new if any(may_turn(one.rule) for one in (new[pk], *old.get(pk, ())))]
    if not turning:
        return Compared({}, versions, until)
    ranks = dict(Level.objects.values_list("pk", "rank"))
    changed = [one.rule for pk in turning for one in (new[pk], *old.get(pk, ()))]
    # The ids bound what is looked at: else each batch would look at all grants for those that the policies are about.
    ids = Grant.objects.live().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
    (up_to,) = ids[AT_ONCE - 1 : AT_ONCE] or (None,)
    if until is not None:
        up_to = min(up_to or until, until)
    grants = standing_grants(changed, ranks).filter(pk__gt=last).only(*_ASKED_OF_GRANTS)
    rows = list(grants if up_to is None else grants.filter(pk__lte=up_to))
    every_old = [one for said in old.values() for one in said]
    together = Change(others, every_old, list(new.values()))
    alone = {
        version: Change(
            [*others, *(one for pk, said in old.items() for one in said if pk != version.policy_id)],
            old.get(version.policy_id, ()),
            [new[version.policy_id]],
        )
        for version in versions
        if version.policy_id in turning
    }
    return Compared(_narrowed(rows, together, alone), versions, up_to)


def _said_before(versions: Sequence[PolicyVersion], behind: Sequence[PolicyVersion]) -> dict[int, tuple[InForce, ...]]:
    """By policy what it said before the first of its versions `behind`: one that was followed before all grants were held to
    it does not count."""
    began: dict[int, list[dt.datetime]] = defaultdict(list)
    for version in behind:
        if version.valid_from is not None:
            began[version.policy_id].append(version.valid_from)
    first = [
        Q(policy=one.policy_id, valid_to=min(began[one.policy_id])) & Q(valid_from__lt=F("valid_to"))
        for one in versions
    ]
    earlier = PolicyVersion.objects.filter(any_of(first), state=PolicyVersion.State.PUBLISHED).select_related("policy")
    return {one.policy_id: (one.in_force(),) for one in earlier}


def _narrowed(
    rows: Sequence[Grant], together: Change, alone: Mapping[PolicyVersion, Change]
) -> dict[PolicyVersion, list[Turned]]:
    """`alone` is what changes by each version by itself, in the order in which they are named."""
    levels = level_terms()
    several = "policies that came into force together"
    found: list[tuple[PolicyVersion, Grant, Turn, str]] = []
    for grant, question, held in _asked(rows):
        whole = _turn(grant, question, held, together, levels)
        if not whole.narrows:
            continue
        named, turn, title = next(iter(alone)), whole, _title_of(next(iter(alone))) if len(alone) == 1 else several
        for version, change in alone.items() if len(alone) > 1 else ():
            one = _turn(grant, question, held, change, levels)
            if one.narrows:
                named = version
                if one == whole:
                    turn, title = one, _title_of(version)
                break
        found.append((named, grant, turn, title))
    names = _names_of(turn for _, _, turn, _ in found)
    narrowed: dict[PolicyVersion, list[Turned]] = {}
    for named, grant, turn, title in found:
        narrowed.setdefault(named, []).append(Turned(grant, turn, _in_words(turn, names, title)))
    return narrowed


def preview_of_standing(
    grants: GrantQuerySet, before: Collection[InForce], after: Collection[InForce], *, title: str
) -> StandingPreview:
    """What the change would turn; the first grants are looked at, so that the number of statements is bounded.

    `title` is what the change is called in the words.
    """
    ids = list(grants.values_list("pk", flat=True)[: MOST_PREVIEWED + 1])
    change, found = Change.between(before, after), StandingPreview(is_capped=len(ids) > MOST_PREVIEWED)
    related = Grant.objects.select_related("dataset", "principal__user", "request__purpose_kind").order_by("pk")
    turned = turns_by(change, list(related.filter(pk__in=ids[:MOST_PREVIEWED])))
    sampled = [(grant, turn) for grant, turn in turned if turn][:SAMPLES]
    names = _names_of(turn for _, turn in sampled)
    found.samples = [Turned(grant, turn, _in_words(turn, names, title)) for grant, turn in sampled]
    for _, turn in turned:
        found.refused += turn.refused
        found.allowed += turn.allowed
        found.masked += bool(turn.masks)
        found.looser += turn.looser and not turn.masks
    return found


def turns_by(change: Change, grants: Sequence[Grant]) -> list[tuple[Grant, Turn]]:
    """What the change turns for each of these grants; two statements."""
    levels = level_terms()
    return [(grant, _turn(grant, question, held, change, levels)) for grant, question, held in _asked(grants)]


def _asked(grants: Sequence[Grant]) -> Iterator[tuple[Grant, Question, Mapping[int, Mask]]]:
    """The request that each of these grants answers, asked now, and its masks; one statement."""
    if not grants:
        return
    gathered = gather([Named("principal", str(grant.principal_id), grant.dataset_id) for grant in grants])
    for grant, found in zip(grants, gathered.found, strict=True):
        if found.subject is None or found.dataset is None:
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
        yield grant, question, {int(pk): Mask(mask) for pk, mask in grant.masks.items()}


def _turn(
    grant: Grant, question: Question, held: Mapping[int, Mask], change: Change, levels: Sequence[LevelTerms]
) -> Turn:
    """Most policies are about others, or about other data: nothing is asked of these twice.

    What was taken in an emergency lasts for hours and is reviewed anyway: it counts only that it is refused.
    """
    old, new = _about(question, change.old), _about(question, change.new)
    if not old and not new:
        return Turn()
    others = _about(question, change.others)
    turn = turn_of(question, held, [*others, *old], [*others, *new], levels)
    return Turn(refused=turn.refused) if grant.is_emergency else turn


def _about(question: Question, policies: Iterable[InForce]) -> list[InForce]:
    return [
        one
        for one in policies
        if is_dataset(one.rule.resources, question.dataset) and is_subject(one.rule, question.subject, question.dataset)
    ]


def _names_of(turns: Iterable[Turn]) -> Mapping[int, str]:
    """The names of the columns that these turns mask; one statement at most."""
    ids = {pk for turn in turns for pk in turn.masks}
    return {one.pk: str(one) for one in Field.objects.filter(pk__in=ids)} if ids else {}


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
