"""What inspections told is kept with its time, written as differences, and given back as of any time."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.enforcement.history import PAUSE, facts_about, facts_at, known_at, observe
from access.models import ObservedFact
from access.provisioning.facts import PUBLIC, AnyFact, Member, Privilege, Relation, RelationKind, Right, Role
from access.provisioning.identities import POSTGRES
from access.provisioning.readers import Readers
from tests import factories

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = dt.timedelta(hours=1)

ANN, ROLE = Role("ann", can_login=True), Role("analysts")
MEMBER = Member("analysts", "ann")
USERS = Relation(("shop", "users"), RelationKind.TABLE, "", ("id", "email"))
ORDERS = Relation(("shop", "orders"), RelationKind.TABLE, "", ("id",))
VIEW = Relation(
    ("shop", "mails"),
    RelationKind.VIEW,
    "ann",
    ("email",),
    (("shop", "users", "email"),),
    True,
    definition="SELECT 'x'",
)
OVER = Relation(("shop", "over"), RelationKind.VIEW, "ann", ("email",), (("shop", "mails"),), True)
ON_USERS = Privilege(Right.SELECT, ("shop", "users"), "analysts")
ON_ORDERS = Privilege(Right.SELECT, ("shop", "orders"), "analysts")
ON_OVER = Privilege(Right.SELECT, ("shop", "over"), "analysts")
ON_PATTERN = Privilege(Right.SELECT, ("sho%",), "analysts", pattern=True)
EVERYTHING = (ANN, ROLE, MEMBER, USERS, ORDERS, VIEW, OVER, ON_USERS, ON_ORDERS, ON_OVER, ON_PATTERN)


def test_a_fact_holds_from_the_inspection_that_told_it_to_the_one_that_did_not():
    source = factories.source()
    observe(source=source, facts=[ANN, ROLE, MEMBER], at=NOW)
    observe(source=source, facts=[ANN, ROLE], at=NOW + HOUR)
    observe(source=source, facts=[ANN, ROLE, MEMBER], at=NOW + 2 * HOUR)
    assert set(facts_at(source, NOW)) == {ANN, ROLE, MEMBER}
    assert set(facts_at(source, NOW + HOUR)) == {ANN, ROLE}
    assert set(facts_at(source, NOW + 2 * HOUR)) == {ANN, ROLE, MEMBER}
    assert set(facts_at(source, NOW - HOUR)) == set()
    assert ObservedFact.objects.filter(source=source).count() == 4


def test_the_same_again_writes_no_fact():
    source = factories.source()
    observe(source=source, facts=EVERYTHING, at=NOW)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        observe(source=source, facts=EVERYTHING, at=NOW + HOUR)
    written = [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(written) == 1
    assert "access_watch" in written[0]


def test_sources_do_not_mix():
    one, other = factories.source(), factories.source()
    observe(source=one, facts=[ANN], at=NOW)
    observe(source=other, facts=[ROLE], at=NOW)
    assert set(facts_at(one, NOW)) == {ANN}


def test_definitions_of_views_are_not_kept():
    source = factories.source()
    observe(source=source, facts=[VIEW], at=NOW)
    assert [fact.definition for fact in facts_at(source, NOW)] == [""]
    assert "SELECT 'x'" not in ObservedFact.objects.get(source=source).fact


def test_what_bears_on_a_relation_leaves_other_relations_out():
    source = factories.source()
    observe(source=source, facts=EVERYTHING, at=NOW)
    with CaptureQueriesContext(connection) as queries:
        found = {fact for fact in facts_about(source, ("shop", "users"), NOW) if not isinstance(fact, Relation)}
    assert len(queries) == 2
    assert found == {ANN, ROLE, MEMBER, ON_USERS, ON_OVER, ON_PATTERN}


TABLES = [(schema, name) for schema in ("a", "b") for name in ("t", "u")]
VIEWS = [(schema, name) for schema in ("a", "b") for name in ("v", "w")]
ROLES = ("ann", "bob", "team")


@st.composite
def states(draw: st.DrawFn) -> list[AnyFact]:
    """Tables, views of them and of each other, and rights on all of that."""
    facts: list[AnyFact] = [Role("ann", can_login=True), Role("bob", can_login=True), Role("team")]
    facts += [Privilege(Right.CONNECT, (), PUBLIC), Privilege(Right.USAGE, ("a",), PUBLIC)]
    facts += [Relation(path, RelationKind.TABLE, draw(st.sampled_from(ROLES)), ("x", "y")) for path in TABLES]
    facts += [Member("team", name) for name in draw(st.sets(st.sampled_from(["ann", "bob"])))]
    facts += [Privilege(Right.USAGE, ("b",), name) for name in draw(st.sets(st.sampled_from(ROLES)))]
    for number, path in enumerate(VIEWS):
        readable = st.sampled_from([*TABLES, *VIEWS[:number]])
        columns = st.sampled_from([("x",), ("y",), ()])
        reads = draw(
            st.sets(st.builds(lambda place, column: (*place, *column), readable, columns), min_size=1, max_size=3)
        )
        owner, as_owner = draw(st.sampled_from(ROLES)), draw(st.booleans())
        facts.append(Relation(path, RelationKind.VIEW, owner, ("x", "y"), tuple(sorted(reads)), as_owner))
    rights = st.builds(
        lambda path, grantee, column: Privilege(Right.SELECT, path, grantee, column),
        st.sampled_from([*TABLES, *VIEWS]), st.sampled_from(ROLES), st.sampled_from(["", "x", "y"]),
    )  # fmt: skip
    return [*facts, *draw(st.sets(rights, min_size=4, max_size=16))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=states())
def test_who_reads_a_relation_is_the_same_by_what_bears_on_it_as_by_everything(db: None, facts: list[AnyFact]):
    """A view that joins opens only what its owner reads wholly: the rights on what it joins bear on it."""
    source = factories.source()
    observe(source=source, facts=facts, at=NOW)
    everything = Readers(facts_at(source, NOW), POSTGRES)
    for path in (*TABLES, *VIEWS):
        assert Readers(facts_about(source, path, NOW), POSTGRES).of_relation(path) == everything.of_relation(path)


def test_a_pause_is_a_gap_of_which_nothing_is_known():
    source = factories.source()
    assert known_at(source, NOW).told_at is None
    observe(source=source, facts=[ANN], at=NOW)
    observe(source=source, facts=[ANN], at=NOW + HOUR)
    observe(source=source, facts=[ANN], at=NOW + HOUR + 2 * PAUSE)
    assert known_at(source, NOW - HOUR).told_at is None
    assert known_at(source, NOW + HOUR / 2).told_at == NOW + HOUR / 2
    between = known_at(source, NOW + HOUR + PAUSE)
    assert (between.told_at, between.until) == (NOW + HOUR, NOW + HOUR + 2 * PAUSE)
    late = known_at(source, NOW + 9 * PAUSE)
    assert (late.told_at, late.until) == (NOW + HOUR + 2 * PAUSE, None)
