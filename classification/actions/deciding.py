"""What people say to suggestions: accept, reject, label otherwise, and undo it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record, record_many
from catalog.models import Dataset, Field, Origin
from classification.actions.labelling import by_dataset, hold_datasets, origin_of, recompute, said
from classification.actions.ruling_out import rule_out, withdraw_ruled_out
from classification.counting import count
from classification.events import DecisionUndone, SuggestionsDecided
from classification.models import Category, Decision, Label, Level, NegativeRule
from classification.permissions import check_can_label
from common.errors import Conflict, Invalid

_CARRIED_OVER = ("confidence", "rule_set_id", "evidence", "phrase")


@transaction.atomic
def accept(*, labels: Sequence[Label], by: Principal, reason: str = "") -> Decision:
    """Confirm these suggestions; what was decided meanwhile is left as it is.

    Raises `Conflict` where nothing of it waits any more. The number of statements is fixed.
    """
    waiting = _waiting(labels, by)
    return _confirm(waiting, by=by, kind=Decision.Kind.ACCEPT, reason=reason.strip())


@transaction.atomic
def relabel(
    *, labels: Sequence[Label], by: Principal, reason: str, category: Category | None, level: Level | None = None
) -> Decision:
    """Answer these suggestions with another category, or level, than they say; the level is the category's, unless given."""
    chosen = level or (category.level if category else None)
    if chosen is None:
        raise Invalid("Choose a category or a level.", {"level": ["Choose a level, or a category that has one."]})
    waiting = _waiting(labels, by)
    return _confirm(
        waiting, by=by, kind=Decision.Kind.RELABEL, reason=said(reason), category=category, level=chosen, chosen=True
    )


@transaction.atomic
def reject(
    *,
    labels: Sequence[Label],
    by: Principal,
    reason: str,
    as_rule: NegativeRule.Scope | None = None,
) -> Decision:
    """Say that these suggestions are wrong, and why: they are not made again for these columns.

    `as_rule` rules the category out for all columns that look alike as well, within the scope: in the suggestions' datasets,
    their sources, their domains, or everywhere. What is suggested there already is withdrawn. Raises `Forbidden` where `by`
    does not answer for such a scope.
    """
    reason = said(reason)
    waiting = _waiting(labels, by)
    decision = _decided(Decision.Kind.REJECT, waiting, by, reason)
    Label.objects.bulk_create(
        Label(
            dataset_id=label.dataset_id,
            field_id=label.field_id,
            level_id=label.level_id,
            category_id=label.category_id,
            state=Label.State.REJECTED,
            origin=origin_of(by),
            author=by,
            reason=reason,
            suggestion=label,
            decision=decision,
            valid_from=decision.at,
            **{name: getattr(label, name) for name in _CARRIED_OVER},
        )
        for label in waiting
    )
    if as_rule is not None:
        rules = rule_out(labels=waiting, scope=as_rule, reason=reason, decision=decision, by=by)
        withdraw_ruled_out(rules=rules, decision=decision, by=by)
    count(decision.labels.values_list("dataset_id", flat=True))
    _record(decision, waiting, by, after=dict.fromkeys((label.pk for label in waiting), "rejected"))
    return decision


@transaction.atomic
def undo(*, decision: Decision, by: Principal) -> int:
    """Take a decision back: its labels and rules end, and its suggestions wait again; returns how many.

    What somebody has decided otherwise since stays so. Raises `Conflict` where nothing is left to undo.
    """
    decision = Decision.objects.select_for_update().get(pk=decision.pk)
    concerned = list(decision.labels.select_related("dataset").order_by("pk"))
    made = [label for label in concerned if label.state != Label.State.SUGGESTED]
    # A rejection as a rule reaches datasets that its author need not curate; so does taking it back.
    check_can_label(by, list({label.dataset_id: label.dataset for label in made}.values()))
    if decision.undone_at is not None:
        raise Conflict("This was undone already.")
    dataset_ids = sorted({label.dataset_id for label in concerned})
    hold_datasets(dataset_ids)
    standing = list(Label.objects.current().filter(pk__in=[label.pk for label in made]))
    taken_back = {label.suggestion_id for label in standing}
    overtaken = {label.suggestion_id for label in made} - taken_back
    withdrawn = [label for label in concerned if label.state == Label.State.SUGGESTED and label.pk not in overtaken]
    Label.objects.filter(pk__in=[label.pk for label in standing]).end(by=by)
    restored = _without_what_was_said_since(withdrawn)
    if not standing and not restored:
        raise Conflict("Others have decided since, so nothing is left to undo.")
    now = timezone.now()
    decision.negative_rules.filter(valid_to__isnull=True).update(valid_to=now, ended_by=by)
    Label.objects.bulk_create(_waiting_again(label) for label in restored)
    recompute(dataset_ids, cleared=[label.field_id for label in standing if label.field_id is not None])
    decision.undone_at, decision.undone_by = now, by
    decision.save(update_fields=["undone_at", "undone_by"])
    event = DecisionUndone(
        decision_id=decision.pk,
        kind=decision.get_kind_display().lower(),
        count=len(restored),
        datasets=len(dataset_ids),
    )
    record(event, by=by, changes={"dataset": {"undone": dataset_ids}})
    return len(restored)


def _waiting(labels: Sequence[Label], by: Principal) -> list[Label]:
    """Those of the suggestions that wait still, their datasets held; four statements."""
    if not labels:
        raise Invalid("Choose at least one suggestion.", {"labels": ["Choose at least one."]})
    datasets = list(Dataset.objects.filter(pk__in={label.dataset_id for label in labels}).order_by("pk"))
    check_can_label(by, datasets)
    hold_datasets([dataset.pk for dataset in datasets])
    waiting = list(
        Label.objects.current()
        .suggested()
        .filter(pk__in=[label.pk for label in labels], field__gone_since__isnull=True)
        .select_related("dataset__source", "field", "level", "category")
        .order_by("pk")
    )
    fields = [label.field_id for label in waiting]
    decided = set(
        Label.objects.current()
        .confirmed()
        .filter(field__in=fields, origin=Origin.PERSON)
        .values_list("field_id", flat=True)
    )
    waiting = [label for label in waiting if label.field_id not in decided]
    if not waiting:
        raise Conflict("These were decided already, or no longer hold. Reload the page to see what waits.")
    return waiting


def _confirm(
    waiting: Sequence[Label],
    *,
    by: Principal,
    kind: Decision.Kind,
    reason: str,
    category: Category | None = None,
    level: Level | None = None,
    chosen: bool = False,
) -> Decision:
    """Confirmed labels in the place of these suggestions, as they say or, if `chosen`, with this category and level."""
    decision = _decided(kind, waiting, by, reason)
    origin = origin_of(by)
    earlier = Label.objects.current().confirmed().filter(origin=origin, field__in=[label.field_id for label in waiting])
    earlier.end(by=by, at=decision.at)
    made = Label.objects.bulk_create(
        Label(
            dataset_id=label.dataset_id,
            field_id=label.field_id,
            level=level if chosen and level else label.level,
            category=category if chosen else label.category,
            state=Label.State.CONFIRMED,
            origin=origin,
            author=by,
            reason=reason or f"Accepted what was suggested: {label.category}.",
            suggestion=label,
            decision=decision,
            valid_from=decision.at,
            **{name: getattr(label, name) for name in _CARRIED_OVER if not chosen or name == "phrase"},
        )
        for label in waiting
    )
    recompute([label.dataset_id for label in waiting])
    after = {label.suggestion_id or 0: f"{label.category or 'no category'}, {label.level}" for label in made}
    _record(decision, waiting, by, after=after)
    return decision


def _decided(kind: Decision.Kind, waiting: Sequence[Label], by: Principal, reason: str) -> Decision:
    """The decision's row; the suggestions end by it."""
    decision = Decision.objects.create(kind=kind, by=by, reason=reason, count=len(waiting))
    Label.objects.filter(pk__in=[label.pk for label in waiting]).end(by=by, at=decision.at, decision=decision)
    return decision


def _without_what_was_said_since(suggestions: Sequence[Label]) -> list[Label]:
    """Those whose field is still there, without a person's word or another suggestion; one statement."""
    fields = [label.field_id for label in suggestions if label.field_id is not None]
    said_since = set(
        Label.objects.current()
        .filter(field__in=fields)
        .exclude(state__in=(Label.State.INHERITED, Label.State.REJECTED))
        .exclude(state=Label.State.CONFIRMED, origin__in=set(Origin) - {Origin.PERSON})
        .values_list("field_id", flat=True)
    )
    standing = set(Field.objects.filter(pk__in=fields, gone_since__isnull=True).values_list("pk", flat=True))
    return [label for label in suggestions if label.field_id in standing - said_since]


def _waiting_again(label: Label) -> Label:
    return Label(
        dataset_id=label.dataset_id,
        field_id=label.field_id,
        level_id=label.level_id,
        category_id=label.category_id,
        state=Label.State.SUGGESTED,
        origin=label.origin,
        author_id=label.author_id,
        reason=label.reason,
        **{name: getattr(label, name) for name in _CARRIED_OVER},
    )


def _record(decision: Decision, waiting: Iterable[Label], by: Principal, *, after: dict[int, str]) -> None:
    """One event a dataset, with what each of its columns was suggested to be and what was decided."""
    labels = {(label.dataset_id, label.field_id): label for label in waiting}
    names = {label.field_id: str(label.field) for label in labels.values() if label.field_id is not None}
    datasets = {label.dataset_id: label.dataset for label in labels.values()}
    verb = {"accept": "accepted what was suggested for", "reject": "rejected what was suggested for"}
    events = [
        SuggestionsDecided(
            dataset_id=dataset.pk,
            field_ids=field_ids,
            what=f"{verb.get(decision.kind, 'labelled otherwise than suggested')} {what}",
            decision_id=decision.pk,
            reason=decision.reason,
            before={names[key[1] or 0]: f"{labels[key].category}, {labels[key].level}?" for key in keys},
            after={names[key[1] or 0]: after[labels[key].pk] for key in keys},
        )
        for dataset, keys, field_ids, what in by_dataset(list(datasets.values()), list(labels), names)
    ]
    record_many(events, by=by)
