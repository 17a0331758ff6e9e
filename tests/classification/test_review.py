"""The review: what is shown to whom, in which order, and what bulk decisions do."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Principal
from catalog.models import Field
from classification.actions import recompute, reject, set_level, suggest
from classification.detectors import Contribution, EvidenceKind, Sensitivity, Verdict
from classification.models import Decision, Label, Level, NegativeRule
from classification.review import Key, Narrowed, chosen, count_waiting, disagreements, groups_of
from classification.withdrawing import withdrawn_by
from common.errors import Forbidden, Invalid
from tests.factories import Cast, dataset, domain, ownership

EVIDENCE = (Contribution(EvidenceKind.NAME, "name token email", 3.1),)


def say(found: dict[Field, tuple[str, float]]) -> None:
    verdicts = {
        field.pk: Verdict(category, True, Sensitivity.CONFIDENTIAL, confidence, EVIDENCE)
        for field, (category, confidence) in found.items()
    }
    suggest(verdicts=verdicts, by=Principal.objects.system())


@pytest.fixture
def fields(cast: Cast) -> list[Field]:
    """Two columns email and one health of the domain, one email elsewhere; all are suggested."""
    near = dataset("near", domain=cast.domain, fields=["email", "health"])
    far = dataset("far", domain=domain("Payroll"), fields=["email"])
    made = [cast.field("email"), *Field.objects.filter(dataset__in=[near, far]).order_by("dataset", "position")]
    emails = {field: ("email", 0.7 + index / 10) for index, field in enumerate(made) if str(field) == "email"}
    say(emails | {made[2]: ("health", 0.9)})
    return made


def post(client: Client, by: Principal, **values: object):
    client.force_login(by.user)
    return client.post(reverse("classification:review"), values)


def keys(principal: Principal) -> list[str]:
    return [str(group.key) for group in groups_of(principal)[0]]


def test_the_riskiest_come_first_and_look_alikes_are_one_group(cast: Cast, fields: list[Field]) -> None:
    groups, more = groups_of(cast.administrator)
    assert [(group.category.slug, group.count, group.datasets) for group in groups] == [
        ("health", 1, 1), ("email", 3, 3),
    ]  # fmt: skip
    assert not more
    assert [label.field for label in groups[1].sample] == [fields[0], fields[1], fields[3]], "least certain first"


def test_only_what_the_reader_may_label_is_shown(cast: Cast, fields: list[Field]) -> None:
    assert (count_waiting(cast.administrator), count_waiting(cast.steward)) == (4, 3)
    assert (count_waiting(cast.analyst), count_waiting(cast.outsider)) == (0, 0)
    assert "far" not in str([[label.dataset.name for label in group.sample] for group in groups_of(cast.steward)[0]])


def test_groups_are_narrowed_by_category_source_and_domain(cast: Cast, fields: list[Field]) -> None:
    def found(**narrowed: str) -> list[tuple[str, int]]:
        return [(one.category.slug, one.count) for one in groups_of(cast.administrator, Narrowed(**narrowed))[0]]

    assert found(category="health") == [("health", 1)]
    assert found(domain=cast.domain.slug) == [("health", 1), ("email", 2)]
    assert cast.dataset.source is not None
    assert found(source=cast.dataset.source.slug) == [("email", 1)]
    assert found(domain="no-such-domain") == []


def test_programs_read_the_same_groups(client: Client, cast: Cast, fields: list[Field]) -> None:
    client.force_login(cast.steward.user)
    told = client.get("/api/v2/suggestions/groups/", {"category": "email"}).json()
    assert told["next"] is None
    (group,) = told["results"]
    assert (group["level"], group["phrase"], group["count"], len(group["sample"])) == ("confidential", "email", 2, 2)
    query = {name: group[name] for name in ("category", "level", "phrase", "type")}
    listed = client.get("/api/v2/suggestions/", query).json()["results"]
    assert {one["id"] for one in listed} == set(group["sample"])
    assert client.get("/api/v2/suggestions/groups/", {"start": "-1"}).status_code == 422


def test_who_owns_a_dataset_elsewhere_decides_about_it_too(cast: Cast, fields: list[Field]) -> None:
    far = fields[3].dataset
    assert far.domain != cast.domain
    ownership(far, cast.steward)
    email = next(group for group in groups_of(cast.steward)[0] if group.category.slug == "email")
    assert (email.count, email.datasets, len(email.sample)) == (3, 3, 3)


def test_a_forged_group_decides_only_what_the_reader_may_label(cast: Cast, fields: list[Field]) -> None:
    everything = keys(cast.administrator)
    assert {label.field_id for label in chosen(cast.steward, everything)} == {field.pk for field in fields[:3]}
    assert chosen(cast.analyst, everything) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '["a",1,"x","y",2]', "[1,2,3,4,5]", "[" * 2000, '[true,1,"","",1]'])
def test_a_broken_group_is_refused(cast: Cast, text: str) -> None:
    with pytest.raises(Invalid):
        Key.read(text)


def test_what_came_after_the_page_was_shown_is_not_meant(cast: Cast, fields: list[Field]) -> None:
    shown = keys(cast.steward)
    late = Field.objects.get(dataset=dataset("late", domain=cast.domain, fields=["email"]))
    say({late: ("email", 0.9)})
    assert late.pk not in {label.field_id for label in chosen(cast.steward, shown)}


def test_groups_are_accepted_and_undone_by_form(client: Client, cast: Cast, fields: list[Field]) -> None:
    answer = post(client, cast.steward, group=keys(cast.steward), action="accept")
    assert answer.status_code == 302
    assert set(Label.objects.current().confirmed().values_list("field", flat=True)) == {f.pk for f in fields[:3]}
    page = client.get(reverse("classification:review")).content.decode()
    assert "Accepted 3 columns" in page and "Nothing waits for you" in page
    answer = client.post(reverse("classification:review_undo", args=[Decision.objects.get().pk]), follow=True)
    assert "Undone. 3 columns again wait" in answer.content.decode()
    assert count_waiting(cast.steward) == 3


def test_a_rejection_by_form_needs_a_reason_and_makes_a_rule(client: Client, cast: Cast, fields: list[Field]) -> None:
    chosen_groups = keys(cast.steward)[1:]
    answer = post(client, cast.steward, group=chosen_groups, action="reject", as_rule="domain")
    assert answer.status_code == 200 and "Say why" in answer.content.decode()
    answer = post(client, cast.steward, group=chosen_groups, action="reject", as_rule="all", reason="Templates")
    assert "smaller scope" in answer.content.decode() and not NegativeRule.objects.exists()
    answer = post(client, cast.steward, group=chosen_groups, action="reject", as_rule="domain", reason="Templates")
    assert answer.status_code == 302
    assert NegativeRule.objects.get().domain == cast.domain
    assert count_waiting(cast.steward) == 1


def test_what_a_rejection_would_withdraw_is_shown_before_it_is_done(
    client: Client, cast: Cast, fields: list[Field]
) -> None:
    (group,) = (one for one in groups_of(cast.steward)[0] if one.category.slug == "email")
    first = [label for label in group.sample if label.field_id == fields[0].pk]
    (told,) = withdrawn_by(labels=first, scope=NegativeRule.Scope.DOMAIN, by=cast.steward)
    assert (told.count, told.datasets, told.rule.phrase) == (1, 1, "email")
    assert [label.field_id for label in told.sample] == [fields[1].pk]
    with pytest.raises(Forbidden):
        withdrawn_by(labels=first, scope=NegativeRule.Scope.ALL, by=cast.steward)
    before = list(Label.objects.order_by("pk").values())
    page = post(client, cast.steward, group=[str(group.key)], action="preview", as_rule="domain").content.decode()
    assert "Rejecting would also withdraw" in page and "nothing but what is chosen" in page
    page = post(client, cast.administrator, group=[keys(cast.administrator)[0]], action="preview").content.decode()
    assert "it is not made a rule" in page
    assert list(Label.objects.order_by("pk").values()) == before and not NegativeRule.objects.exists()
    (everywhere,) = withdrawn_by(labels=first, scope=NegativeRule.Scope.ALL, by=cast.administrator)
    assert everywhere.count == 2
    decision = reject(labels=first, reason="No", as_rule=NegativeRule.Scope.ALL, by=cast.administrator)
    assert decision.labels.filter(state="suggested").count() - len(first) == everywhere.count


def test_another_category_by_form(client: Client, cast: Cast, fields: list[Field]) -> None:
    groups = keys(cast.steward)[1:]
    post(client, cast.steward, group=groups, action="relabel", category="username", reason="They sign in by it")
    assert set(Label.objects.current().confirmed().values_list("category__slug", flat=True)) == {"username"}


def test_a_person_below_what_lineage_carries_is_shown(cast: Cast) -> None:
    email = cast.field("email")
    levels = {level.slug: level for level in Level.objects.all()}
    set_level(fields=[email], level=levels["public"], reason="Test data", by=cast.steward)
    Label.objects.create(
        dataset=cast.dataset, field=email, level=levels["restricted"], state="inherited", origin="pipeline",
        author=Principal.objects.system(), reason="Lineage",
    )  # fmt: skip
    recompute([cast.dataset.pk])
    (found,) = disagreements(cast.steward)
    assert (found.decided.level, found.inherited.level) == (levels["public"], levels["restricted"])
    assert disagreements(cast.analyst) == []


def test_the_page_costs_the_same_for_many_suggestions(client: Client, cast: Cast, fields: list[Field]) -> None:
    client.force_login(cast.administrator.user)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("classification:review")).status_code == 200
        return len(queries)

    cost()
    before = cost()
    more = [dataset(domain=cast.domain, fields=["email", f"name_{number}"]) for number in range(6)]
    say(dict.fromkeys(Field.objects.filter(dataset__in=more), ("email", 0.5)))
    assert cost() == before
