"""Who may read: the decision on one question, with its reasons. The same as SQL is `access.policies_in_sql`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from access.policies.facts import FieldFacts, GrantFacts, Question
from access.policies.masking import Mask, mildest, strictest
from access.policies.matching import concerns, is_column, selects
from access.policies.rules import Action, Effect, InForce, MaskOf

MOST_REASONS = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether all fields in question may be read, and how: what binds whoever lets it happen.

    `readable` are those of the fields in question that may be; some may be where not all are. `masks` are by field id.
    `row_filter` is an SQL condition, "" for every row. `versions` and `grants` are what the answer rests on.
    """

    allowed: bool
    reasons: tuple[str, ...]
    readable: frozenset[int] = frozenset()
    masks: Mapping[int, Mask] = field(default_factory=dict)
    row_filter: str = ""
    versions: tuple[int, ...] = ()
    grants: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class _Path:
    """One way in which a field may be read. `allower` is the policy or grant as a reason calls it."""

    allower: str
    mask: Mask | None
    row_filter: str
    version_id: int = 0
    grant_id: int = 0


def decide(question: Question, policies: Iterable[InForce]) -> Decision:
    """Whether the subject may do it with every field in question.

    Nothing is allowed that no policy or grant allows; what any policy denies is not. Of several ways to the same field the
    one that shows most counts, and rows are filtered only where no way shows them all.
    """
    if not question.subject.is_active:
        return Decision(False, ("The account is closed.",))
    if question.asks_for_what_is_gone:
        return Decision(False, ("One of the columns is not in the dataset.",))
    matching = [policy for policy in policies if concerns(policy.rule, question, question.action)]
    grants = question.grants if question.action is Action.READ else ()
    readable: dict[int, list[_Path]] = {}
    denied: dict[str, int] = {}
    refusing: set[int] = set()
    is_lacking = False
    for one in question.fields:
        denying = [each for each in matching if each.rule.effect is Effect.DENY and selects(each.rule, one, question)]
        if denying:
            for policy in denying:
                denied[policy.title] = denied.get(policy.title, 0) + 1
            refusing |= {policy.version_id for policy in denying}
            continue
        paths = list(_paths(one, question, matching, grants))
        if paths:
            readable[one.field_id] = paths
        else:
            is_lacking = True
    refusals = [
        f"Policy {title} denies {_it_or_some(question, count == len(question.fields))}."
        for title, count in denied.items()
    ]
    if is_lacking:
        refusals.append(f"Neither a policy nor a grant allows {'all of it' if readable else 'it'}.")
    if not readable:
        return Decision(False, tuple(refusals)[:MOST_REASONS], versions=tuple(sorted(refusing)))
    return _answer(question, matching, readable, tuple(refusals), refusing, is_lacking=is_lacking)


def _it_or_some(question: Question, whole: bool) -> str:
    """What a reason is about: all fields in question, or only some of them."""
    if whole:
        return "it"
    return "only some of the columns asked for" if question.asked else "only some of its columns"


def _paths(
    one: FieldFacts, question: Question, matching: Sequence[InForce], grants: Sequence[GrantFacts]
) -> Iterable[_Path]:
    for policy in matching:
        rule = policy.rule
        if rule.effect is Effect.ALLOW and selects(rule, one, question):
            mask = mask_for(one, rule.masks, question)
            yield _Path(f"Policy {policy.title}", mask, rule.row_filter, version_id=policy.version_id)
    for grant in grants:
        if grant.covers(one.field_id):
            yield _Path(f"Grant {grant.grant_id}", grant.masks.get(one.field_id), "", grant_id=grant.grant_id)


def _answer(
    question: Question,
    matching: Sequence[InForce],
    readable: Mapping[int, Sequence[_Path]],
    refusals: tuple[str, ...],
    refusing: set[int],
    *,
    is_lacking: bool,
) -> Decision:
    masks: dict[int, Mask] = {}
    filters: dict[str, None] = {}
    covered: dict[str, int] = {}
    allowers: dict[str, None] = {}
    narrowed: dict[str, None] = {}
    versions, grants = set(refusing), set()
    restricting = [policy for policy in matching if policy.rule.effect is Effect.RESTRICT]
    for one in question.fields:
        if one.field_id not in readable:
            continue
        paths = readable[one.field_id]
        whole = [path for path in paths if not path.row_filter]
        shown = mildest(path.mask for path in whole) if whole else strictest(path.mask for path in paths)
        if not whole:
            filters[_any_of(path.row_filter for path in paths)] = None
        used = whole or paths
        for path in paths:
            covered[path.allower] = covered.get(path.allower, 0) + 1
        allowers |= dict.fromkeys(path.allower for path in used)
        versions |= {path.version_id for path in used if path.version_id}
        grants |= {path.grant_id for path in used if path.grant_id}
        for policy in restricting:
            if selects(policy.rule, one, question):
                mask = mask_for(one, policy.rule.masks, question)
                if mask is not None or policy.rule.row_filter:
                    narrowed[f"Policy {policy.title} masks or filters it."] = None
                    versions.add(policy.version_id)
                if policy.rule.row_filter:
                    filters[policy.rule.row_filter] = None
                shown = strictest((shown, mask))
        if shown is not None:
            masks[one.field_id] = shown
    # Of a field that is denied nobody looked what else allows it, so it speaks against no policy and no grant.
    reasons = [
        f"{allower} allows {_it_or_some(question, covered[allower] == len(readable) and not is_lacking)}."
        for allower in allowers
    ]
    return Decision(
        allowed=len(readable) == len(question.fields),
        reasons=(*refusals, *reasons, *narrowed)[:MOST_REASONS],
        readable=frozenset(readable),
        masks=masks,
        row_filter=" AND ".join(f"({one})" for one in filters) if len(filters) > 1 else next(iter(filters), ""),
        versions=tuple(sorted(versions)),
        grants=tuple(sorted(grants)),
    )


def _any_of(filters: Iterable[str]) -> str:
    alternatives = list(dict.fromkeys(filters))
    return alternatives[0] if len(alternatives) == 1 else " OR ".join(f"({one})" for one in alternatives)


def mask_for(one: FieldFacts, masks: Iterable[MaskOf], question: Question) -> Mask | None:
    """The strictest of these masks that is about the field."""
    return strictest(mask.mask for mask in masks if is_column(mask.columns, one, question, firm=True))
