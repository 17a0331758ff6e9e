"""Recertification: kept or removed, never widened; silence revokes the highest level and flags the rest."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from access.actions import (
    approve_request,
    close_due_campaigns,
    decide_items,
    delegate_decisions,
    open_in_emergency,
    request_access,
    revoke_grant,
    settle_ended_items,
    start_campaign,
    stop_campaign,
)
from access.campaigns import with_progress
from access.inbox import count_waiting
from access.models import Campaign, CampaignItem, Delegation, Grant
from access.recertifying import Chosen, preview_of
from access.reviewing import recertify_decision
from accounts.models import DomainRole, Principal
from audit.models import Record
from classification.models import Level
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import Cast, dataset, domain, fresh, group, ownership, person, role
from tests.thoroughness import examples

DAY = dt.timedelta(days=1)


def granted(cast: Cast, *columns: str, by: Principal | None = None, approver: Principal | None = None) -> Grant:
    request = request_access(
        dataset=cast.dataset, fields=[cast.field(name) for name in columns], purpose="Look", days=30,
        by=by or cast.analyst,
    )  # fmt: skip
    grant = approve_request(request=request, by=approver or cast.owner)
    assert grant is not None
    return grant


def top(cast: Cast, column: str) -> Level:
    level = Level.objects.order_by("-rank")[0]
    Level.objects.filter(pk=level.pk).update(approvals=1, longest_grant_days=90)
    field = cast.field(column)
    field.level = level.rank
    field.save()
    return level


def started(cast: Cast, **chosen: object) -> Campaign:
    return start_campaign(
        name="Spring", chosen=Chosen(**chosen), due_at=timezone.now() + 10 * DAY, by=cast.administrator
    )


def test_it_holds_the_live_usual_grants_within_its_scope(cast: Cast) -> None:
    level = top(cast, "email")
    secret, plain = granted(cast, "email"), granted(cast, "id", by=cast.steward)
    open_in_emergency(dataset=cast.dataset, reason="Down", hours=1, by=cast.analyst)
    preview = preview_of(Chosen())
    assert [one.grant for one in preview.candidates] == [secret, plain]
    assert [(one.level, one.silence_revokes) for one in preview.candidates] == [(level, True), (None, False)]
    assert preview.reviewer_ids == {cast.owner.pk, cast.steward.pk} and preview.nobody == 0
    assert [one.grant for one in preview_of(Chosen(from_level=level)).candidates] == [secret]
    assert preview_of(Chosen(domain=domain("Elsewhere"))).candidates == []
    assert [one.grant for one in preview_of(Chosen(source=cast.source)).candidates] == [secret, plain]


def test_a_reviewer_keeps_or_removes_and_the_last_answer_closes_it(cast: Cast) -> None:
    first, second = granted(cast, "id"), granted(cast, by=cast.outsider)
    campaign = started(cast)
    keep, remove = campaign.items.order_by("pk")
    assert decide_items(items=[keep], keep=True, reason="Still on the team", by=cast.owner) == 1
    with pytest.raises(Invalid):
        decide_items(items=[remove], keep=False, by=cast.owner)
    assert decide_items(items=[remove], keep=False, reason="Left the team", by=cast.steward) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    campaign.refresh_from_db()
    assert (first.is_live, second.state, second.end_reason) == (True, "revoked", "Left the team")
    assert not campaign.is_open and Record.objects.filter(event="access.campaign_closed").count() == 1
    assert (first.field_ids, first.valid_to - first.valid_from) == ([cast.field("id").pk], 30 * DAY)
    with pytest.raises(Conflict):
        decide_items(items=[keep], keep=True, by=cast.owner)


def test_nobody_confirms_their_own_grant_or_one_that_they_do_not_answer_for(cast: Cast) -> None:
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.owner)
    approve_request(request=request, by=cast.steward)
    (item,) = started(cast).items.all()
    for by, error in ((cast.owner, Forbidden), (cast.outsider, NotFound), (cast.administrator, Forbidden)):
        with pytest.raises(error):
            decide_items(items=[item], keep=True, by=fresh(by))
    decide_items(items=[item], keep=True, by=cast.steward)


def test_silence_revokes_the_highest_level_and_flags_what_is_lower(cast: Cast) -> None:
    top(cast, "email")
    secret, plain = granted(cast, "email"), granted(cast, by=cast.outsider)
    campaign = started(cast)
    system = Principal.objects.system()
    assert close_due_campaigns(by=system) == 0
    with time_machine.travel(campaign.due_at, tick=False):
        assert close_due_campaigns(by=system) == 1
        assert close_due_campaigns(by=system) == 0
    secret.refresh_from_db()
    plain.refresh_from_db()
    assert (secret.state, plain.state) == ("revoked", "recorded")
    outcomes = dict(campaign.items.values_list("grant_id", "outcome"))
    assert outcomes == {secret.pk: "revoked", plain.pk: "flagged"}
    assert Record.objects.filter(event="access.grant_unconfirmed").count() == 1


def test_what_ended_meanwhile_is_not_answered_for(cast: Cast) -> None:
    top(cast, "email")
    grant = granted(cast, "email")
    campaign = started(cast)
    revoke_grant(grant=grant, reason="Gone", by=cast.owner)
    with time_machine.travel(campaign.due_at, tick=False):
        close_due_campaigns(by=Principal.objects.system())
    assert campaign.items.get().outcome == "ended"
    grant.refresh_from_db()
    assert grant.end_reason == "Gone"


def test_nobody_is_asked_about_a_grant_that_ended_otherwise(cast: Cast) -> None:
    gone, stays = granted(cast), granted(cast, by=cast.outsider)
    both, alone = started(cast), started(cast)
    alone.items.filter(grant=stays).delete()
    revoke_grant(grant=gone, reason="Gone", by=cast.owner)
    system = Principal.objects.system()
    assert settle_ended_items(by=system) == 2
    assert count_waiting(fresh(cast.steward)) == 1
    assert dict(both.items.values_list("grant_id", "outcome")) == {gone.pk: "ended", stays.pk: "open"}
    alone.refresh_from_db()
    both.refresh_from_db()
    assert (both.is_open, alone.is_open) == (True, False), "what has nothing left to ask closes"
    assert settle_ended_items(by=system) == 0


def test_administrators_and_owners_of_a_domain_begin_and_stop_it(cast: Cast) -> None:
    granted(cast, "id")
    due = timezone.now() + DAY
    chief = person("chief")
    role(cast.domain, chief, DomainRole.OWNER)
    for by, chosen in ((cast.steward, Chosen(domain=cast.domain)), (chief, Chosen())):
        with pytest.raises(Forbidden):
            start_campaign(name="No", chosen=chosen, due_at=due, by=by)
    with pytest.raises(Invalid):
        start_campaign(name="Late", chosen=Chosen(), due_at=timezone.now() - DAY, by=cast.administrator)
    with pytest.raises(Conflict):
        start_campaign(name="None", chosen=Chosen(domain=domain()), due_at=due, by=cast.administrator)
    campaign = start_campaign(name="Ours", chosen=Chosen(domain=cast.domain), due_at=due, by=chief)
    stop_campaign(campaign=campaign, reason="Wrong scope", by=chief)
    with time_machine.travel(due, tick=False):
        assert close_due_campaigns(by=Principal.objects.system()) == 0
    assert Grant.objects.live().count() == 1


def test_decisions_on_many_take_as_many_statements_as_on_few(cast: Cast) -> None:
    def decided(count: int) -> int:
        for _ in range(count):
            granted(cast, by=person())
        items = list(started(cast).items.open())
        CampaignItem.objects.exclude(campaign_id=items[0].campaign_id).delete()
        with CaptureQueriesContext(connection) as queries:
            decide_items(items=items, keep=False, reason="No more", by=fresh(cast.owner))
        return len(queries)

    assert decided(1) == decided(7)


NUMBERS = st.integers(0, 2)
WAYS = st.frozensets(st.sampled_from(["owner", "steward", "group"]))


class WhoMayRecertify(TestCase):
    """`recertifiable_by` is `recertify_decision`, for any roles, groups, delegations and administrators."""

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        ways=st.tuples(WAYS, WAYS, WAYS),
        administrators=st.frozensets(NUMBERS),
        closed=st.frozensets(NUMBERS),
        holder=NUMBERS,
        lent=st.frozensets(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1]), max_size=4),
    )
    def test_the_condition_and_the_function_agree(self, ways, administrators, closed, holder, lent) -> None:
        place = domain()
        shown = dataset(domain=place)
        acting = group()
        role(place, acting)
        crew = [person(administrator=number in administrators) for number in range(3)]
        for each, held in zip(crew, ways, strict=True):
            if "owner" in held:
                ownership(shown, each)
            if "steward" in held:
                role(place, each, "steward")
            each.user.groups.set([acting] if "group" in held else [])
        for number in closed:
            crew[number].user.is_active = False
            crew[number].user.save()
        now = timezone.now()
        for giver, receiver in lent:
            Delegation.objects.create(
                giver=crew[giver], receiver=crew[receiver], valid_from=now - DAY, valid_to=now + DAY,
                created_by=crew[giver],
            )  # fmt: skip
        grant = Grant.objects.create(
            principal=crew[holder], dataset=shown, state="recorded", valid_from=now, valid_to=now + DAY,
            granted_by=Principal.objects.system(),
        )  # fmt: skip
        for each in crew:
            reader = fresh(each)
            found = Grant.objects.recertifiable_by(reader).filter(pk=grant.pk).exists()
            assert bool(recertify_decision(reader, grant)) == found, (ways, lent)


def test_who_sees_a_recertification_holds_answers_or_stands_in(cast: Cast) -> None:
    """Holders see their own, whoever answers all of the dataset's, a deputy all but the giver's; with how far it is."""
    held, of_owner = granted(cast, "id"), granted(cast, "id", by=cast.owner, approver=cast.steward)
    campaign = started(cast)
    deputy, nobody = person("Deputy"), person("Nobody")
    now = timezone.now()
    delegate_decisions(giver=cast.owner, receiver=deputy, valid_from=now, valid_to=now + DAY, by=cast.owner)
    seen = {
        by: {item.grant_id for item in CampaignItem.objects.visible_to(fresh(by))}
        for by in (cast.analyst, cast.owner, cast.steward, cast.administrator, deputy, nobody)
    }
    both = {held.pk, of_owner.pk}
    assert seen == {
        cast.analyst: {held.pk}, cast.owner: both, cast.steward: both, cast.administrator: both, deputy: {held.pk},
        nobody: set(),
    }  # fmt: skip
    (item,) = campaign.items.filter(grant=held)
    decide_items(items=[item], keep=True, by=fresh(deputy))
    for by, grants in seen.items():
        found = with_progress(Campaign.objects.visible_to(fresh(by)))
        assert list(found.values_list("answered", "size")) == ([(1, 2)] if grants else [])


def test_a_delegate_decides_in_the_place_of_the_owner(cast: Cast) -> None:
    granted(cast, "id")
    now = timezone.now()
    delegate_decisions(giver=cast.owner, receiver=cast.outsider, valid_from=now, valid_to=now + DAY, by=cast.owner)
    (item,) = started(cast).items.all()
    outsider = fresh(cast.outsider)
    assert list(CampaignItem.objects.decidable_by(outsider)) == [item]
    assert decide_items(items=[item], keep=True, by=outsider) == 1
