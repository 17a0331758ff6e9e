"""From a request to its end, by the actions that pages and REST share."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from access.actions import (
    approve_request,
    cancel_request,
    deny_request,
    expire_grants,
    request_access,
    revoke_grant,
)
from access.models import DECIDE_WITHIN, AccessRequest, Grant
from access.tasks import expire, sweep_each
from accounts.models import Principal
from audit.events import Subject
from audit.feed import feed
from audit.queries import activity_of
from catalog.models import Dataset, Field, Ownership, Tier
from classification.models import Level
from common.errors import CatalogError, Conflict, Forbidden, Invalid, NotFound
from common.templatetags.formats import moment
from tests.factories import Cast, dataset, domain, group, ownership, person, personas, pipeline, role


def ask(cast: Cast, by: Principal | None = None, *columns: str, days: int = 30) -> AccessRequest:
    return request_access(
        dataset=cast.dataset,
        fields=[cast.field(name) for name in columns],
        purpose="To see who needs help",
        days=days,
        by=by or cast.analyst,
    )


def told(kind: str, subject_id: int) -> list[str]:
    activities, _ = activity_of(Subject(kind, subject_id))
    return [f"{activity.actor} {activity.sentence}" for activity in activities]


def test_an_owner_approves_and_the_grant_is_recorded_for_the_time_asked(cast: Cast) -> None:
    grant = approve_request(request=ask(cast, None, "email", days=20), by=cast.owner)
    assert (grant.state, grant.principal, grant.field_ids) == ("recorded", cast.analyst, [cast.field("email").pk])
    assert grant.valid_to - grant.valid_from == dt.timedelta(days=20)
    assert told("grant", grant.pk) == [
        f"Owen approved Ana's request for email of users; the grant lasts until {grant.valid_to:%d %b %Y}"
    ]
    assert told("dataset", cast.dataset.pk)[-1] == "Ana asked for email of users for 20 days"


@pytest.mark.parametrize("who", ["owner", "steward"])
def test_owners_of_the_dataset_and_stewards_of_the_domain_decide(cast: Cast, who: str) -> None:
    assert approve_request(request=ask(cast), by=getattr(cast, who)).granted_by == getattr(cast, who)


@pytest.mark.parametrize("who", ["owner", "steward", "administrator", "analyst"])
def test_the_requester_never_decides_on_the_own_request(cast: Cast, who: str) -> None:
    requester = getattr(cast, who)
    request = ask(cast, requester)
    with pytest.raises(Forbidden, match="yourself"):
        approve_request(request=request, by=requester)
    with pytest.raises(Forbidden, match="yourself"):
        deny_request(request=request, by=requester, reason="No")


def test_the_requester_does_not_decide_through_a_group(cast: Cast) -> None:
    team = group("Owners", members=[cast.outsider])
    ownership(cast.dataset, team)
    role(cast.domain, team)
    with pytest.raises(Forbidden, match="yourself"):
        approve_request(request=ask(cast, cast.outsider), by=cast.outsider)


def test_members_of_an_owning_group_decide(cast: Cast) -> None:
    member = person("gwen", groups=[group("Keepers")])
    ownership(cast.dataset, member.user.groups.get())
    assert approve_request(request=ask(cast), by=member).granted_by == member


def test_an_administrator_decides_only_where_nobody_else_answers(cast: Cast) -> None:
    with pytest.raises(Forbidden, match="not an administrator"):
        approve_request(request=ask(cast), by=cast.administrator)
    orphan = dataset("orphan")
    request = request_access(dataset=orphan, purpose="Look", days=5, by=cast.analyst)
    assert approve_request(request=request, by=cast.administrator).granted_by == cast.administrator


def test_an_administrator_steps_in_where_the_only_owner_asks(cast: Cast) -> None:
    lonely = dataset("lonely", owner=cast.analyst)
    request = request_access(dataset=lonely, purpose="Look", days=5, by=cast.analyst)
    assert approve_request(request=request, by=cast.administrator).principal == cast.analyst


def test_a_steward_of_another_domain_does_not_even_see_the_request(cast: Cast) -> None:
    other = person("oscar")
    role(domain("Other"), other)
    with pytest.raises(NotFound):
        approve_request(request=ask(cast), by=other)


def test_the_database_refuses_a_decision_of_the_requester_whatever_the_code_does(cast: Cast) -> None:
    request = ask(cast)
    with pytest.raises(IntegrityError, match="request_is_never_decided_by_requester"), transaction.atomic():
        AccessRequest.objects.filter(pk=request.pk).update(
            state="approved", decided_by=request.requester, decided_at=timezone.now()
        )


def test_whoever_may_only_discover_asks_for_the_whole_dataset(cast: Cast) -> None:
    with pytest.raises(NotFound):
        ask(cast, cast.outsider, "email")
    assert ask(cast, cast.outsider).field_ids == []


@pytest.mark.django_db
def test_nobody_asks_for_what_must_not_be_known() -> None:
    secret = personas(open_tier=Tier.NONE)
    with pytest.raises(NotFound):
        ask(secret, secret.outsider)


def test_pipelines_do_not_ask(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        ask(cast, pipeline("loader"))


def test_a_refusal_needs_a_reason_and_ends_the_request(cast: Cast) -> None:
    request = ask(cast)
    with pytest.raises(Invalid):
        deny_request(request=request, by=cast.owner, reason="  ")
    deny_request(request=request, by=cast.owner, reason="Ask for fewer columns")
    request.refresh_from_db()
    assert (request.state, request.decision_reason) == ("denied", "Ask for fewer columns")
    with pytest.raises(Conflict, match="denied already"):
        approve_request(request=request, by=cast.steward)
    assert not Grant.objects.exists()


def test_only_the_requester_withdraws(cast: Cast) -> None:
    request = ask(cast)
    with pytest.raises(Forbidden):
        cancel_request(request=request, by=cast.owner)
    assert cancel_request(request=request, by=cast.analyst).state == "cancelled"
    assert told("request", request.pk)[0] == "Ana withdrew the request for all columns of users"


def test_one_open_request_per_person_and_dataset(cast: Cast) -> None:
    ask(cast)
    with pytest.raises(Conflict, match="already"):
        ask(cast)
    assert ask(cast, cast.outsider).pk


def test_sensitive_columns_shorten_what_may_be_asked(cast: Cast) -> None:
    restricted = Level.objects.get(slug="restricted")
    Field.objects.filter(pk=cast.field("email").pk).update(level=restricted.rank)
    with pytest.raises(Invalid) as caught:
        ask(cast, None, "email", days=31)
    assert "Restricted allows access for at most 30 days." in caught.value.fields["days"][0]
    assert ask(cast, None, "email", days=30).days == 30


def test_a_column_without_a_level_counts_as_its_dataset(cast: Cast) -> None:
    internal, restricted = Level.objects.get(slug="internal"), Level.objects.get(slug="restricted")
    request = ask(cast, None, "email", "name", days=200)
    Dataset.objects.filter(pk=cast.dataset.pk).update(level=restricted.rank)
    Field.objects.filter(pk=cast.field("name").pk).update(level=internal.rank)
    grant = approve_request(request=request, by=cast.owner)
    assert grant.valid_to - grant.valid_from == dt.timedelta(days=30)
    with pytest.raises(Invalid, match="Restricted allows access for at most 30 days"):
        ask(cast, None, "email", "name", days=31)
    assert ask(cast, None, "name", days=31).days == 31


def test_a_level_raised_meanwhile_shortens_the_grant(cast: Cast) -> None:
    request = ask(cast, None, "email", days=200)
    Field.objects.filter(pk=cast.field("email").pk).update(level=Level.objects.get(slug="restricted").rank)
    grant = approve_request(request=request, by=cast.owner)
    assert grant.valid_to - grant.valid_from == dt.timedelta(days=30)


def test_an_approver_may_shorten_and_never_lengthen(cast: Cast) -> None:
    grant = approve_request(request=ask(cast, days=20), by=cast.owner, days=300)
    assert (grant.valid_to - grant.valid_from).days == 20
    other = approve_request(request=ask(cast, cast.outsider, days=20), by=cast.owner, days=3)
    assert (other.valid_to - other.valid_from).days == 3


def test_a_column_that_went_meanwhile_cannot_be_granted(cast: Cast) -> None:
    request = ask(cast, None, "email")
    Field.objects.filter(pk=cast.field("email").pk).update(gone_since=timezone.now())
    with pytest.raises(Conflict, match="gone"):
        approve_request(request=request, by=cast.owner)


def test_a_gone_dataset_cannot_be_asked_for(cast: Cast) -> None:
    Dataset.objects.filter(pk=cast.dataset.pk).update(gone_since=timezone.now())
    with pytest.raises(Conflict, match="gone"):
        ask(cast)


def test_columns_of_another_dataset_are_refused(cast: Cast) -> None:
    other = dataset("tasks", domain=cast.domain)
    with pytest.raises(Invalid):
        request_access(dataset=cast.dataset, fields=list(other.fields.all()), purpose="Mix", days=3, by=cast.analyst)


def test_a_new_grant_replaces_the_one_before(cast: Cast) -> None:
    first = approve_request(request=ask(cast, None, "id"), by=cast.owner)
    second = approve_request(request=ask(cast, None, "id", "email"), by=cast.owner)
    first.refresh_from_db()
    assert (first.state, first.valid_to) == ("superseded", second.valid_from)
    assert told("grant", first.pk)[0] == "Owen replaced Ana's grant of id of users by the new one"


def test_the_activity_tells_of_ones_own_grant_and_of_times_as_people_do(cast: Cast) -> None:
    grant = approve_request(request=ask(cast), by=cast.owner)
    revoke_grant(grant=grant, reason="Done.", by=cast.analyst)
    activity, _ = activity_of(Subject("grant", grant.pk))
    latest = feed(activity)[0]
    assert latest.sentence == "Ana revoked their own grant of all columns of users."
    (change,) = latest.changes
    assert change.before == moment(grant.valid_to) and "+00:00" not in change.after
    other = approve_request(request=ask(cast), by=cast.owner)
    revoke_grant(grant=other, reason="Done.", by=cast.owner)
    assert told("grant", other.pk)[0] == "Owen revoked Ana's grant of all columns of users"


def test_the_database_refuses_two_live_grants_at_once(cast: Cast) -> None:
    grant = approve_request(request=ask(cast), by=cast.owner)
    with pytest.raises(IntegrityError, match="grant_live_once"), transaction.atomic():
        Grant.objects.create(
            principal=grant.principal,
            dataset=grant.dataset,
            state="recorded",
            valid_from=grant.valid_from + dt.timedelta(days=1),
            valid_to=grant.valid_to + dt.timedelta(days=1),
            granted_by=cast.owner,
        )


@pytest.mark.parametrize("who", ["owner", "steward", "administrator", "analyst"])
def test_a_grant_is_ended_by_its_holder_and_by_those_who_answer(cast: Cast, who: str) -> None:
    grant = approve_request(request=ask(cast), by=cast.owner)
    ended = revoke_grant(grant=grant, by=getattr(cast, who), reason="The survey is done")
    assert ended.state == "revoked" and ended.valid_to <= timezone.now()
    assert not Grant.objects.live().exists()
    with pytest.raises(Conflict, match="revoked already"):
        revoke_grant(grant=grant, by=getattr(cast, who), reason="Again")


def test_an_outsider_neither_sees_nor_ends_a_grant(cast: Cast) -> None:
    grant = approve_request(request=ask(cast), by=cast.owner)
    with pytest.raises(NotFound):
        revoke_grant(grant=grant, by=cast.outsider, reason="Envy")


def test_a_grant_ends_by_itself_at_its_time(cast: Cast) -> None:
    grant = approve_request(request=ask(cast, days=1), by=cast.owner)
    with time_machine.travel(grant.valid_to - dt.timedelta(seconds=1), tick=False):
        assert expire() == 0
        assert Grant.objects.live().count() == 1
    with time_machine.travel(grant.valid_to, tick=False):
        assert not Grant.objects.live().exists(), "ended even before a worker says so"
        assert expire() == 1
        assert expire() == 0
    grant.refresh_from_db()
    assert grant.state == "expired"
    assert told("grant", grant.pk)[0] == "Catalog ended Ana's grant of all columns of users, whose time was over"


def test_nobody_approves_after_the_time_is_over_though_the_worker_has_not_come_by(cast: Cast) -> None:
    request = ask(cast)
    AccessRequest.objects.filter(pk=request.pk).update(decide_by=timezone.now())
    with pytest.raises(Conflict, match="time to decide"):
        approve_request(request=request, by=cast.steward)
    assert not Grant.objects.exists()
    assert deny_request(request=request, reason="too late", by=cast.steward).state == "denied"


def test_an_undecided_request_lapses(cast: Cast) -> None:
    request = ask(cast)
    with time_machine.travel(timezone.now() + DECIDE_WITHIN + dt.timedelta(minutes=1), tick=False):
        assert expire() == 1
    request.refresh_from_db()
    assert (request.state, request.decided_by) == ("expired", None)
    assert "lapse" in told("request", request.pk)[0]


def test_expiry_takes_as_many_statements_for_many_as_for_one(cast: Cast, django_assert_num_queries) -> None:
    by = Principal.objects.system()

    def due(count: int) -> None:
        for _ in range(count):
            grant = approve_request(request=ask(cast, person(), days=1), by=cast.owner)
            past = timezone.now() - dt.timedelta(days=2)
            Grant.objects.filter(pk=grant.pk).update(valid_from=past, valid_to=past + dt.timedelta(days=1))

    due(1)
    with django_assert_num_queries(8):
        assert expire_grants(by=by) == 1
    due(7)
    with django_assert_num_queries(8):
        assert expire_grants(by=by) == 7


def test_purposes_and_reasons_stay_out_of_the_immutable_record(cast: Cast) -> None:
    from audit.models import Record

    request = ask(cast)
    deny_request(request=request, by=cast.owner, reason="Because of Ana's trouble")
    payloads = " ".join(Record.objects.values_list("payload", flat=True))
    assert "see who needs help" not in payloads and "trouble" not in payloads and "Ana" not in payloads


def test_a_refused_action_leaves_nothing_behind(cast: Cast) -> None:
    from audit.models import Record

    before = Record.objects.count()
    with pytest.raises(CatalogError):
        ask(cast, None, days=0)
    assert (AccessRequest.objects.count(), Record.objects.count()) == (0, before)


def test_an_owner_who_left_answers_no_more(cast: Cast) -> None:
    request = ask(cast)
    Ownership.objects.update(valid_to=timezone.now())
    with pytest.raises(NotFound):
        approve_request(request=request, by=Principal.objects.get(pk=cast.owner.pk))


def test_a_sweep_that_fails_keeps_no_other_from_running(cast: Cast) -> None:
    ran: list[Principal] = []

    def fails(*, by: Principal) -> int:
        with transaction.atomic():
            return len(Grant.objects.extra(where=["1 / 0 = 1"]))

    def runs(*, by: Principal) -> int:
        ran.append(by)
        return 1

    system = Principal.objects.system()
    with pytest.raises(DataError):
        sweep_each([fails, runs], by=system)
    assert ran == [system]
    assert sweep_each([runs, runs], by=system) == 2
