"""What SQL says of all is what the decision says of each: random worlds, on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.gathering import Named, gather
from access.models import Grant, PrincipalAttribute
from access.policies.deciding import decide
from access.policies.facts import NO_FIELD, Question, SubjectFacts
from access.policies.masking import Mask
from access.policies.matching import is_dataset, selects
from access.policies.rules import (
    Action,
    Attribute,
    Columns,
    Conditions,
    Effect,
    InForce,
    MaskOf,
    Resources,
    Role,
    Rule,
    Subjects,
)
from access.policies_in_sql import (
    Setting,
    datasets_about,
    datasets_for,
    fields_for,
    grants_about,
    principals_for,
)
from access.searching import subject_everywhere
from access.standing import Change, turns_by
from access.states import GrantState
from accounts.models import DomainRole, Principal
from catalog.models import Dataset
from classification.models import Category, Label
from tests import factories
from tests.thoroughness import examples

pytestmark = pytest.mark.django_db


class World:
    """Three people, a service, two groups, two domains, five datasets with levels and categories."""

    def __init__(self) -> None:
        self.groups = [factories.group(), factories.group()]
        self.people = [factories.person(groups=self.groups[:n]) for n in range(3)]
        self.people.append(factories.service())
        self.domains = [factories.domain(), factories.domain()]
        self.sources = [factories.source(), factories.source()]
        self.levels = list(factories.standard_levels().values())
        self.categories = list(Category.objects.order_by("id")[:2])
        self.datasets: list[Dataset] = []
        for n, fields in enumerate((("a", "b", "c"), ("a", "b"), ("a",), (), ("a", "gone"))):
            domain = (self.domains[0], self.domains[0], self.domains[1], self.domains[1], None)[n]
            self.datasets.append(factories.dataset(domain=domain, source=self.sources[n % 2], fields=fields))
        gone = self.datasets[4].fields.get(path=["gone"])
        gone.gone_since = timezone.now()
        gone.save()
        self.fields = [field for one in self.datasets for field in one.fields.order_by("id")]

    def level(self, n: int, rank: int | None) -> None:
        row: Any = (self.datasets + self.fields)[n % (len(self.datasets) + len(self.fields))]
        row.level = rank
        row.save(update_fields=["level"])

    def label(self, n: int, category: int, state: str, ended: bool) -> None:
        targets = [(one, None) for one in self.datasets] + [(one.dataset, one) for one in self.fields]
        dataset, field = targets[n % len(targets)]
        if state == "inherited" and field is None:
            state = "confirmed"
        Label.objects.create(
            dataset=dataset,
            field=field,
            level=self.levels[0],
            category=self.categories[category],
            state=state,
            origin="person",
            author=self.people[0],
            reason="test",
            valid_from=timezone.now() - dt.timedelta(days=1),
            valid_to=timezone.now() if ended else None,
        )


def some(ids: list[int]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(ids), max_size=2, unique=True).map(tuple)


def rules(world: World) -> st.SearchStrategy[Rule]:
    levels = [level.pk for level in world.levels] + [10**9]
    subjects = st.builds(
        Subjects,
        everyone=st.booleans(),
        people=some([one.pk for one in world.people]),
        groups=some([one.pk for one in world.groups]),
        roles=st.lists(st.sampled_from(list(Role)), max_size=2, unique=True).map(tuple),
        attributes=st.lists(st.sampled_from([Attribute("team", "red"), Attribute("kind", "service")]), max_size=1).map(
            tuple
        ),
    )
    exceptions = subjects.map(lambda one: Subjects(False, one.people, one.groups, one.roles, one.attributes))
    resources = st.builds(
        Resources,
        fields=some([one.pk for one in world.fields]),
        categories=some([one.pk for one in world.categories]),
        level_from=st.none() | st.sampled_from(levels),
        level_to=st.none() | st.sampled_from(levels),
        domains=some([one.pk for one in world.domains]),
        sources=some([one.pk for one in world.sources]),
        datasets=some([one.pk for one in world.datasets]),
    )
    easy = st.builds(Resources, domains=some([one.pk for one in world.domains]))
    conditions = st.sampled_from(
        [Conditions()] * 4 + [Conditions(purposes=("research",)), Conditions(weekdays=(timezone.now().weekday(),))]
    )
    return st.builds(
        Rule,
        effect=st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY]),
        actions=st.sampled_from([(Action.READ,), (Action.READ, Action.WRITE)]),
        subjects=subjects,
        exceptions=st.just(Subjects()) | exceptions,
        resources=easy | resources,
        conditions=conditions,
    )


def rows(world: World) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """What else there is: levels, labels, roles, owners, attributes and grants."""
    number = st.integers(0, 30)
    person = st.integers(0, len(world.people) - 1)
    return st.lists(
        st.one_of(
            st.tuples(st.just("level"), number, st.none() | st.integers(1, 4)),
            st.tuples(
                st.just("label"), number, st.integers(0, 1), st.sampled_from(["confirmed", "inherited"]), st.booleans()
            ),
            st.tuples(
                st.just("role"), st.integers(0, 1), person | st.integers(10, 11), st.sampled_from(DomainRole.values)
            ),
            st.tuples(st.just("owner"), st.integers(0, 4), person | st.integers(10, 11)),
            st.tuples(st.just("attribute"), person),
            st.tuples(
                st.just("grant"),
                person,
                st.integers(0, 4),
                st.lists(st.integers(0, 2), max_size=3, unique=True),
                st.sampled_from([GrantState.RECORDED, GrantState.ACTIVE, GrantState.REVOKING, GrantState.EXPIRED]),
                st.sampled_from([-1, 1]),
            ),
            st.tuples(st.just("closed"), person),
        ),
        max_size=8,
    )


def write(world: World, row: tuple[Any, ...]) -> None:
    kind, *rest = row
    if kind == "level":
        world.level(*rest)
    elif kind == "label":
        world.label(*rest)
    elif kind == "role":
        domain, who, name = rest
        factories.role(world.domains[domain], holder(world, who), name)
    elif kind == "owner":
        dataset, who = rest
        factories.ownership(world.datasets[dataset], holder(world, who))
    elif kind == "attribute":
        PrincipalAttribute.objects.create(
            principal=world.people[rest[0]], name="team", value="red", set_by=world.people[0]
        )
    elif kind == "grant":
        who, which, columns, state, days = rest
        dataset = world.datasets[which]
        own = [one.pk for one in world.fields if one.dataset_id == dataset.pk]
        chosen = sorted({own[n] for n in columns if n < len(own)})
        if columns and not chosen:
            return
        began = timezone.now() - dt.timedelta(days=2)
        Grant.objects.create(
            principal=world.people[who],
            dataset=dataset,
            field_ids=chosen,
            state=state,
            valid_from=began,
            valid_to=timezone.now() + dt.timedelta(days=days),
            granted_by=world.people[0],
        )
    elif kind == "closed":
        Principal.objects.filter(pk=world.people[rest[0]].pk).update(disabled_at=timezone.now())


def holder(world: World, who: int) -> Principal | Group:
    return world.groups[who - 10] if who >= 10 else world.people[who]


def each(
    world: World, policies: list[InForce], action: Action, purpose: str
) -> Iterator[tuple[Principal, Dataset, Any]]:
    pairs = [(person, dataset) for person in world.people for dataset in world.datasets]
    known = gather([Named("principal", str(person.pk), dataset.pk) for person, dataset in pairs])
    for (person, dataset), found in zip(pairs, known.found, strict=True):
        question = Question(
            found.subject, action, found.dataset, known.at, frozenset(), found.grants, purpose, known.ranks
        )
        yield person, dataset, decide(question, policies)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_searches_find_what_decisions_allow(data: st.DataObject):
    undone(check, data)


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_searches_find_what_decisions_allow_in_many_worlds(data: st.DataObject):
    undone(check, data)


def undone(check: Callable[[st.DataObject], None], data: st.DataObject) -> None:
    with transaction.atomic():
        try:
            check(data)
        finally:
            transaction.set_rollback(True)


def check(data: st.DataObject) -> None:
    world = World()
    chosen = data.draw(st.lists(rules(world), max_size=4))
    policies = [InForce(n, 1, f"p{n}", rule) for n, rule in enumerate(chosen, start=1)]
    for row in data.draw(rows(world)):
        try:
            with transaction.atomic():
                write(world, row)
        except Exception as error:
            if "duplicate key" not in str(error) and "exclusion" not in str(error):
                raise
    action = data.draw(st.sampled_from([Action.READ, Action.READ, Action.WRITE]))
    purpose = data.draw(st.sampled_from(["", "research"]))
    known = gather([Named("principal", "0")])
    setting = Setting(action, known.at, purpose, known.ranks)
    whole: dict[int, set[int]] = {person.pk: set() for person in world.people}
    partly: dict[int, set[int]] = {person.pk: set() for person in world.people}
    columns: dict[int, set[int]] = {person.pk: set() for person in world.people}
    for person, dataset, decision in each(world, policies, action, purpose):
        if decision.allowed:
            whole[person.pk].add(dataset.pk)
        if decision.readable:
            partly[person.pk].add(dataset.pk)
        columns[person.pk] |= decision.readable - {NO_FIELD}
    for person in world.people:
        subject = subject_everywhere(person.pk)
        assert subject is not None
        found = datasets_for(subject, policies, setting)
        assert set(found.values_list("pk", flat=True)) == whole[person.pk]
        found = datasets_for(subject, policies, setting, whole=False)
        assert set(found.values_list("pk", flat=True)) == partly[person.pk]
        readable = fields_for(subject, policies, setting, most=100)
        assert readable == sorted(columns[person.pk])
        assert fields_for(subject, policies, setting, after=readable[0] if readable else 0, most=2) == readable[1:3]
    mine = {person.pk for person in world.people}
    for dataset in world.datasets:
        facts = gather([Named("principal", "0", dataset.pk)]).found[0].dataset
        assert facts is not None
        question = Question(SubjectFacts(0), action, facts, known.at, ranks=known.ranks)
        for rule in chosen:
            about = is_dataset(rule.resources, facts) and any(selects(rule, one, question) for one in question.fields)
            assert datasets_about([rule], known.ranks).filter(pk=dataset.pk).exists() == about
        readers = set(principals_for(facts, frozenset(), policies, setting).values_list("pk", flat=True)) & mine
        assert readers == {person for person, datasets in whole.items() if dataset.pk in datasets}


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_grant_that_a_change_of_policy_turns_is_left_out(data: st.DataObject):
    undone(check_grants, data)


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_grant_that_a_change_of_policy_turns_is_left_out_in_many_worlds(data: st.DataObject):
    undone(check_grants, data)


def bearing(world: World) -> st.SearchStrategy[Rule]:
    """Rules of all effects that grants may turn by."""
    levels = [None, *(level.pk for level in world.levels), 10**9]
    masks = st.builds(
        MaskOf,
        st.sampled_from(list(Mask)),
        st.builds(
            Columns,
            fields=some([one.pk for one in world.fields]),
            categories=some([one.pk for one in world.categories]),
            level_from=st.sampled_from(levels),
        ),
    )
    kinds = st.sampled_from(
        [
            (Effect.DENY, (Action.READ,)),
            (Effect.DENY, (Action.REQUEST,)),
            (Effect.RESTRICT, (Action.READ,)),
            (Effect.ALLOW, (Action.REQUEST,)),
            (Effect.APPROVAL, (Action.REQUEST,)),
        ]
    )

    def of_kind(rule: Rule, kind: Any, found: MaskOf) -> Rule:
        effect, actions = kind
        return Rule(
            effect,
            actions,
            rule.subjects,
            rule.exceptions,
            rule.resources,
            rule.conditions,
            masks=() if effect is Effect.DENY else (found,),
        )

    return st.builds(of_kind, rules(world), kinds, masks)


def check_grants(data: st.DataObject) -> None:
    world = World()
    old, new, others = (
        [InForce(n, 1, f"p{n}", rule) for n, rule in enumerate(data.draw(st.lists(bearing(world), max_size=2)), first)]
        for first in (1, 11, 21)
    )
    for row in data.draw(rows(world)):
        if row[0] not in ("grant", "closed"):
            with contextlib.suppress(IntegrityError), transaction.atomic():
                write(world, row)
    for who in range(len(world.people)):
        for which, columns in ((0, []), (1, [1]), (2, []), (3, []), (4, [0])):
            write(world, ("grant", who, which, columns, GrantState.RECORDED, 1))
    ranks = gather([Named("principal", "0")]).ranks
    grants = Grant.objects.select_related("dataset", "principal__user", "request__purpose_kind")
    about = grants.filter(grants_about([one.rule for one in (*old, *new)], ranks))
    turned = {grant.pk for grant, turn in turns_by(Change(others, old, new), list(grants)) if turn}
    assert turned <= set(about.values_list("pk", flat=True))
