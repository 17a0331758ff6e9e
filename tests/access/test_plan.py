"""Plans are differences of facts: what is given, what is taken, what is left alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.provisioning.desired import (
    Inspection,
    Mask,
    MaskedColumn,
    MaskedView,
    Ours,
    Profile,
    Rules,
    Wanted,
    role_name,
    view_path,
    without_grantor,
)
from access.provisioning.facts import AnyFact, Member, Privilege, Relation, RelationKind, Right, Role
from access.provisioning.plan import Change, Comparison, Plan, Risk, Step, make_plan

ORDERS = ("sales", "orders")
STAFF = ("hr", "staff")
RULES = Rules()
GRANT_ONLY = Rules(profile=Profile.GRANT_ONLY)
BASE: frozenset[AnyFact] = frozenset(
    {
        Role("svc", can_login=True),
        Role("ada", can_login=True),
        Role("bob", can_login=True),
        Relation(ORDERS, RelationKind.TABLE, "owner", ("id", "email", "phone")),
        Relation(STAFF, RelationKind.TABLE, "owner", ("id", "name", "pay")),
    }
)


def inspected(facts: frozenset[AnyFact] = BASE) -> Inspection:
    return Inspection("svc", facts)


def wanted(grant_id: int = 1, login: str = "ada", *columns: str, masks: tuple[MaskedColumn, ...] = ()) -> Wanted:
    return Wanted(grant_id, login, 7, ORDERS, columns, masks)


def carried_out(plan: Plan, inspection: Inspection, ours: Ours) -> tuple[Inspection, Ours]:
    """The source and the journal after an apply, as a source with one transaction behaves."""
    facts, roles, views = set(inspection.facts), set(ours.roles), dict(ours.views)
    privileges = set(ours.privileges)
    for step in plan.steps:
        fact = step.fact
        if step.change is Change.REMOVE:
            if isinstance(fact, Member):
                facts = {one for one in facts if not (isinstance(one, Member) and pair(one) == pair(fact))}
            if isinstance(fact, Relation):
                views.pop(fact.path)
                facts = {one for one in facts if not (isinstance(one, Privilege) and one.path == fact.path)}
            if isinstance(fact, Privilege):
                privileges.discard(without_grantor(fact))
                if not fact.column:
                    facts = {one for one in facts if not (isinstance(one, Privilege) and place(one) == place(fact))}
            if isinstance(fact, Role):
                roles.discard(fact.name)
            facts.discard(fact)
        elif isinstance(fact, MaskedView):
            columns = tuple(one.name for one in fact.columns)
            facts.add(Relation(fact.path, RelationKind.VIEW, "svc", columns, (fact.base,), True, definition="seen"))
            views[fact.path] = "seen"
        else:
            facts.add(replaced_grantor(fact))
            if isinstance(fact, Role):
                roles.add(fact.name)
            if isinstance(fact, Privilege):
                privileges.add(without_grantor(fact))
    after = Ours(frozenset(roles), views, frozenset(privileges))
    return Inspection("svc", frozenset(facts)), after


def pair(fact: Member) -> tuple[str, str]:
    return fact.role, fact.member


def place(fact: Privilege) -> tuple[object, ...]:
    return fact.path, fact.grantee, fact.grantor


def replaced_grantor(fact):
    return Member(fact.role, fact.member, "svc") if isinstance(fact, Member) else fact


def steps_of(plan: Plan, kind: type, change: Change) -> list:
    return [step.fact for step in plan.steps if isinstance(step.fact, kind) and step.change is change]


def test_a_grant_of_columns_is_a_membership_of_a_role_that_reads_these_columns():
    grant = wanted(1, "ada", "id", "email")
    plan = make_plan([grant], [], inspected(), RULES, Ours())
    role = role_name(RULES, grant)
    assert [step.fact for step in plan.steps] == [
        Role(role),
        Privilege(Right.USAGE, ("sales",), role, "", "svc"),
        Privilege(Right.SELECT, ORDERS, role, "email", "svc"),
        Privilege(Right.SELECT, ORDERS, role, "id", "svc"),
        Member(role, "ada"),
    ]
    assert {step.risk for step in plan.steps} == {Risk.LOW}


def test_grants_of_the_same_columns_share_one_role():
    plan = make_plan([wanted(1, "ada", "id"), wanted(2, "bob", "id")], [], inspected(), RULES, Ours())
    assert len(steps_of(plan, Role, Change.ADD)) == 1
    assert {member.member for member in steps_of(plan, Member, Change.ADD)} == {"ada", "bob"}


def test_masked_columns_are_read_through_a_view_and_never_from_the_table():
    grant = wanted(1, "ada", masks=(MaskedColumn("email", Mask.HASH),))
    plan = make_plan([grant], [], inspected(), RULES, Ours())
    read = {(fact.path, fact.column) for fact in steps_of(plan, Privilege, Change.ADD) if fact.right is Right.SELECT}
    assert read == {(ORDERS, "id"), (ORDERS, "phone"), (view_path(RULES, grant), "")}
    (view,) = steps_of(plan, MaskedView, Change.ADD)
    assert [(one.name, one.mask) for one in view.columns] == [("id", None), ("email", Mask.HASH), ("phone", None)]


def test_what_is_over_is_taken_and_explained_by_its_grant():
    grant = wanted(1, "ada", "id")
    inspection, ours = carried_out(make_plan([grant], [], inspected(), RULES, Ours()), inspected(), Ours())
    plan = make_plan([], [grant], inspection, RULES, ours)
    assert [type(step.fact) for step in plan.steps] == [Member, Privilege, Privilege, Role]
    assert all(step.is_due and step.risk is Risk.MEDIUM for step in plan.steps)
    assert plan.due() == plan


def test_taking_a_right_on_a_table_gives_its_columns_back():
    """REVOKE on a table takes the grants on its columns along."""
    facts = BASE | {
        Privilege(Right.SELECT, ORDERS, "ada", "", "svc"),
        Privilege(Right.SELECT, ORDERS, "ada", "id", "svc"),
    }
    ours = Ours(
        privileges=frozenset({Privilege(Right.SELECT, ORDERS, "ada"), Privilege(Right.SELECT, ORDERS, "ada", "id")})
    )
    plan = make_plan([wanted(2, "ada", "id")], [wanted(1, "ada")], inspected(facts), GRANT_ONLY, ours)
    told = [(step.change, step.fact.column) for step in plan.steps if step.fact.right is Right.SELECT]
    assert told == [(Change.REMOVE, ""), (Change.ADD, "id")]
    assert plan.due().steps[-1].change is Change.ADD


@pytest.mark.parametrize(
    ("grantor", "grantee", "holds"), [("svc", "ada", True), ("owner", "ada", False), ("svc", "bob", False)]
)
def test_a_right_that_followed_a_renamed_table_holds_up_the_end_of_its_grant(grantor: str, grantee: str, holds: bool):
    """PostgreSQL keeps the rights of a table under its new name."""
    renamed = ("sales", "orders_2")
    facts = BASE | {
        Relation(renamed, RelationKind.TABLE, "owner", ("id",)),
        Privilege(Right.SELECT, renamed, grantee, "id", grantor),
    }
    ours = Ours(privileges=frozenset({Privilege(Right.SELECT, ORDERS, "ada", "id")}))
    told = Comparison((), (wanted(1, "ada", "id"),), inspected(facts), GRANT_ONLY, ours).held_still
    assert set(told) == ({1} if holds else set())
    if holds:
        assert told[1].startswith("ada reads sales.orders_2 by a right that svc gave")


def test_a_right_that_another_grant_explains_holds_up_no_end():
    facts = BASE | {Privilege(Right.SELECT, ORDERS, "ada", "id", "svc")}
    ours = Ours(privileges=frozenset({Privilege(Right.SELECT, ORDERS, "ada", "id")}))
    for known in (Ours(), ours):
        grant, ended = wanted(2, "ada", "id"), wanted(1, "ada", "id")
        assert not Comparison((grant,), (ended,), inspected(facts), GRANT_ONLY, known).held_still


def test_mysql_is_told_to_take_the_grant_only_profile():
    facts = BASE | {Role("ada@%", can_login=True)}
    for version, refused in (("8.0.36", True), ("10.11.6-MariaDB", False)):
        seen = Inspection("svc@%", facts, version, tells_grantors=False, has_hosts=True)
        plan = make_plan([wanted(1, "ada", "id")], [], seen, replace(RULES, wraps=True), Ours())
        assert bool(plan.steps) is not refused
        assert ("grant-only" in plan.problems.get(1, "")) is refused
        assert make_plan([wanted(1, "ada", "id")], [], seen, replace(GRANT_ONLY, wraps=True), Ours()).steps


@pytest.mark.parametrize("grantor", ["owner", "somebody"])
def test_what_another_grantor_gave_is_left_alone(grantor: str):
    grant = wanted(1, "ada", "id")
    inspection, ours = carried_out(make_plan([grant], [], inspected(), RULES, Ours()), inspected(), Ours())
    role = role_name(RULES, grant)
    foreign: frozenset[AnyFact] = frozenset(
        {Privilege(Right.SELECT, STAFF, role, "", grantor), Member(role, "bob", grantor)}
    )
    assert not make_plan([grant], [], inspected(inspection.facts | foreign), RULES, ours)


def test_roles_and_views_that_the_catalog_did_not_make_are_neither_used_nor_dropped():
    grant = wanted(1, "ada", "id")
    facts = BASE | {Role(role_name(RULES, grant)), Role("dc_other")}
    plan = make_plan([grant], [], inspected(facts), RULES, Ours())
    assert not plan
    assert "did not make" in plan.problems[1]


def test_many_revocations_that_nothing_explains_wait_for_a_person():
    grants = [Wanted(number, login, number, ORDERS) for number in range(1, 30) for login in ("ada", "bob")]
    inspection, ours = carried_out(make_plan(grants, [], inspected(), RULES, Ours()), inspected(), Ours())
    sudden = make_plan([], [], inspection, RULES, ours)
    assert sudden.unexplained_revokes > RULES.revoke_limit
    assert "limit is 50" in sudden.held_by(RULES)
    assert not make_plan([], grants, inspection, RULES, ours).held_by(RULES)


def test_a_table_that_is_gone_leaves_a_problem_in_words():
    plan = make_plan([Wanted(1, "ada", 7, ("sales", "lost"))], [], inspected(), RULES, Ours())
    assert not plan
    assert plan.problems == {1: "sales.lost is not in the source now. Crawl the source to see what became of it."}


def test_a_column_that_is_gone_does_not_stop_the_others():
    plan = make_plan([wanted(1, "ada", "id", "fax")], [], inspected(), RULES, Ours())
    assert plan.readings[1].columns == ("id",)
    assert plan.problems[1].startswith("fax is gone")


def test_a_refused_step_takes_those_along_that_serve_only_its_grant():
    plan = make_plan([wanted(1, "ada", "id"), wanted(2, "bob", "id")], [], inspected(), RULES, Ours())
    member = next(step for step in plan.steps if step.fact == Member(step_role(plan), "bob"))
    rest = plan.without({member.key: "no"})
    assert rest.problems == {2: "no"}
    assert {fact.member for fact in steps_of(rest, Member, Change.ADD)} == {"ada"}
    assert steps_of(rest, Role, Change.ADD)


def step_role(plan: Plan) -> str:
    return steps_of(plan, Role, Change.ADD)[0].name


def test_an_inverse_undoes_its_step():
    step = Step(Change.ADD, Member("dc_1", "ada"), (1,), "why")
    assert step.inverse.change is Change.REMOVE
    assert step.inverse.inverse.fact == step.fact


def test_names_are_cut_to_63_bytes_of_whole_letters():
    grant = Wanted(1, "ada", 7, ("s", "é" * 60), (), ())
    assert len(view_path(RULES, grant)[-1].encode()) <= 63


columns = st.lists(st.sampled_from(["id", "email", "phone"]), unique=True, max_size=3).map(tuple)
masks = st.lists(
    st.tuples(st.sampled_from(["email", "phone"]), st.sampled_from(list(Mask))),
    unique_by=lambda one: one[0],
    max_size=2,
).map(lambda pairs: tuple(MaskedColumn(name, mask) for name, mask in pairs))
grants = st.builds(
    Wanted,
    grant_id=st.integers(1, 9),
    login=st.sampled_from(["ada", "bob", "nobody"]),
    dataset_id=st.just(7),
    path=st.just(ORDERS),
    columns=columns,
    masks=masks,
)


@given(
    before=st.lists(grants, max_size=6, unique_by=lambda one: one.grant_id),
    after=st.lists(grants, max_size=6, unique_by=lambda one: one.grant_id),
    manages=st.booleans(),
)
def test_a_second_plan_is_empty_and_everything_ours_can_go(before, after, manages):
    rules = replace(RULES, profile=Profile.ROLE_MANAGING if manages else Profile.GRANT_ONLY)
    inspection, ours = inspected(), Ours()
    for wishes in (before, after):
        plan = make_plan(wishes, before, inspection, rules, ours)
        inspection, ours = carried_out(plan, inspection, ours)
        assert not make_plan(wishes, before, inspection, rules, ours).steps
    plan = make_plan([], after, inspection, rules, ours)
    inspection, ours = carried_out(plan, inspection, ours)
    assert inspection.facts == BASE
