"""What detectors found becomes suggestions; nothing that a person decided is touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import Principal
from audit.recording import record
from catalog.models import Dataset, Field, Origin
from classification.actions.labelling import hold_datasets
from classification.counting import count
from classification.detectors import Contribution, EvidenceKind, Sensitivity, Verdict
from classification.events import SuggestionsChanged
from classification.exposure import withdraw_beyond
from classification.judging import Judge
from classification.keys import key_text, labels_by_keys, referring_to, with_key
from classification.models import Category, Examination, Label, Level, RuleSet
from classification.permissions import check_can_label
from classification.rules import applied_rule_set
from classification.ruling_out import RuledOut, phrase_of, ruled_out_in
from classification.suggesting import Standing, Step, Suggested, Verdicts, next_step

_REASON = "Found by the detectors."
_NOTHING = Verdict(None, False, Sensitivity.INTERNAL, 0.0)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one field's suggestion: `before` and `after`, of which one may be None."""

    field: Field
    step: Step
    before: Label | None
    after: Suggested | None


@dataclass(frozen=True, slots=True)
class Suggestions:
    """How many suggestions were added, changed (to another category or level) and withdrawn."""

    added: int = 0
    changed: int = 0
    withdrawn: int = 0


@transaction.atomic
def suggest(
    *,
    verdicts: Mapping[int, Verdict],
    by: Principal,
    rule_set: RuleSet | None = None,
    with_values: bool = False,
    examined: bool = True,
) -> Suggestions:
    """Make what the detectors say of these fields (by id) what is suggested about them; the datasets count as examined.

    A column that refers to a labelled one by a foreign key is suggested that label, whatever its verdict is.

    The same verdicts again change nothing. A suggestion that they no longer bear out is withdrawn, but one that rests on
    values only by verdicts `with_values`. Where a person decided nothing is suggested, nor is what somebody rejected. The
    number of statements is fixed; give a few thousand fields at a time. `rule_set` is the one applied, unless given.
    """
    datasets, fields = _of_verdicts(verdicts)
    check_can_label(by, datasets)
    hold_datasets([dataset.pk for dataset in datasets])
    rule_set = rule_set or applied_rule_set()
    changes = _changes(datasets, fields, verdicts, rule_set, with_values)
    now = timezone.now()
    ended = [change.before.pk for change in changes if change.before and change.step != Step.REFRESH]
    Label.objects.filter(pk__in=ended).end(by=by, at=now)
    Label.objects.bulk_create(
        Label(
            dataset_id=change.field.dataset_id,
            field=change.field,
            state=Label.State.SUGGESTED,
            origin=Origin.CODE,
            author=by,
            reason=_REASON,
            phrase=phrase_of(str(change.field)),
            valid_from=now,
            **_content(change.after),
        )
        for change in changes
        if change.after and change.step != Step.REFRESH
    )
    _refresh([change for change in changes if change.step == Step.REFRESH])
    if examined:
        _note_examined(datasets, rule_set, with_values)
    count(dataset.pk for dataset in datasets)
    told = Counter(change.step for change in changes)
    made = Suggestions(told[Step.ADD], told[Step.CHANGE], told[Step.WITHDRAW])
    moved = {change.field.dataset_id for change in changes if change.step != Step.REFRESH}
    if moved:
        withdraw_beyond(moved)
        event = SuggestionsChanged(**asdict(made), datasets=len(moved), rule_set=rule_set.version)
        record(event, by=by, changes={"dataset": {"suggested": moved}})
    return made


def suggest_by_names(*, datasets: Collection[int], by: Principal, rule_set: RuleSet | None = None) -> Suggestions:
    """Classify the stored columns of these datasets (ids) by name, type, comment and keys, and suggest what is found."""
    rule_set = rule_set or applied_rule_set()
    return suggest(verdicts=verdicts_by_names(datasets, rule_set), by=by, rule_set=rule_set)


def suggest_by_keys(*, datasets: Collection[int], by: Principal) -> Suggestions:
    """Look again at the columns that foreign keys lead from to these datasets (ids), whose labels changed.

    What detectors found of them stays. Datasets that were never examined wait for that.
    """
    verdicts: dict[int, Verdict] = dict.fromkeys(referring_to(datasets), _NOTHING)
    standing = Label.objects.current().suggested().filter(field__in=verdicts.keys()).select_related("category")
    verdicts |= {label.field_id: _found_before(label) for label in standing if label.field_id is not None}
    return suggest(verdicts=verdicts, by=by, examined=False) if verdicts else Suggestions()


def _found_before(label: Label) -> Verdict:
    """What detectors found of a column when they last looked, without what its key said."""
    own = [one for one in label.evidence or () if one["kind"] != EvidenceKind.KEY or one["text"] != key_text(label)]
    if not own or label.category is None:
        return _NOTHING
    evidence = tuple(Contribution(EvidenceKind(one["kind"]), one["text"], one["weight"]) for one in own)
    return Verdict(label.category.slug, False, Sensitivity.INTERNAL, label.confidence or 0.0, evidence)


def verdicts_by_names(dataset_ids: Collection[int], rule_set: RuleSet) -> dict[int, Verdict]:
    """What the detectors say of the stored columns of these datasets, by the fields' ids; a fixed number of statements."""
    judge = Judge.of(dataset_ids, rule_set)
    found: dict[int, Verdict] = {}
    for dataset_id in judge.sketches:
        found |= judge.verdicts(dataset_id)
    return found


def changes_by_names(dataset_ids: Collection[int], rule_set: RuleSet) -> tuple[int, list[Change]]:
    """How many columns were looked at, and what `suggest_by_names` would do to them. Writes nothing."""
    verdicts = verdicts_by_names(dataset_ids, rule_set)
    datasets, fields = _of_verdicts(verdicts)
    return len(fields), _changes(datasets, fields, verdicts, rule_set, with_values=False)


def _of_verdicts(verdicts: Mapping[int, Verdict]) -> tuple[list[Dataset], list[Field]]:
    fields = list(Field.objects.filter(pk__in=verdicts.keys(), gone_since__isnull=True).order_by("pk"))
    ids = {field.dataset_id for field in fields}
    return list(Dataset.objects.filter(pk__in=ids).order_by("pk")), fields


def _changes(
    datasets: Sequence[Dataset],
    fields: Sequence[Field],
    verdicts: Mapping[int, Verdict],
    rule_set: RuleSet,
    with_values: bool,
) -> list[Change]:
    """What is to be done, without what stays as it is; five statements."""
    categories = _Categories.of(rule_set)
    keys = labels_by_keys([field.pk for field in fields])
    ruled_out = ruled_out_in(datasets)
    labels: dict[int, list[Label]] = defaultdict(list)
    for label in Label.objects.current().filter(field__in=[field.pk for field in fields]):
        labels[label.field_id or 0].append(label)
    found = []
    for field in fields:
        known = [label for label in labels[field.pk] if label.state == Label.State.SUGGESTED]
        said = Verdicts(
            found=with_key(
                categories.suggested(verdicts[field.pk]),
                keys.get(field.pk),
                level_of=categories.level_of,
                rule_set=rule_set.pk,
            ),
            with_values=with_values,
            ruled_out=_ruled_out(ruled_out[field.dataset_id], field),
            level_of=categories.level_of,
        )
        step, after = next_step(_standing(labels[field.pk]), said)
        if step != Step.LEAVE:
            found.append(Change(field, step, known[0] if known else None, after))
    return found


def _ruled_out(here: RuledOut, field: Field) -> set[int]:
    return here.categories(phrase_of(str(field))) if here.rules else set()


def _standing(labels: Sequence[Label]) -> Standing:
    state = Label.State
    confirmed = [label for label in labels if label.state == state.CONFIRMED]
    suggested = next((label for label in labels if label.state == state.SUGGESTED), None)
    return Standing(
        decided=any(label.origin == Origin.PERSON for label in confirmed),
        confirmed={label.category_id for label in confirmed},
        rejected={label.category_id for label in labels if label.state == state.REJECTED},
        suggested=_as_suggested(suggested) if suggested else None,
    )


def _as_suggested(label: Label) -> Suggested:
    return Suggested(
        category=label.category_id or 0,
        level=label.level_id,
        confidence=label.confidence or 0.0,
        evidence=label.evidence or (),
        rule_set=label.rule_set_id,
    )


@dataclass(frozen=True, slots=True)
class _Categories:
    """The categories that a rule set looks for, by slug, and their levels as it froze them."""

    ids: Mapping[str, int]
    level_of: Mapping[int, int]
    rule_set: int

    @classmethod
    def of(cls, rule_set: RuleSet) -> _Categories:
        levels = {level.slug: level.pk for level in Level.objects.all()}
        frozen = {row["slug"]: row for row in rule_set.contents["categories"] if row["enabled"]}
        known = [category for category in Category.objects.all() if category.slug in frozen]
        return cls(
            ids={category.slug: category.pk for category in known},
            # A level that was deleted since: what the category has now.
            level_of={category.pk: levels.get(frozen[category.slug]["level"], category.level_id) for category in known},
            rule_set=rule_set.pk,
        )

    def suggested(self, verdict: Verdict) -> Suggested | None:
        category = self.ids.get(verdict.category or "")
        if category is None:
            return None
        evidence = [
            {"kind": str(one.kind), "text": one.text, "weight": round(one.weight, 2)} for one in verdict.evidence
        ]
        return Suggested(
            category=category,
            level=self.level_of[category],
            confidence=round(verdict.confidence, 4),
            evidence=evidence,
            rule_set=self.rule_set,
        )


def _content(suggested: Suggested) -> dict[str, object]:
    return {
        "category_id": suggested.category,
        "level_id": suggested.level,
        "confidence": suggested.confidence,
        "evidence": list(suggested.evidence),
        "rule_set_id": suggested.rule_set,
    }


def _refresh(changes: Sequence[Change]) -> None:
    """New grounds for what was suggested already, which keeps its time; one statement for any number."""
    rows = []
    for change in changes:
        if change.before is None or change.after is None:
            continue
        for name, value in _content(change.after).items():
            setattr(change.before, name, value)
        rows.append(change.before)
    Label.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["confidence", "evidence", "rule_set"],
    )


def _note_examined(datasets: Sequence[Dataset], rule_set: RuleSet, with_values: bool) -> None:
    now = timezone.now()
    Examination.objects.bulk_create(
        [
            Examination(dataset=dataset, rule_set=rule_set, examined_at=now, with_values=with_values)
            for dataset in datasets
        ],
        update_conflicts=True,
        unique_fields=["dataset"],
        update_fields=["rule_set", "examined_at", "with_values"],
    )
