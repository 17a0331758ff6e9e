"""What detectors suggest and what people decide: through the actions, and over random histories."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Principal
from audit.events import Subject
from audit.models import Record
from audit.queries import activity_of
from catalog.models import Dataset, Field, Origin
from classification.actions import (
    accept,
    clear_level,
    recompute,
    reject,
    relabel,
    set_level,
    suggest,
    suggest_by_names,
    undo,
)
from classification.detectors import Contribution, EvidenceKind, Sensitivity, Verdict
from classification.models import Category, Examination, Label, Level, NegativeRule
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import Cast, dataset, domain
from tests.thoroughness import examples

NAME = Contribution(EvidenceKind.NAME, "name token email", 3.1)
VALUES = Contribution(EvidenceKind.VALUES, "18 of 20 values are e-mail addresses", 4.0)
SCOPE = NegativeRule.Scope


def found(category: str | None = "email", confidence: float = 0.9, *evidence: Contribution) -> Verdict:
    return Verdict(category, category is not None, Sensitivity.CONFIDENTIAL, confidence, evidence or (NAME,))


def system() -> Principal:
    return Principal.objects.system()


def say(verdicts: Mapping[Field, Verdict], *, with_values: bool = False):
    return suggest(
        verdicts={field.pk: verdict for field, verdict in verdicts.items()}, by=system(), with_values=with_values
    )


def waiting(field: Field) -> Label | None:
    return Label.objects.current().suggested().filter(field=field).select_related("category").first()


def confirmed(field: Field) -> Label | None:
    return Label.objects.current().confirmed().filter(field=field).select_related("category", "level").first()


def rank(of: Field | Dataset) -> int | None:
    of.refresh_from_db()
    return of.level


def test_a_suggestion_waits_and_has_no_effect(cast: Cast) -> None:
    email = cast.field("email")
    made = say({email: found(), cast.field("name"): found(None)})
    assert (made.added, made.changed, made.withdrawn) == (1, 0, 0)
    label = waiting(email)
    assert label is not None and label.category is not None
    assert (label.category.slug, label.confidence, label.phrase) == ("email", 0.9, "email")
    assert label.evidence == [{"kind": "name", "text": "name token email", "weight": 3.1}]
    assert rank(email) is None and rank(cast.dataset) is None
    assert Examination.objects.get().dataset == cast.dataset


def test_the_same_verdicts_again_change_nothing(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    before, records = list(Label.objects.values()), Record.objects.count()
    made = say({email: found()})
    assert (made.added, made.changed, made.withdrawn) == (0, 0, 0)
    assert (list(Label.objects.values()), Record.objects.count()) == (before, records)


def test_new_evidence_keeps_since_when_it_is_suggested(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    before = waiting(email)
    say({email: found("email", 0.97, NAME, VALUES)}, with_values=True)
    after = waiting(email)
    assert before is not None and after is not None
    assert (after.pk, after.valid_from, after.confidence) == (before.pk, before.valid_from, 0.97)


def test_what_no_longer_holds_is_withdrawn(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    assert say({email: found("phone")}).changed == 1
    assert say({email: found(None)}).withdrawn == 1
    assert waiting(email) is None
    assert Label.objects.filter(field=email, valid_to__isnull=False).count() == 2, "history stays"


def test_a_look_at_names_does_not_take_back_what_values_showed(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found("email", 0.97, VALUES)}, with_values=True)
    assert say({email: found(None)}).withdrawn == 0
    label = waiting(email)
    assert label is not None and label.confidence == 0.97
    assert say({email: found(None)}, with_values=True).withdrawn == 1


def test_an_accepted_suggestion_counts_and_keeps_its_evidence(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    accept(labels=list(Label.objects.suggested()), by=cast.steward)
    label = confirmed(email)
    assert label is not None and label.category is not None
    assert (label.category.slug, label.level.slug, label.origin, label.author) == (
        "email", "confidential", "person", cast.steward,
    )  # fmt: skip
    assert label.evidence == [{"kind": "name", "text": "name token email", "weight": 3.1}]
    assert (rank(email), rank(cast.dataset)) == (3, 3)
    (told, *_), _ = activity_of(Subject("dataset", cast.dataset.pk))
    assert told.sentence.startswith("accepted what was suggested for email of users")


def test_nothing_is_suggested_where_a_person_decided(cast: Cast) -> None:
    email = cast.field("email")
    set_level(fields=[email], level=Level.objects.get(slug="public"), reason="Test data", by=cast.steward)
    assert say({email: found()}).added == 0
    assert (waiting(email), rank(email)) == (None, 1)


def test_what_a_person_says_ends_the_suggestion(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    set_level(fields=[email], level=Level.objects.get(slug="public"), reason="Test data", by=cast.steward)
    assert waiting(email) is None


def test_what_was_rejected_is_not_suggested_again_and_something_else_may_be(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    reject(labels=list(Label.objects.suggested()), reason="A template, not an address", by=cast.steward)
    assert say({email: found()}).added == 0
    assert rank(email) is None
    assert say({email: found("username")}).added == 1


def test_a_rejection_needs_a_reason(cast: Cast) -> None:
    say({cast.field("email"): found()})
    with pytest.raises(Invalid):
        reject(labels=list(Label.objects.suggested()), reason="  ", by=cast.steward)


def test_another_category_than_suggested_brings_its_level(cast: Cast) -> None:
    email = cast.field("email")
    say({email: found()})
    relabel(
        labels=list(Label.objects.suggested()),
        category=Category.objects.get(slug="username"),
        reason="They sign in by it",
        by=cast.steward,
    )
    label = confirmed(email)
    assert label is not None and label.category is not None
    assert (label.category.slug, label.level, label.evidence) == ("username", label.category.level, None)


@pytest.mark.parametrize("who", ["analyst", "outsider"])
def test_only_those_who_label_decide(cast: Cast, who: str) -> None:
    say({cast.field("email"): found()})
    for action in (accept, reject):
        with pytest.raises((Forbidden, NotFound)):
            action(labels=list(Label.objects.suggested()), reason="No", by=getattr(cast, who))
    assert Label.objects.current().suggested().count() == 1


def test_a_decided_suggestion_cannot_be_decided_again(cast: Cast) -> None:
    say({cast.field("email"): found()})
    labels = list(Label.objects.suggested())
    accept(labels=labels, by=cast.steward)
    with pytest.raises(Conflict, match="decided already"):
        reject(labels=labels, reason="No", by=cast.steward)


def test_undoing_an_acceptance_lets_the_suggestion_wait_again(cast: Cast) -> None:
    email, name = cast.field("email"), cast.field("name")
    say({email: found(), name: found("person_name")})
    decision = accept(labels=list(Label.objects.suggested()), by=cast.steward)
    assert undo(decision=decision, by=cast.steward) == 2
    assert (rank(email), rank(name), rank(cast.dataset)) == (None, None, None)
    label = waiting(email)
    assert label is not None and label.evidence == [{"kind": "name", "text": "name token email", "weight": 3.1}]
    with pytest.raises(Conflict, match="undone already"):
        undo(decision=decision, by=cast.steward)


def test_undoing_leaves_what_was_decided_since(cast: Cast) -> None:
    email, name = cast.field("email"), cast.field("name")
    say({email: found(), name: found("person_name")})
    decision = accept(labels=list(Label.objects.suggested()), by=cast.steward)
    set_level(fields=[email], level=Level.objects.get(slug="restricted"), reason="Law", by=cast.administrator)
    assert undo(decision=decision, by=cast.steward) == 1
    assert (rank(email), rank(name), waiting(email)) == (4, None, None)


def test_a_rejection_as_a_rule_reaches_look_alikes_within_its_scope(cast: Cast) -> None:
    near, far = dataset("near", source=cast.source, domain=cast.domain), dataset("far", domain=domain())
    here, there, elsewhere = (Field.objects.get(dataset=one, path=["email"]) for one in (cast.dataset, near, far))
    say({here: found(), there: found(), elsewhere: found()})
    label = waiting(here)
    assert label is not None
    decision = reject(labels=[label], reason="Templates", as_rule=SCOPE.DOMAIN, by=cast.steward)
    assert (waiting(there), waiting(elsewhere) is not None) == (None, True)
    rule = NegativeRule.objects.get()
    assert (rule.name, rule.category.slug, rule.domain, rule.whole) == ("email", "email", cast.domain, True)
    assert say({there: found()}).added == 0, "the rule holds for what is classified later"
    undo(decision=decision, by=cast.steward)
    assert waiting(here) is not None and waiting(there) is not None
    assert not NegativeRule.objects.filter(valid_to__isnull=True).exists()


def test_a_steward_rules_nothing_out_everywhere(cast: Cast) -> None:
    say({cast.field("email"): found()})
    with pytest.raises(Forbidden, match="smaller scope"):
        reject(labels=list(Label.objects.suggested()), reason="No", as_rule=SCOPE.ALL, by=cast.steward)
    assert Label.objects.current().suggested().count() == 1, "a refused rejection rejects nothing"


def test_stored_columns_are_classified_by_name(cast: Cast) -> None:
    made = suggest_by_names(datasets=[cast.dataset.pk], by=system())
    label = waiting(cast.field("email"))
    assert made.added >= 1 and label is not None and label.category is not None
    assert label.category.slug == "email"


def test_the_number_of_statements_does_not_grow_with_the_set(cast: Cast) -> None:
    def cost(count: int) -> list[int]:
        made = [dataset(domain=cast.domain) for _ in range(count)]
        fields = list(Field.objects.filter(dataset__in=made))
        by = Principal.objects.select_related("user").get(pk=cast.steward.pk)
        costs = []

        def measured(action) -> None:
            with CaptureQueriesContext(connection) as queries:
                action()
            costs.append(len(queries))

        measured(lambda: say({field: found() for field in fields}))
        measured(lambda: say({field: found("email", 0.8) for field in fields}))
        labels = list(Label.objects.current().suggested().filter(field__in=fields))
        decisions = []
        measured(lambda: decisions.append(accept(labels=labels, by=by)))
        measured(lambda: undo(decision=decisions[0], by=by))
        labels = list(Label.objects.current().suggested().filter(field__in=fields))
        measured(lambda: reject(labels=labels, reason="No", as_rule=SCOPE.DATASET, by=by))
        return costs

    assert cost(1) == cost(12)


FIELDS = ["id", "name", "email"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["suggest", "suggest", "values", "accept", "reject", "relabel", "set", "clear", "inherit", "undo"]
        ),
        st.integers(0, 2),
        st.sampled_from(["email", "phone", None]),
        st.sampled_from(["public", "restricted"]),
    ),
    max_size=12,
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_history_overwrites_what_a_person_decided(cast: Cast, steps) -> None:
    world = dataset(fields=FIELDS, domain=cast.domain)
    fields = list(Field.objects.filter(dataset=world).order_by("position"))
    decisions: list = []
    for what, index, category, level_slug in steps:
        field, level = fields[index], Level.objects.get(slug=level_slug)
        before = said_by_people(world)
        try:
            _act(what, field, category, level, cast, decisions)
        except Conflict:
            continue
        after = said_by_people(world)
        if what in ("suggest", "values", "inherit"):
            assert after == before
        _hold_true(fields)


def said_by_people(world: Dataset) -> list[tuple]:
    rows = Label.objects.current().filter(dataset=world, origin=Origin.PERSON)
    return sorted(rows.values_list("pk", "state", "field_id", "level_id", "category_id"))


def _act(what: str, field: Field, category: str | None, level: Level, cast: Cast, decisions: list) -> None:
    labels = list(Label.objects.current().suggested().filter(field=field))
    if what in ("suggest", "values"):
        evidence = VALUES if what == "values" else NAME
        say({field: found(category, 0.9, evidence)}, with_values=what == "values")
        again = say({field: found(category, 0.9, evidence)}, with_values=what == "values")
        assert (again.added, again.changed, again.withdrawn) == (0, 0, 0)
    elif what == "set":
        set_level(fields=[field], level=level, reason="I know", by=cast.steward)
    elif what == "clear":
        clear_level(fields=[field], reason="I was wrong", by=cast.steward)
    elif what == "inherit":
        Label.objects.current().filter(field=field, state="inherited").update(valid_to=timezone.now())
        Label.objects.create(
            dataset=field.dataset, field=field, level=level, state="inherited", origin="pipeline",
            author=system(), reason="Lineage",
        )  # fmt: skip
        recompute([field.dataset_id])
    elif what == "undo" and decisions:
        undo(decision=decisions.pop(), by=cast.steward)
    elif labels and what == "accept":
        decisions.append(accept(labels=labels, by=cast.steward))
    elif labels and what == "reject":
        decisions.append(reject(labels=labels, reason="No", by=cast.steward))
    elif labels and what == "relabel":
        decisions.append(relabel(labels=labels, category=None, level=level, reason="Otherwise", by=cast.steward))


def _hold_true(fields: list[Field]) -> None:
    for field in fields:
        current = list(Label.objects.current().filter(field=field).select_related("level"))
        people = [label for label in current if label.state == "confirmed" and label.origin == "person"]
        suggestions = [label for label in current if label.state == "suggested"]
        rejected = {label.category_id for label in current if label.state == "rejected"}
        inherited = [label.level.rank for label in current if label.state == "inherited"]
        if people:
            assert rank(field) == people[0].level.rank, "a person's word counts alone"
            assert not suggestions, "nothing is suggested where a person decided"
        else:
            assert rank(field) == (max(inherited) if inherited else None), "suggestions have no effect"
        assert not {label.category_id for label in suggestions} & rejected, "nothing rejected is suggested"
