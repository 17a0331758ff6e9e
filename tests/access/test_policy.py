"""Who may decide: claims about the pure policy, over every cast that hypothesis can think of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from access.policy import (
    Answerable,
    LevelLimit,
    Reviewer,
    longest_duration,
    may_review,
    may_revoke,
)
from access.states import GRANT_ENDED, GRANT_TRANSITIONS, REQUEST_TRANSITIONS, GrantState, RequestState
from classification.limits import LONGEST_GRANT_DAYS

people = st.integers(min_value=1, max_value=6)
crowds = st.frozensets(people)
answerables = st.builds(Answerable, dataset_owners=crowds, domain_owners=crowds, domain_stewards=crowds)
reviewers = st.builds(
    Reviewer,
    principal_id=people,
    is_person=st.booleans(),
    is_active=st.booleans(),
    is_administrator=st.booleans(),
)


@given(reviewer=reviewers, answerable=answerables)
def test_the_requester_never_decides_in_whichever_role(reviewer: Reviewer, answerable: Answerable) -> None:
    decision = may_review(reviewer, requester_id=reviewer.principal_id, answerable=answerable)
    assert not decision.allowed
    assert "yourself" in decision.reasons[0]


@given(reviewer=reviewers, requester=people, answerable=answerables)
def test_only_active_people_decide(reviewer: Reviewer, requester: int, answerable: Answerable) -> None:
    if may_review(reviewer, requester_id=requester, answerable=answerable):
        assert reviewer.is_person and reviewer.is_active


@given(reviewer=reviewers, requester=people, answerable=answerables)
def test_an_administrator_without_a_role_decides_only_where_nobody_else_can(
    reviewer: Reviewer, requester: int, answerable: Answerable
) -> None:
    decision = may_review(reviewer, requester_id=requester, answerable=answerable)
    if decision and reviewer.principal_id not in answerable.everyone:
        assert reviewer.is_administrator
        assert answerable.everyone <= {requester}


@given(requester=people, answerable=answerables)
def test_every_request_has_somebody_who_may_decide(requester: int, answerable: Answerable) -> None:
    crew = [Reviewer(number) for number in range(1, 7)] + [Reviewer(99, is_administrator=True)]
    assert any(may_review(reviewer, requester_id=requester, answerable=answerable) for reviewer in crew)


@given(reviewer=reviewers, requester=people, answerable=answerables)
def test_every_decision_has_its_reason(reviewer: Reviewer, requester: int, answerable: Answerable) -> None:
    for decision in (
        may_review(reviewer, requester_id=requester, answerable=answerable),
        may_revoke(reviewer, holder_id=requester, answerable=answerable),
    ):
        assert decision.reasons and all(reason.endswith(".") for reason in decision.reasons)


@given(reviewer=reviewers, requester=people, answerable=answerables)
def test_whoever_may_give_may_take(reviewer: Reviewer, requester: int, answerable: Answerable) -> None:
    if may_review(reviewer, requester_id=requester, answerable=answerable):
        assert may_revoke(reviewer, holder_id=requester, answerable=answerable)


@given(st.lists(st.builds(LevelLimit, name=st.just("Some"), days=st.integers(1, 1000))))
def test_access_lasts_no_longer_than_the_least_of_all_limits(limits: list[LevelLimit]) -> None:
    assert longest_duration(limits).days == min([LONGEST_GRANT_DAYS, *(limit.days for limit in limits)])


def test_the_limit_names_the_level_that_sets_it() -> None:
    duration = longest_duration([LevelLimit("Internal", 365), LevelLimit("Restricted", 30)])
    assert duration.reasons == ("Restricted allows access for at most 30 days.",)


def test_ended_states_never_move() -> None:
    for ended in GRANT_ENDED:
        assert ended not in GRANT_TRANSITIONS
    for state in set(RequestState) - {RequestState.DRAFT, RequestState.PENDING}:
        assert state not in REQUEST_TRANSITIONS


def test_a_recorded_grant_never_becomes_active() -> None:
    assert GrantState.ACTIVE not in GRANT_TRANSITIONS[GrantState.RECORDED]
