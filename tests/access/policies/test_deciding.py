"""Who may read, as a function of values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from access.policies.deciding import Decision, decide
from access.policies.facts import DatasetFacts, FieldFacts, GrantFacts, Question, SubjectFacts
from access.policies.masking import Mask
from access.policies.matching import holds_at
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
    Step,
    Subjects,
    problems_of,
    problems_of_row_filter,
    read_rule,
    stored_form,
)

FINANCE, TEACHING = 1, 2
INTERNAL, RESTRICTED = 20, 40
EMAIL = 7
ID, NAME, ADDRESS = 101, 102, 103
RANKS = {INTERNAL: 2, RESTRICTED: 4}
USERS = DatasetFacts(
    dataset_id=17,
    domain_id=TEACHING,
    source_id=3,
    rank=4,
    fields=(FieldFacts(ID, 2), FieldFacts(NAME, 2), FieldFacts(ADDRESS, 4, frozenset({EMAIL}))),
    owners=frozenset({50}),
)
ANA = SubjectFacts(9, groups=frozenset({5}), roles={TEACHING: frozenset({"analyst"})})
NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)  # a Wednesday
EVERYBODY = Subjects(everyone=True)


def policy(effect: Effect, *, number: int = 1, name: str = "", narrows: bool = False, **members: Any) -> InForce:
    members.setdefault("actions", (Action.READ,))
    members.setdefault("subjects", EVERYBODY)
    return InForce(number, 1, name or f"p{number}", Rule(effect=effect, **members), narrows)


def ask(*policies: InForce, subject: SubjectFacts = ANA, dataset: DatasetFacts = USERS, **more: Any) -> Decision:
    more.setdefault("action", Action.READ)
    return decide(Question(subject=subject, dataset=dataset, at=NOON, ranks=RANKS, **more), policies)


def test_nothing_is_allowed_that_nothing_allows():
    decision = ask()
    assert not decision
    assert decision.reasons == ("Neither a policy nor a grant allows it.",)


def test_a_policy_allows_whom_it_names_and_says_which_version_did():
    decision = ask(policy(Effect.ALLOW, number=12, name="Analysts read", subjects=Subjects(roles=(Role.ANALYST,))))
    assert decision
    assert decision.versions == (12,)
    assert decision.reasons == ("Policy “Analysts read” (version 1) allows it.",)


def test_a_grant_allows_the_columns_that_it_names():
    grant = GrantFacts(3, frozenset({ID}))
    assert ask(grants=(grant,), asked=frozenset({ID})).grants == (3,)
    some = ask(grants=(grant,))
    assert not some
    assert some.readable == {ID}
    assert some.reasons == (
        "Neither a policy nor a grant allows all of it.", "Grant 3 allows only some of its columns.",
    )  # fmt: skip
    assert ask(grants=(grant,), asked=frozenset({ID, NAME})).reasons[-1] == (
        "Grant 3 allows only some of the columns asked for."
    )
    assert ask(grants=(grant,), asked=frozenset({ID})).reasons == ("Grant 3 allows it.",)
    assert ask(grants=(grant,), asked=frozenset({NAME})).reasons == ("Neither a policy nor a grant allows it.",)
    both = ask(grants=(grant, GrantFacts(4, frozenset({NAME, ADDRESS})), GrantFacts(5)))
    assert both.reasons == (
        "Grant 3 allows only some of its columns.", "Grant 5 allows it.", "Grant 4 allows only some of its columns.",
    )  # fmt: skip


def test_a_grant_lets_nobody_write():
    assert not ask(grants=(GrantFacts(3),), action=Action.WRITE)


def test_deny_wins_over_policies_and_grants():
    denying = policy(Effect.DENY, number=2, resources=Resources(categories=(EMAIL,)))
    decision = ask(policy(Effect.ALLOW), denying, grants=(GrantFacts(3),))
    assert not decision
    assert decision.readable == {ID, NAME}
    assert decision.reasons == (
        "Policy “p2” (version 1) denies only some of its columns.",
        "Policy “p1” (version 1) allows it.",
        "Grant 3 allows it.",
    )
    assert ask(denying, asked=frozenset({ADDRESS})).reasons == ("Policy “p2” (version 1) denies it.",)
    assert ask(policy(Effect.ALLOW), denying, asked=frozenset({ID, NAME}))


def test_exceptions_are_not_concerned():
    denying = policy(Effect.DENY, number=2, exceptions=Subjects(groups=(5,)))
    assert ask(policy(Effect.ALLOW), denying)
    assert not ask(policy(Effect.ALLOW), denying, subject=SubjectFacts(9))


@pytest.mark.parametrize(
    ("subjects", "concerned"),
    [
        (Subjects(people=(9,)), True),
        (Subjects(people=(8,)), False),
        (Subjects(groups=(5, 6)), True),
        (Subjects(roles=(Role.STEWARD,)), False),
        (Subjects(roles=(Role.DATASET_OWNER,)), False),
        (Subjects(attributes=(Attribute("department", "finance"),)), True),
        (Subjects(attributes=(Attribute("department", "sales"),)), False),
        (Subjects(people=(8,), groups=(5,)), True),
    ],
)
def test_subjects_are_alternatives(subjects: Subjects, concerned: bool):
    ana = SubjectFacts(
        9,
        groups=frozenset({5}),
        roles={TEACHING: frozenset({"analyst"})},
        attributes=frozenset({("department", "finance")}),
    )
    assert bool(ask(policy(Effect.ALLOW, subjects=subjects), subject=ana)) is concerned


def test_a_role_is_one_on_the_domain_of_the_dataset():
    analysts = policy(Effect.ALLOW, subjects=Subjects(roles=(Role.ANALYST,)))
    assert not ask(analysts, subject=SubjectFacts(9, roles={FINANCE: frozenset({"analyst"})}))
    assert ask(policy(Effect.ALLOW, subjects=Subjects(roles=(Role.DATASET_OWNER,))), subject=SubjectFacts(50))


def test_selectors_of_different_kinds_must_all_select():
    def reads(**selectors: Any) -> bool:
        return bool(ask(policy(Effect.ALLOW, resources=Resources(**selectors))))

    assert reads(domains=(TEACHING, FINANCE), sources=(3,))
    assert not reads(domains=(TEACHING,), sources=(4,))
    assert not reads(level_to=INTERNAL)
    assert ask(policy(Effect.ALLOW, resources=Resources(level_to=INTERNAL)), asked=frozenset({ID}))
    assert not ask(policy(Effect.ALLOW, resources=Resources(level_from=RESTRICTED)), asked=frozenset({ID}))


def test_a_level_that_is_not_there_any_more_allows_nothing_and_holds_everything_back():
    gone = Resources(level_from=99)
    assert not ask(policy(Effect.ALLOW, resources=gone))
    assert not ask(policy(Effect.ALLOW), policy(Effect.DENY, number=2, resources=gone))


def test_of_several_ways_the_one_that_shows_most_counts():
    hashed = policy(Effect.ALLOW, masks=(MaskOf(Mask.HASH, Columns(categories=(EMAIL,))),))
    assert ask(hashed).masks == {ADDRESS: Mask.HASH}
    assert ask(hashed, grants=(GrantFacts(3, frozenset({ADDRESS})),)).masks == {}


def test_a_restriction_binds_whatever_allows_and_the_strictest_mask_counts():
    hidden = policy(Effect.RESTRICT, number=2, masks=(MaskOf(Mask.NULL, Columns(level_from=RESTRICTED)),))
    hashed = policy(Effect.RESTRICT, number=3, masks=(MaskOf(Mask.HASH, Columns(categories=(EMAIL,))),))
    decision = ask(policy(Effect.ALLOW), hidden, hashed)
    assert decision
    assert decision.masks == {ADDRESS: Mask.NULL}
    assert decision.versions == (1, 2, 3)


def test_masks_of_a_grant_bind_its_holder():
    assert ask(grants=(GrantFacts(3, masks={ADDRESS: Mask.PARTIAL}),)).masks == {ADDRESS: Mask.PARTIAL}


def test_rows_are_filtered_where_no_way_shows_them_all():
    one = policy(Effect.ALLOW, number=1, row_filter="region = 'AU'")
    other = policy(Effect.ALLOW, number=2, row_filter="region = 'NZ'")
    assert ask(one).row_filter == "region = 'AU'"
    assert ask(one, other).row_filter == "(region = 'AU') OR (region = 'NZ')"
    assert ask(one, policy(Effect.ALLOW, number=3)).row_filter == ""
    adult = policy(Effect.RESTRICT, number=4, row_filter="age >= 18")
    assert ask(one, adult).row_filter == "(region = 'AU') AND (age >= 18)"


def test_a_filtered_way_does_not_unmask_what_an_unfiltered_one_masks():
    everything = policy(Effect.ALLOW, number=1, masks=(MaskOf(Mask.HASH),))
    some_rows = policy(Effect.ALLOW, number=2, row_filter="region = 'AU'")
    decision = ask(everything, some_rows)
    assert decision.row_filter == ""
    assert set(decision.masks.values()) == {Mask.HASH}


def test_a_closed_account_reads_nothing():
    assert not ask(policy(Effect.ALLOW), grants=(GrantFacts(3),), subject=SubjectFacts(9, is_active=False))


def test_a_column_that_is_not_there_is_not_readable():
    assert not ask(policy(Effect.ALLOW), asked=frozenset({ID, 999}))


def test_a_dataset_without_fields_is_decided_by_its_own_level():
    bare = DatasetFacts(18, TEACHING, 3, rank=4)
    assert ask(policy(Effect.ALLOW), dataset=bare)
    assert not ask(policy(Effect.ALLOW, resources=Resources(level_to=INTERNAL)), dataset=bare)


def test_purposes():
    only = policy(Effect.ALLOW, conditions=Conditions(purposes=("research",)))
    assert ask(only, purpose="research")
    assert not ask(only)
    unless = policy(Effect.DENY, number=2, conditions=Conditions(other_purposes_than=("research",)))
    assert ask(policy(Effect.ALLOW), unless, purpose="research")
    assert not ask(policy(Effect.ALLOW), unless)


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        (Conditions(weekdays=(2,)), True),
        (Conditions(weekdays=(5, 6)), False),
        (Conditions(begin=dt.time(9), end=dt.time(17)), True),
        (Conditions(begin=dt.time(9), end=dt.time(12)), False),
        (Conditions(begin=dt.time(9), end=dt.time(17), timezone="Australia/Melbourne"), False),
        (Conditions(begin=dt.time(22), end=dt.time(6), timezone="Australia/Melbourne", weekdays=(2,)), True),
        (Conditions(begin=dt.time(22), end=dt.time(6), timezone="Australia/Melbourne", weekdays=(3,)), False),
    ],
)
def test_hours_are_those_of_their_zone(conditions: Conditions, holds: bool):
    assert holds_at(conditions, NOON, "") is holds


def test_a_rule_is_stored_and_read_as_it_was():
    rule = Rule(
        effect=Effect.APPROVAL,
        actions=(Action.REQUEST,),
        subjects=Subjects(attributes=(Attribute("department", "finance"),), roles=(Role.OWNER,)),
        resources=Resources(domains=(1,), level_from=3),
        conditions=Conditions(begin=dt.time(9), end=dt.time(17, 30), timezone="Europe/Vienna"),
        masks=(MaskOf(Mask.HASH, Columns(fields=(4,))),),
        steps=(Step(needed=2),),
        max_days=30,
    )
    assert problems_of(rule) == {}
    assert read_rule(stored_form(rule)) == rule
    assert stored_form(read_rule(stored_form(rule))) == stored_form(rule)


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ({"effect": "perhaps", "actions": ["read"]}, "effect"),
        ({"effect": "allow", "actions": ["read"], "subject": {}}, "subject"),
        ({"effect": "allow", "actions": ["read"], "resources": {"domains": ["x"]}}, "domains"),
        ([], "array"),
    ],
)
def test_what_is_no_rule_is_told_with_its_member(stored: Any, named: str):
    with pytest.raises(ValueError, match=named):
        read_rule(stored)


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        (Rule(Effect.ALLOW, (), EVERYBODY), "actions"),
        (Rule(Effect.APPROVAL, (Action.READ,), EVERYBODY, steps=(Step(),)), "actions"),
        (Rule(Effect.ALLOW, (Action.READ,)), "subjects"),
        (Rule(Effect.RESTRICT, (Action.READ,), EVERYBODY), "masks"),
        (Rule(Effect.DENY, (Action.READ,), EVERYBODY, row_filter="a = 1"), "masks"),
        (Rule(Effect.APPROVAL, (Action.REQUEST,), EVERYBODY), "steps"),
        (Rule(Effect.APPROVAL, (Action.REQUEST,), EVERYBODY, steps=(Step(),), row_filter="a = 1"), "row_filter"),
        (Rule(Effect.ALLOW, (Action.READ, Action.REQUEST), EVERYBODY, row_filter="a = 1"), "row_filter"),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, max_days=3), "max_days"),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, fallback=True), "fallback"),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, conditions=Conditions(begin=dt.time(9))), "conditions"),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, conditions=Conditions(timezone="Mars/Olympus")), "conditions"),
        (Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, row_filter="1=1) OR (1=1"), "row_filter"),
    ],
)
def test_rules_that_make_no_sense_are_told(rule: Rule, member: str):
    assert member in problems_of(rule)


@pytest.mark.parametrize("text", ["region = 'AU'", "age >= 18 AND NOT hidden", "a IN (1, 2)", "owner = current_user"])
def test_a_row_filter_is_one_condition(text: str):
    assert not problems_of_row_filter(text)


@pytest.mark.parametrize(
    "text",
    ["", "select 1", "1=1) OR (1=1", "a = 1; DROP TABLE t", "a = 1 -- b", "a IN (SELECT b FROM c)", "a = 1 ORDER BY b"],
)
def test_anything_else_is_no_row_filter(text: str):
    assert problems_of_row_filter(text)
