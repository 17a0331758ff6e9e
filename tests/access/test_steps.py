"""From approval to approval: N of M, steps in their order, decisions in somebody's place, escalation."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
import time_machine
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from access.actions import (
    approve_request,
    delegate_decisions,
    deny_request,
    end_delegation,
    escalate_due,
    request_access,
)
from access.actions.steps import ESCALATE_AFTER, take_first_step
from access.inbox import count_waiting
from access.models import AccessRequest, ApprovalStep, Delegation, Grant, Vote
from access.policy import Answerable, Audience, Reviewer, StepFacts, StepWanted, may_review
from access.queries import review_of, visible_requests
from access.reviewing import review_decision
from access.states import RequestState
from access.timeline import timeline_of
from accounts.models import Principal
from audit.events import Subject
from audit.queries import activity_of
from classification.models import Level
from common.errors import CatalogError, Conflict, Forbidden, Invalid, NotFound
from tests.factories import Cast, dataset, domain, fresh, group, ownership, person, pipeline, role
from tests.thoroughness import examples

people = st.integers(min_value=1, max_value=6)
crowds = st.frozensets(people)
answerables = st.builds(Answerable, dataset_owners=crowds, domain_owners=crowds, domain_stewards=crowds)
steps = st.builds(
    StepFacts,
    audience=st.sampled_from(Audience),
    members=crowds,
    escalated=st.booleans(),
    voters=crowds,
    spoken_for=crowds,
)
reviewers = st.builds(
    Reviewer, principal_id=people, is_person=st.booleans(), is_active=st.booleans(), is_administrator=st.booleans()
)


@given(reviewer=reviewers, requester=people, answerable=answerables, step=steps, delegators=crowds)
def test_no_authority_is_the_requesters_and_none_is_used_twice(
    reviewer: Reviewer, requester: int, answerable: Answerable, step: StepFacts, delegators: frozenset[int]
) -> None:
    decision = may_review(reviewer, requester_id=requester, answerable=answerable, step=step, delegators=delegators)
    if not decision:
        assert decision.acting_for == 0
        return
    assert reviewer.is_person and reviewer.is_active and reviewer.principal_id not in step.voters
    assert requester not in (reviewer.principal_id, decision.acting_for)
    assert decision.acting_for not in step.spoken_for
    assert decision.acting_for == reviewer.principal_id or decision.acting_for in delegators & step.people(answerable)


def ask(cast: Cast, *columns: str, by: Principal | None = None) -> AccessRequest:
    return request_access(
        dataset=cast.dataset,
        fields=[cast.field(name) for name in columns],
        purpose="To see who needs help",
        days=30,
        by=by or cast.analyst,
    )


def want(cast: Cast, approvals: int) -> None:
    """Let the dataset's level want so many approvals."""
    level = Level.objects.order_by("-rank")[0]
    Level.objects.filter(pk=level.pk).update(approvals=approvals)
    cast.dataset.level = level.rank
    cast.dataset.save()


def at_steps(cast: Cast, *wanted: StepWanted) -> AccessRequest:
    """A request of the analyst's that must pass these steps."""
    request = ask(cast)
    AccessRequest.objects.filter(pk=request.pk).update(step=None)
    request.steps.all().delete()
    take_first_step(request, wanted)
    return request


def lend(giver: Principal, receiver: Principal) -> Delegation:
    now = timezone.now()
    return delegate_decisions(
        giver=giver, receiver=receiver, valid_from=now, valid_to=now + dt.timedelta(days=9), by=giver
    )


def told(request: AccessRequest) -> list[str]:
    activities, _ = activity_of(Subject("request", request.pk))
    return [f"{activity.actor} {activity.sentence}" for activity in activities]


def test_two_approvals_make_one_grant_of_the_shorter_time(cast: Cast) -> None:
    want(cast, 2)
    request = ask(cast)
    assert approve_request(request=request, by=cast.owner, days=7, reason="Fine") is None
    request.refresh_from_db()
    assert (request.state, Grant.objects.count()) == ("pending", 0)
    assert told(request)[0] == (
        "Owen approved Ana's request for all columns of users; 1 more of owners of the dataset, owners and stewards of "
        "its domain must"
    )
    with pytest.raises(Forbidden, match="already"):
        approve_request(request=request, by=cast.owner)
    grant = approve_request(request=request, by=cast.steward)
    assert grant is not None and grant.valid_to - grant.valid_from == dt.timedelta(days=7)
    assert grant.granted_by == cast.steward
    assert [vote.by for vote in review_of(cast.owner, visible_requests(cast.owner).get(pk=request.pk)).votes] == [
        cast.owner,
        cast.steward,
    ]


def test_one_refusal_ends_it_whatever_was_approved(cast: Cast) -> None:
    want(cast, 2)
    request = ask(cast)
    approve_request(request=request, by=cast.owner)
    assert deny_request(request=request, by=cast.steward, reason="Not for this").state == "denied"
    with pytest.raises(Conflict):
        approve_request(request=request, by=cast.owner)


def test_the_strictest_level_of_the_columns_says_how_many(cast: Cast) -> None:
    top = Level.objects.order_by("-rank")[0]
    Level.objects.filter(pk=top.pk).update(approvals=3)
    email = cast.field("email")
    email.level = top.rank
    email.save()
    strict, plain = ask(cast, "id", "email").step, ask(cast, "id", by=cast.steward).step
    assert strict is not None and plain is not None and (strict.needed, plain.needed) == (3, 1)


def test_steps_are_passed_in_their_order_by_those_whom_they_name(cast: Cast) -> None:
    board = group("Data board", members=[cast.outsider])
    request = at_steps(cast, StepWanted(Audience.OWNERS), StepWanted(Audience.GROUP, group_id=board.pk))
    with pytest.raises(Forbidden, match="Only owners of the dataset or its domain decide"):
        approve_request(request=request, by=cast.steward)
    with pytest.raises(Forbidden):
        approve_request(request=request, by=fresh(cast.outsider))
    assert approve_request(request=request, by=cast.owner) is None
    assert "1 more of the group Data board must" in told(request)[0]
    with pytest.raises(Forbidden):
        approve_request(request=request, by=cast.owner)
    assert approve_request(request=request, by=fresh(cast.outsider)) is not None


def test_whoever_is_asked_sees_the_request_and_its_way(cast: Cast) -> None:
    board = group("Data board", members=[cast.outsider])
    request = at_steps(cast, StepWanted(Audience.GROUP, group_id=board.pk), StepWanted(Audience.OWNERS))
    outsider = fresh(cast.outsider)
    assert count_waiting(outsider) == 1
    review = review_of(outsider, visible_requests(outsider).get(pk=request.pk))
    assert review.may_decide and review.waits_for == "It needs 1 approval of the group Data board."
    approve_request(request=request, by=outsider, reason="Seen")
    assert count_waiting(outsider) == 0
    review = review_of(outsider, visible_requests(outsider).get(pk=request.pk))
    assert [step.reason for step in timeline_of(review) if step.sentence == "Approved."] == ["Seen"]


def test_a_delegate_decides_in_the_place_of_the_owner_and_says_so(cast: Cast) -> None:
    request = ask(cast)
    lend(cast.owner, cast.outsider)
    outsider = fresh(cast.outsider)
    assert count_waiting(outsider) == 1
    grant = approve_request(request=request, by=outsider)
    vote = Vote.objects.get()
    assert grant is not None and (vote.by, vote.acting_for) == (outsider, cast.owner)
    review = review_of(cast.owner, visible_requests(cast.owner).get(pk=request.pk))
    decided = [(step.sentence, step.by) for step in timeline_of(review) if "Approved" in step.sentence]
    assert decided == [("Approved in the place of Owen.", outsider)]
    assert visible_requests(fresh(outsider)).filter(pk=request.pk).exists()


def test_a_delegate_and_the_delegator_are_one_approval(cast: Cast) -> None:
    want(cast, 2)
    request = ask(cast)
    lend(cast.owner, cast.outsider)
    approve_request(request=request, by=fresh(cast.outsider))
    with pytest.raises(Forbidden, match="in your place"):
        approve_request(request=request, by=cast.owner)
    assert count_waiting(fresh(cast.owner)) == 0


def test_nobody_decides_on_a_request_in_the_requesters_place(cast: Cast) -> None:
    request = ask(cast, by=cast.owner)
    lend(cast.owner, cast.outsider)
    with pytest.raises(NotFound):
        approve_request(request=request, by=fresh(cast.outsider))


def test_a_delegation_ends_by_itself_by_either_side_and_with_the_account(cast: Cast) -> None:
    request = ask(cast)
    lent = lend(cast.owner, cast.outsider)
    outsider = fresh(cast.outsider)
    assert review_decision(outsider, request)
    with time_machine.travel(lent.valid_to, tick=False):
        assert not review_decision(outsider, request) and count_waiting(outsider) == 0
    user = cast.owner.user
    assert user is not None
    user.is_active = False
    user.save()
    assert not review_decision(outsider, request) and count_waiting(outsider) == 0
    end_delegation(delegation=lent, by=outsider)
    with pytest.raises(Conflict):
        end_delegation(delegation=lent, by=outsider)


def test_delegations_that_make_no_sense_are_refused(cast: Cast) -> None:
    now = timezone.now()
    day = dt.timedelta(days=1)

    def lending(error: type[CatalogError], **changes: object) -> None:
        values = {"giver": cast.owner, "receiver": cast.outsider, "valid_from": now, "valid_to": now + day}
        with pytest.raises(error):
            delegate_decisions(**{**values, "by": cast.owner, **changes})

    lending(Forbidden, by=cast.outsider)
    lending(Invalid, receiver=cast.owner)
    lending(Invalid, valid_to=now - day)
    lending(Invalid, valid_to=now + 200 * day)
    lending(Conflict, receiver=pipeline())
    assert not Delegation.objects.exists()


def test_after_three_days_administrators_may_decide_too(cast: Cast) -> None:
    request = ask(cast)
    with pytest.raises(Forbidden):
        approve_request(request=request, by=cast.administrator)
    assert escalate_due(by=Principal.objects.system()) == 0
    with time_machine.travel(timezone.now() + ESCALATE_AFTER, tick=False):
        assert escalate_due(by=Principal.objects.system()) == 1
        assert escalate_due(by=Principal.objects.system()) == 0
        assert "let administrators decide" in told(request)[0]
        assert count_waiting(fresh(cast.administrator)) == 1
        assert approve_request(request=request, by=cast.administrator) is not None


def test_where_fewer_can_decide_than_must_administrators_join_at_once(cast: Cast) -> None:
    want(cast, 3)
    request = ask(cast)
    for by in (cast.owner, cast.steward):
        assert approve_request(request=request, by=by) is None
    way = timeline_of(review_of(cast.owner, visible_requests(cast.owner).get(pk=request.pk)))
    assert [step.sentence for step in way[1:4]] == ["Administrators may decide too.", "Approved.", "Approved."]
    assert approve_request(request=request, by=cast.administrator) is not None


@pytest.mark.django_db(transaction=True)
def test_two_last_approvals_at_the_same_instant_make_one_grant() -> None:
    from tests.factories import personas

    cast = personas()
    want(cast, 2)
    keepers = [person(f"keeper{number}") for number in range(3)]
    for keeper in keepers:
        ownership(cast.dataset, keeper)
    request = ask(cast)
    approve_request(request=request, by=cast.owner)
    together = threading.Barrier(3)
    outcomes: list[str] = []

    def approve(by: Principal) -> None:
        try:
            together.wait(timeout=10)
            outcomes.append(type(approve_request(request=request, by=by)).__name__)
        except CatalogError as error:
            outcomes.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=approve, args=[by]) for by in keepers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["Conflict", "Conflict", "Grant"]
    assert (Grant.objects.count(), Vote.objects.count()) == (1, 2)


NUMBERS = st.integers(0, 3)
WAYS = st.frozensets(st.sampled_from(["owner", "domain owner", "domain steward", "group", "role group"]))


class StepsInTheDatabase(TestCase):
    """Four people with any roles, lending each other their decisions, at any step; `reviewable_by` is `may_review`."""

    @settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        ways=st.tuples(WAYS, WAYS, WAYS, WAYS),
        administrators=st.frozensets(NUMBERS),
        closed=st.frozensets(NUMBERS),
        requester=NUMBERS,
        audience=st.sampled_from(Audience),
        escalated=st.booleans(),
        lent=st.frozensets(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1]), max_size=5),
        votes=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=2, unique_by=(lambda v: v[0], lambda v: v[1])),
    )
    def test_the_condition_and_the_function_agree(
        self, ways, administrators, closed, requester, audience, escalated, lent, votes
    ) -> None:
        place = domain()
        asked = dataset(domain=place)
        deciding, acting = group(), group()
        role(place, acting)
        crew = [person(administrator=number in administrators) for number in range(4)]
        for each, held in zip(crew, ways, strict=True):
            if "owner" in held:
                ownership(asked, each)
            for name in ("owner", "steward"):
                if f"domain {name}" in held:
                    role(place, each, name)
            each.user.groups.set(
                [made for name, made in {"group": deciding, "role group": acting}.items() if name in held]
            )
        for number in closed - {requester}:
            crew[number].user.is_active = False
            crew[number].user.save()
        now = timezone.now()
        day = dt.timedelta(days=1)
        for giver, receiver in lent:
            Delegation.objects.create(
                giver=crew[giver],
                receiver=crew[receiver],
                valid_from=now - day,
                valid_to=now + day,
                created_by=crew[giver],
            )
        request = AccessRequest.objects.create(
            requester=crew[requester],
            dataset=asked,
            purpose="Any",
            days=1,
            state=RequestState.PENDING,
            submitted_at=now,
            decide_by=now + day,
        )
        step = ApprovalStep.objects.create(
            request=request,
            position=1,
            audience=audience,
            group=deciding if audience is Audience.GROUP else None,
            escalated_at=now if escalated else None,
        )
        request.step = step
        request.save()
        for by, authority in votes:
            Vote.objects.create(step=step, by=crew[by], acting_for=crew[authority], approves=True)
        for each in [*crew, pipeline(), person(administrator=True), person()]:
            principal = fresh(each)
            decided = review_decision(principal, request)
            found = AccessRequest.objects.reviewable_by(principal).filter(pk=request.pk).exists()
            assert decided.allowed == found, (each, decided)
            if decided.allowed:
                assert AccessRequest.objects.visible_to(principal).filter(pk=request.pk).exists()
