"""Whatever a policy may say comes back from its form as it was, sent as a browser sends it."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from access.actions.policies import draft_policy, draft_version, publish_policy
from access.models import Policy, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import (
    Action,
    Attribute,
    Columns,
    Conditions,
    Effect,
    MaskOf,
    Resources,
    Role,
    Rule,
    Step,
    Subjects,
    problems_of,
)
from access.policy import Audience
from accounts.models import Principal
from catalog.models import Dataset, Domain, Source
from classification.models import Category, Level
from tests.factories import Cast, dataset, group, person

pytestmark = pytest.mark.django_db


class Sent(HTMLParser):
    """What a browser sends of a page's form when its first button is pressed: names and values in document order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select = self._area = ""
        self._first_option: str | None = None
        self._said = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "input" and told.get("name") and told.get("type") not in ("submit", "button"):
            is_box = told.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in told:
                self._add(told["name"], told.get("value", "on" if is_box else ""))
        elif tag == "select":
            self._select, self._said, self._first_option = told["name"], "multiple" in told, None
        elif tag == "option" and self._select:
            if "selected" in told:
                self._add(self._select, told["value"])
                self._said = True
            elif self._first_option is None:
                self._first_option = told["value"]
        elif tag == "textarea":
            self._area = told["name"]
            self._add(self._area, "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # HTML drops the line end after the tag; browsers send CR LF at the end of each line.
            lines = self.values[self._area][-1].removeprefix("\n").splitlines()
            self.values[self._area][-1] = "\r\n".join(lines)
            self._area = ""
        elif tag == "select":
            if not self._said and self._first_option is not None:
                self._add(self._select, self._first_option)
            self._select = ""

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def sent_from(client: Client, url: str) -> dict[str, list[str]]:
    """The values of the page's policy form; the page has other forms too, whose fields are none of its own."""
    answer = client.get(url)
    of_form = {*answer.context["form"].fields}
    return {name: values for name, values in Sent(answer.text).values.items() if name in of_form}


def everything(cast: Cast) -> Rule:
    """Each member of a rule that asks for approval, most of them several times and in no order."""
    twin = person("twin")
    Principal.objects.create(kind=Principal.Kind.SERVICE, name="twin")
    pipeline = Principal.objects.create(kind=Principal.Kind.PIPELINE, name="night load")
    teams = sorted([group().pk, group().pk], reverse=True)
    levels = list(Level.objects.order_by("rank").values_list("pk", flat=True))
    categories = list(Category.objects.order_by("-pk").values_list("pk", flat=True)[:2])
    odd = dataset(domain=cast.domain, fields=["a#b", "id"])
    merged = dataset(domain=cast.domain)
    Dataset.objects.filter(pk=merged.pk).update(merged_into=odd)
    email, name = cast.field("email"), cast.field("name")
    masks = [MaskOf(mask, Columns(fields=(one.pk,))) for mask in (Mask.HASH, Mask.PARTIAL) for one in (email, name)]
    return Rule(
        Effect.APPROVAL,
        (Action.REQUEST,),
        Subjects(
            people=(pipeline.pk, twin.pk, cast.analyst.pk),
            groups=tuple(teams),
            roles=(Role.OWNER, Role.ANALYST),
            attributes=(Attribute("kind", "service"), Attribute("department", "a=b, c")),
        ),
        exceptions=Subjects(people=(cast.outsider.pk,), groups=(teams[0],), attributes=(Attribute("on", "leave"),)),
        resources=Resources(
            fields=(odd.fields.get(path=["a#b"]).pk, email.pk),
            categories=tuple(categories),
            level_from=levels[0],
            level_to=levels[-1],
            domains=(cast.domain.pk,),
            sources=(Source.objects.get(pk=cast.dataset.source_id).pk,),
            datasets=(merged.pk, cast.dataset.pk),
        ),
        conditions=Conditions(
            other_purposes_than=("research", "analysis"),
            weekdays=(4, 0, 2),
            begin=dt.time(22, 30, 15),
            end=dt.time(6),
            timezone="Australia/Melbourne",
        ),
        masks=(
            *masks,
            MaskOf(Mask.GENERALISE, Columns(categories=tuple(categories), level_from=levels[0], level_to=levels[1])),
            MaskOf(Mask.NULL),
        ),
        steps=(
            Step(Audience.ADMINISTRATORS, needed=2),
            Step(),
            Step(Audience.GROUP, needed=1, group=teams[1]),
            Step(Audience.STEWARDS),
            Step(Audience.OWNERS, needed=3),
        ),
        max_days=20,
        fallback=True,
    )


def filtering(cast: Cast) -> Rule:
    return Rule(
        Effect.RESTRICT,
        (Action.READ,),
        Subjects(everyone=True),
        masks=(MaskOf(Mask.HASH, Columns(level_to=Level.objects.order_by("rank")[0].pk)),),
        row_filter=" campus = 'Geelong'\nOR campus = 'Burwood' ",
    )


def come_back(client: Client, policy: Policy) -> tuple[Any, Rule]:
    url = reverse("access:policy_edit", args=[policy.pk])
    answer = client.post(url, sent_from(client, url))
    newest = policy.versions.order_by("-number")[0]
    return answer, newest.contents


@pytest.mark.parametrize("written", [everything, filtering])
def test_a_rule_comes_back_from_its_form_as_it_was(client: Client, cast: Cast, written: Any):
    rule = written(cast)
    assert not problems_of(rule)
    version = publish_policy(version=draft_policy(name="P", rule=rule, by=cast.administrator), by=cast.administrator)
    client.force_login(cast.administrator.user)
    answer, contents = come_back(client, version.policy)
    assert answer.status_code == 302, answer.context["form"].errors
    assert version.policy.versions.count() == 2
    assert contents == rule


def test_each_shipped_policy_comes_back_from_its_form_as_it_was(client: Client, cast: Cast):
    client.force_login(cast.administrator.user)
    shipped = list(Policy.objects.filter(shipped=True))
    assert len(shipped) == 3
    for policy in shipped:
        before = policy.versions.get()
        answer, contents = come_back(client, policy)
        assert answer.status_code == 302
        expected = 1 if before.state == PolicyVersion.State.DRAFT else 2
        assert (policy.versions.count(), contents) == (expected, before.contents)


def test_what_is_gone_stays_in_the_form_and_is_refused_rather_than_dropped(client: Client, cast: Cast):
    other = Domain.objects.create(slug="gone", name="Gone")
    rule = Rule(Effect.DENY, (Action.READ,), Subjects(everyone=True), resources=Resources(domains=(other.pk,)))
    draft = draft_policy(name="P", rule=rule, by=cast.administrator)
    other.delete()
    client.force_login(cast.administrator.user)
    answer, contents = come_back(client, draft.policy)
    assert answer.status_code == 422
    assert f"There is nothing with the id {rule.resources.domains[0]} among domains." in answer.text
    assert contents == rule


def test_one_more_row_is_asked_for_without_saving_and_keeps_what_was_typed(client: Client, cast: Cast):
    client.force_login(cast.administrator.user)
    url = reverse("access:policy_add")
    typed = {"effect": "deny", "name": "", "people": "nobody", "step_1": "owners", "add": "step"}
    answer = client.post(url, typed)
    assert answer.status_code == 200
    form = answer.context["form"]
    assert (form.masks, form.steps) == ([1], [1, 2])
    assert not form.errors
    assert form["people"].value() == "nobody"
    assert form["step_1"].value() == "owners"
    assert not Policy.objects.filter(shipped=False).exists()


def test_what_one_row_more_says_is_saved(client: Client, cast: Cast):
    rule = Rule(Effect.APPROVAL, (Action.REQUEST,), Subjects(everyone=True), steps=(Step(),) * 4)
    draft = draft_policy(name="P", rule=rule, by=cast.administrator)
    client.force_login(cast.administrator.user)
    url = reverse("access:policy_edit", args=[draft.policy_id])
    values = sent_from(client, url) | {"step_2": [""], "step_5": ["owners"], "step_5_needed": ["2"]}
    assert client.post(url, values).status_code == 302
    again = draft_version(policy=draft.policy, by=cast.administrator)
    assert again.contents.steps == (Step(), Step(), Step(), Step(Audience.OWNERS, needed=2))


@pytest.mark.parametrize(
    ("typed", "row", "sentence"),
    [
        ({"mask_2_fields": "#1"}, "mask_2", "Choose how this is shown, or empty the rest of the row."),
        ({"mask_2_level_from": "{level}"}, "mask_2", "Choose how this is shown, or empty the rest of the row."),
        ({"step_1_needed": "3"}, "step_1", "Choose who approves, or empty the rest of the row."),
        ({"step_1_group": "{group}"}, "step_1", "Choose who approves, or empty the rest of the row."),
    ],
)
def test_a_row_that_is_filled_by_half_is_refused_at_that_row_and_not_left_out(
    client: Client, cast: Cast, typed: dict[str, str], row: str, sentence: str
):
    ids = {"level": Level.objects.order_by("rank")[0].pk, "group": group().pk}
    written = {"name": "P", "effect": "restrict", "actions": "read", "everyone": "on", "mask_1": "hash"}
    rows = {"mask_2": "", "step_1": ""} | {name: value.format(**ids) for name, value in typed.items()}
    client.force_login(cast.administrator.user)
    answer = client.post(reverse("access:policy_add"), written | rows)
    assert answer.status_code == 422 and sentence in answer.text
    assert answer.context["form"].errors == {row: [sentence]}
    assert not Policy.objects.filter(shipped=False).exists()


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        (Rule(Effect.DENY, (Action.READ,), Subjects(attributes=(Attribute("department", ""),))), "attributes"),
        (Rule(Effect.DENY, (Action.READ,), Subjects(attributes=(Attribute("a=b", "c"),))), "attributes"),
        (Rule(Effect.DENY, (Action.READ,), Subjects(attributes=(Attribute("a", "b\nc"),))), "attributes"),
        (
            Rule(
                Effect.DENY,
                (Action.READ,),
                Subjects(everyone=True),
                conditions=Conditions(begin=dt.time(9, tzinfo=dt.UTC), end=dt.time(10)),
            ),
            "conditions",
        ),
    ],
)
def test_what_no_form_can_tell_is_refused_everywhere(rule: Rule, member: str):
    assert list(problems_of(rule)) == [member]
