"""Categories, rule sets by version, and passes over the stored columns."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Field
from classification.actions import (
    accept,
    add_category,
    apply_rule_set,
    discard_rule_set,
    draft_rule_set,
    edit_category,
    end_negative_rule,
    reject,
    suggest_by_names,
)
from classification.models import Category, Label, Level, NegativeRule, Reclassification, RuleSet
from classification.reclassifying import advance, classify_unexamined
from classification.rules import applied_rule_set
from classification.shipping import synchronise_categories
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, dataset


def level(slug: str) -> Level:
    return Level.objects.get(slug=slug)


def add(cast: Cast, **values) -> Category:
    given = {"slug": "badge", "name": "Wombat tag", "level": level("confidential"), "names": ["wombat tag"]}
    return add_category(**(given | values), by=cast.administrator)


def walk(found: Reclassification) -> Reclassification:
    while advance(found.pk):
        pass
    found.refresh_from_db()
    return found


def suggested(field: Field) -> str | None:
    label = Label.objects.current().suggested().filter(field=field).select_related("category").first()
    return label.category.slug if label and label.category else None


def test_only_administrators_change_categories_and_rules(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        add_category(slug="badge", name="Badge", level=level("internal"), by=cast.steward)
    with pytest.raises(Forbidden):
        edit_category(category=Category.objects.get(slug="email"), changes={"enabled": False}, by=cast.steward)
    with pytest.raises(Forbidden):
        draft_rule_set(by=cast.steward)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"patterns": ["(a"]}, "patterns"),
        ({"patterns": [r"(?=x)"]}, "patterns"),
        ({"patterns": ["(?:(?:(?:a{1,999}){1,999}){1,999})"]}, "patterns"),
        ({"checksum": "no_such"}, "checksum"),
        ({"jurisdiction": "AUS"}, "jurisdiction"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(cast: Cast, values: dict, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        add(cast, **values)
    assert field in refused.value.fields


def test_a_shipped_category_is_found_as_shipped_and_may_have_another_level(cast: Cast) -> None:
    email = Category.objects.get(slug="email")
    with pytest.raises(Invalid):
        edit_category(category=email, changes={"patterns": [".*"]}, by=cast.administrator)
    edit_category(category=email, changes={"level": level("restricted")}, by=cast.administrator)
    synchronise_categories()
    email.refresh_from_db()
    assert email.level == level("restricted"), "what an administrator edited is not overwritten by an update"


def test_a_changed_category_has_no_effect_before_it_is_applied(cast: Cast) -> None:
    world = dataset(fields=["id", "wombat_tag", "email"], domain=cast.domain)
    badge, email = (Field.objects.get(dataset=world, path=[name]) for name in ("wombat_tag", "email"))
    suggest_by_names(datasets=[world.pk], by=Principal.objects.system())
    add(cast)
    edit_category(category=Category.objects.get(slug="email"), changes={"enabled": False}, by=cast.administrator)
    suggest_by_names(datasets=[world.pk], by=Principal.objects.system())
    assert (suggested(badge), suggested(email)) == (None, "email")

    preview = walk(draft_rule_set(by=cast.administrator))
    assert (suggested(badge), suggested(email)) == (None, "email"), "a preview writes nothing"
    assert preview.state == "done" and preview.done == preview.datasets == 2
    assert preview.found["badge"]["added"] == 1
    assert preview.found["email"]["removed"] == 1
    example = preview.found["badge"]["examples"][0]
    assert (example["what"], example["dataset_id"], example["field"]) == ("added", world.pk, "wombat_tag")

    walk(apply_rule_set(rule_set=preview.rule_set, by=cast.administrator))
    assert (suggested(badge), suggested(email)) == ("badge", None)
    assert applied_rule_set() == preview.rule_set
    assert Label.objects.get(field=badge, valid_to=None).rule_set == preview.rule_set
    assert list(RuleSet.objects.order_by("version").values_list("state", flat=True)) == ["retired", "applied"]


def test_a_category_at_another_level_changes_suggestions_and_no_decision(cast: Cast) -> None:
    first, second = (Field.objects.get(dataset=dataset(fields=["email"], domain=cast.domain)) for _ in range(2))
    suggest_by_names(datasets=[first.dataset_id, second.dataset_id], by=Principal.objects.system())
    accept(labels=list(Label.objects.suggested().filter(field=first)), by=cast.steward)
    edit_category(
        category=Category.objects.get(slug="email"), changes={"level": level("restricted")}, by=cast.administrator
    )
    preview = walk(draft_rule_set(by=cast.administrator))
    walk(apply_rule_set(rule_set=preview.rule_set, by=cast.administrator))
    now = dict(Label.objects.current().filter(field__in=[first, second]).values_list("field", "level__slug"))
    assert now == {first.pk: "confidential", second.pk: "restricted"}


def test_a_rule_set_is_looked_at_before_it_is_applied(cast: Cast) -> None:
    add(cast)
    preview = draft_rule_set(by=cast.administrator)
    with pytest.raises(Conflict, match="preview"):
        apply_rule_set(rule_set=preview.rule_set, by=cast.administrator)


def test_a_new_draft_replaces_the_old_one_and_a_discarded_one_is_gone(cast: Cast) -> None:
    with pytest.raises(Conflict, match="No category differs"):
        draft_rule_set(by=cast.administrator)
    add(cast)
    first = draft_rule_set(by=cast.administrator)
    second = draft_rule_set(by=cast.administrator)
    assert not advance(first.pk), "its preview has stopped"
    discard_rule_set(rule_set=second.rule_set, by=cast.administrator)
    with pytest.raises(Conflict):
        apply_rule_set(rule_set=second.rule_set, by=cast.administrator)
    assert list(RuleSet.objects.order_by("version").values_list("state", flat=True)) == [
        "applied", "discarded", "discarded",
    ]  # fmt: skip


def test_an_ended_negative_rule_lets_the_next_pass_suggest_again(cast: Cast) -> None:
    other = dataset(fields=["email"], source=cast.source, domain=cast.domain)
    email = Field.objects.get(dataset=other)
    system = Principal.objects.system()
    suggest_by_names(datasets=[cast.dataset.pk], by=system)
    labels = list(Label.objects.suggested().filter(field=cast.field("email")))
    reject(labels=labels, reason="Templates", as_rule=NegativeRule.Scope.SOURCE, by=cast.administrator)
    suggest_by_names(datasets=[other.pk], by=system)
    assert suggested(email) is None
    rule = NegativeRule.objects.get()
    with pytest.raises(Forbidden):
        end_negative_rule(rule=rule, by=cast.outsider)
    end_negative_rule(rule=rule, by=cast.administrator)
    suggest_by_names(datasets=[other.pk], by=system)
    assert suggested(email) == "email"


def test_what_a_crawl_finds_is_classified_by_name_once(cast: Cast) -> None:
    began = timezone.now()
    classify_unexamined([cast.dataset.pk], began)
    assert suggested(cast.field("email")) == "email"
    Label.objects.current().suggested().delete()
    classify_unexamined([cast.dataset.pk], began)
    assert suggested(cast.field("email")) is None, "it was examined since the crawl"
