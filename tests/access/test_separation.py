"""Separation of duties, over any order of what people do (OWASP ASVS 5.0, 2.3.1): whoever asked never decides.

People come and go, join groups, own things, lend each other their decisions, open data in an emergency and confirm each
other's grants. The test keeps who has which authority by itself and compares.
"""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.actions import (
    approve_request,
    close_emergency_review,
    decide_items,
    delegate_decisions,
    deny_request,
    escalate_due,
    open_in_emergency,
    request_access,
    start_campaign,
)
from access.models import AccessRequest, ApprovalStep, CampaignItem, Delegation, EmergencyReview, Grant, Vote
from access.recertifying import Chosen
from accounts.models import Principal
from catalog.models import DomainMembership, Ownership
from classification.models import Level
from common.errors import CatalogError
from tests.factories import add_to_group, dataset, domain, group, ownership, person, role

CREW = 5
number = st.integers(0, CREW - 1)
DAY = dt.timedelta(days=1)


class Office(RuleBasedStateMachine):
    """Five people, the first an administrator, around one dataset whose level wants two approvals."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(needed=st.integers(1, 3))
    def open(self, needed: int) -> None:
        level = Level.objects.order_by("-rank")[0]
        Level.objects.filter(pk=level.pk).update(approvals=needed)
        self.place = domain()
        self.data = dataset(domain=self.place)
        self.data.level = level.rank
        self.data.save()
        self.ids = [person(administrator=at == 0).pk for at in range(CREW)]
        for pk in self.ids:
            role(self.place, self.one(pk), "viewer")
        self.team = group()

    def one(self, pk: int) -> Principal:
        return Principal.objects.select_related("user").get(pk=pk)

    def of(self, at: int) -> Principal:
        """Read anew: a principal keeps what it may see as long as it lives."""
        return self.one(self.ids[at])

    def holders(self) -> set[int]:
        """Active people who answer for the dataset, by rows alone."""
        found: set[int] = set()
        for table in (
            Ownership.objects.filter(dataset=self.data, valid_to=None),
            DomainMembership.objects.filter(domain=self.place, role__in=["owner", "steward"], valid_to=None),
        ):
            for row in table:
                found |= {row.principal_id} if row.principal_id else {u.principal.pk for u in row.group.user_set.all()}
        return {pk for pk in found if self.one(pk).is_active}

    def trusted(self, by: Principal, for_whom: int, authority: int, *, escalated: bool) -> bool:
        """Whether `by` had this authority, by the rules as people say them."""
        holders = self.holders()
        if authority in holders:
            lent = Delegation.objects.filter(giver_id=authority, receiver=by, valid_to__gt=timezone.now()).exists()
            return by.pk == authority or lent
        return authority == by.pk and by.is_administrator and (escalated or not holders - {for_whom})

    @rule(at=number, way=st.sampled_from(["owner", "steward", "group"]))
    def answer(self, at: int, way: str) -> None:
        if way == "group":
            add_to_group(self.of(at), self.team)
            if not Ownership.objects.filter(group=self.team).exists():
                ownership(self.data, self.team)
        elif way == "owner" and not Ownership.objects.filter(dataset=self.data, principal_id=self.ids[at]).exists():
            ownership(self.data, self.of(at))
        elif way == "steward" and not DomainMembership.objects.filter(
            domain=self.place, principal_id=self.ids[at], role="steward"
        ):
            role(self.place, self.of(at), "steward")

    @rule(at=st.integers(1, CREW - 1), active=st.booleans())
    def come_or_go(self, at: int, active: bool) -> None:
        user = self.of(at).user
        assert user is not None
        user.is_active = active
        user.save()

    @rule(giver=number, receiver=number)
    def lend(self, giver: int, receiver: int) -> None:
        now = timezone.now()
        try:
            delegate_decisions(
                giver=self.of(giver), receiver=self.of(receiver), valid_from=now, valid_to=now + DAY, by=self.of(giver)
            )
        except CatalogError:
            return

    @rule(at=number)
    def ask(self, at: int) -> None:
        try:
            request_access(dataset=self.data, purpose="Look", days=5, by=self.of(at))
        except CatalogError:
            return

    @rule()
    @precondition(lambda self: ApprovalStep.objects.exists())
    def wait(self) -> None:
        ApprovalStep.objects.update(escalate_at=timezone.now() - DAY)
        escalate_due(by=Principal.objects.system())

    @rule(at=number, which=st.integers(0, 9), approves=st.booleans())
    def decide(self, at: int, which: int, approves: bool) -> None:
        waiting = list(AccessRequest.objects.pending().select_related("step").order_by("pk"))
        if not waiting:
            return
        request, by = waiting[which % len(waiting)], self.of(at)
        escalated = request.step is not None and request.step.escalated_at is not None
        before = set(Vote.objects.values_list("pk", flat=True))
        try:
            if approves:
                approve_request(request=request, by=by)
            else:
                deny_request(request=request, reason="No", by=by)
        except CatalogError:
            assert set(Vote.objects.values_list("pk", flat=True)) == before
            return
        (vote,) = Vote.objects.exclude(pk__in=before)
        assert vote.by == by and by.is_active
        assert self.trusted(by, request.requester_id, vote.acting_for_id, escalated=escalated)

    @rule(at=number)
    def break_glass(self, at: int) -> None:
        try:
            open_in_emergency(dataset=self.data, reason="Down", hours=1, by=self.of(at))
        except CatalogError:
            return

    @rule(at=number, justified=st.booleans())
    def review(self, at: int, justified: bool) -> None:
        for review in EmergencyReview.objects.open()[:1]:
            try:
                close_emergency_review(review=review, justified=justified, reason="Seen", by=self.of(at))
            except CatalogError:
                return

    @rule(at=number, keep=st.booleans())
    def recertify(self, at: int, keep: bool) -> None:
        if not CampaignItem.objects.open().exists():
            try:
                start_campaign(name="Again", chosen=Chosen(), due_at=timezone.now() + DAY, by=self.of(0))
            except CatalogError:
                return
        by = self.of(at)
        for item in CampaignItem.objects.open().select_related("grant")[:1]:
            try:
                decide_items(items=[item], keep=keep, reason="Seen", by=by)
            except CatalogError:
                return
            holders = self.holders()
            lent = set(Delegation.objects.holding().filter(receiver=by).values_list("giver_id", flat=True))
            answers = ({by.pk} | lent) & holders - {item.holder_id}
            assert by.pk != item.holder_id
            assert answers or (by.is_administrator and not holders - {item.holder_id})

    @invariant()
    def nobody_decided_for_themselves(self) -> None:
        for vote in Vote.objects.select_related("step__request"):
            assert vote.step.request.requester_id not in (vote.by_id, vote.acting_for_id)
        for review in EmergencyReview.objects.all():
            assert review.closed_by_id != review.requester_id
        for item in CampaignItem.objects.all():
            assert item.decided_by_id != item.holder_id

    @invariant()
    def a_grant_has_all_the_approvals_that_it_needs_and_there_is_one(self) -> None:
        for request in AccessRequest.objects.filter(is_emergency=False).prefetch_related("steps__votes"):
            grants = Grant.objects.filter(request=request).count()
            assert grants == (request.state == "approved")
            if grants:
                for step in request.steps.all():
                    approving = [vote for vote in step.votes.all() if vote.approves]
                    assert len(approving) == step.needed
                    assert (
                        len({vote.by_id for vote in approving})
                        == len({v.acting_for_id for v in approving})
                        == step.needed
                    )
        live = list(Grant.objects.live().values_list("principal_id", "dataset_id", "is_emergency"))
        assert len(live) == len(set(live))


@pytest.mark.django_db
def test_whoever_asked_never_decides_in_any_order_of_events() -> None:
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.long
@pytest.mark.django_db
def test_whoever_asked_never_decides_in_many_orders_of_events() -> None:
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
