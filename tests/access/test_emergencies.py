"""Break-glass: hours at most, told at once, reviewed by somebody else."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from access.actions import (
    approve_request,
    close_emergency_review,
    escalate_reviews,
    open_in_emergency,
    request_access,
)
from access.actions.emergencies import REVIEW_WITHIN
from access.enforcement.history import observe
from access.models import AccessRequest, EmergencyReview, Enforcement, Grant
from access.policies.rules import Action, Effect, Resources, Rule, Subjects
from access.queries import review_of, visible_requests
from access.reviewing import emergency_decision
from access.timeline import timeline_of
from accounts.models import Principal
from audit.models import Record
from classification.actions import set_level
from common.errors import Conflict, Forbidden, Invalid, NotFound
from common.templatetags.formats import moment
from connections.models import Connection
from tests.access.observed import login
from tests.access.observed import opened as seen
from tests.factories import (
    Cast,
    dataset,
    domain,
    fresh,
    ownership,
    person,
    pipeline,
    publish,
    role,
    service,
    standard_levels,
)
from tests.thoroughness import examples


def opened(cast: Cast, **changes: object) -> EmergencyReview:
    values = {"dataset": cast.dataset, "reason": "The import is down", "hours": 2, "by": cast.analyst, **changes}
    return open_in_emergency(**values).request.review


def test_it_opens_at_once_for_hours_beside_a_usual_grant(cast: Cast) -> None:
    usual = request_access(dataset=cast.dataset, fields=[cast.field("id")], purpose="Look", days=30, by=cast.analyst)
    kept = approve_request(request=usual, by=cast.owner)
    review = opened(cast)
    grant = review.request.grant
    assert grant.is_emergency and grant.valid_to - grant.valid_from == dt.timedelta(hours=2)
    assert set(Grant.objects.live()) == {kept, grant}
    with pytest.raises(Conflict, match="already"):
        opened(cast)
    record = Record.objects.get(event="access.emergency_opened")
    assert record.actor == cast.analyst
    assert f'"reviewer_ids":[{cast.steward.pk},{cast.owner.pk}]' in record.payload or (
        f'"reviewer_ids":[{cast.owner.pk},{cast.steward.pk}]' in record.payload
    )


def test_whoever_sees_no_columns_has_no_reason_or_is_no_person_cannot(cast: Cast) -> None:
    with pytest.raises(Forbidden, match="see the columns"):
        opened(cast, by=cast.outsider)
    for program in (pipeline(), service()):
        with pytest.raises(Forbidden, match="Only people"):
            opened(cast, by=program)
    for wrong in ({"reason": " "}, {"hours": 0}, {"hours": 5}):
        with pytest.raises(Invalid):
            opened(cast, **wrong)
    assert not Grant.objects.exists()


def test_the_person_never_reviews_it_and_those_who_answer_do(cast: Cast) -> None:
    review = opened(cast, by=cast.owner)
    with pytest.raises(Forbidden, match="yourself"):
        close_emergency_review(review=review, justified=True, reason="Fine", by=cast.owner)
    with pytest.raises(NotFound):
        close_emergency_review(review=review, justified=True, reason="Fine", by=cast.outsider)
    with pytest.raises(Forbidden, match="not an administrator"):
        close_emergency_review(review=review, justified=True, reason="Fine", by=cast.administrator)
    with pytest.raises(Invalid):
        close_emergency_review(review=review, justified=True, reason=" ", by=cast.steward)
    close_emergency_review(review=review, justified=True, reason="The import was down", by=cast.steward)
    assert Grant.objects.live().count() == 1
    with pytest.raises(Conflict):
        close_emergency_review(review=review, justified=True, reason="Again", by=cast.steward)


def test_misuse_ends_what_is_still_open(cast: Cast) -> None:
    review = opened(cast)
    close_emergency_review(review=review, justified=False, reason="Nothing was down", by=cast.owner)
    grant = Grant.objects.get()
    assert (grant.state, grant.ended_by) == ("revoked", cast.owner) and "Nothing was down" in grant.end_reason


def test_a_review_that_nobody_closes_is_open_to_administrators(cast: Cast) -> None:
    review = opened(cast)
    with time_machine.travel(timezone.now() + REVIEW_WITHIN, tick=False):
        assert escalate_reviews(by=Principal.objects.system()) == 1
        assert escalate_reviews(by=Principal.objects.system()) == 0
        administrator = fresh(cast.administrator)
        assert list(EmergencyReview.objects.open().closable_by(administrator)) == [review]
        close_emergency_review(review=review, justified=True, reason="Logs say so", by=administrator)


NUMBERS = st.integers(0, 2)
WAYS = st.frozensets(st.sampled_from(["owner", "steward"]))


class WhoMayClose(TestCase):
    """`closable_by` is `emergency_decision`, for any roles of three people, any of them closed or administrator."""

    @settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        ways=st.tuples(WAYS, WAYS, WAYS),
        administrators=st.frozensets(NUMBERS),
        closed=st.frozensets(NUMBERS),
        who=NUMBERS,
        escalated=st.booleans(),
    )
    def test_the_condition_and_the_function_agree(self, ways, administrators, closed, who, escalated) -> None:
        place = domain()
        taken = dataset(domain=place)
        crew = [person(administrator=number in administrators) for number in range(3)]
        for each, held in zip(crew, ways, strict=True):
            if "owner" in held:
                ownership(taken, each)
            if "steward" in held:
                role(place, each, "steward")
        for number in closed - {who}:
            crew[number].user.is_active = False
            crew[number].user.save()
        now = timezone.now()
        request = AccessRequest.objects.create(
            requester=crew[who], dataset=taken, purpose="Any", days=1, hours=1, is_emergency=True, state="approved",
            decided_by=Principal.objects.system(), decided_at=now,
        )  # fmt: skip
        review = EmergencyReview.objects.create(
            request=request, requester=crew[who], due_at=now, escalated_at=now if escalated else None
        )
        for each in crew:
            reader = fresh(each)
            decision = emergency_decision(reader, review)
            assert bool(decision) == EmergencyReview.objects.closable_by(reader).exists(), (ways, decision)
            assert not (decision and each == crew[who])


def form_of(client: Client, cast: Cast) -> str:
    client.force_login(cast.analyst.user)
    return client.get(reverse("access:emergency_open", args=[cast.dataset.pk])).text


def test_the_form_says_what_it_does_in_the_source(client: Client, cast: Cast) -> None:
    assert "Recorded, not applied" in form_of(client, cast)
    kept = Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    page = form_of(client, cast)
    assert "Recorded, not applied" not in page
    assert f"Opening it gives the rights in {cast.source.name} within seconds" in page
    assert "The source does not know you yet" in page
    login(cast.source, cast.analyst, "ana")
    kept.mode = "confirm"
    kept.save()
    page = form_of(client, cast)
    assert f"The statements wait in {cast.source.name}" in page and "within seconds" not in page
    assert "The source does not know you yet" not in page


def test_the_form_says_what_policy_refuses_and_keeps_what_was_typed(client: Client, cast: Cast) -> None:
    assert "Policy refuses" not in form_of(client, cast)
    email = cast.field("email").pk
    publish(
        "no-addresses", Rule(Effect.DENY, (Action.READ,), Subjects(everyone=True), resources=Resources(fields=(email,)))
    )
    page = form_of(client, cast)
    assert "Policy refuses the whole dataset" in page
    url = reverse("access:emergency_open", args=[cast.dataset.pk])
    typed = {"reason": "The import is down", "hours": 2, "extent": "some", "chosen": [email]}
    refused = client.post(url, typed)
    assert refused.status_code == 422
    assert "An emergency does not change that." in refused.text and "The import is down" in refused.text
    assert client.post(url, typed | {"chosen": [cast.field("id").pk]}).status_code == 302


def test_the_form_says_after_how_long_one_is_asked_once_more(client: Client, cast: Cast, settings) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
    assert "once more" not in form_of(client, cast), "Nobody without a password here can be asked."
    cast.analyst.user.set_password("a long pass phrase")
    cast.analyst.user.save()
    assert "Where you signed in more than 10 minutes ago, you show once more that it is you." in form_of(client, cast)


def test_whoever_reviews_it_sees_what_there_is_to_judge_by(client: Client, cast: Cast) -> None:
    levels = standard_levels()
    set_level(datasets=[cast.dataset], level=levels["confidential"], reason="It names people", by=cast.steward)
    Enforcement.objects.create(source=cast.source, mode="automatic", changed_by=cast.administrator)
    cast.source.connection = Connection.objects.create(platform="postgres", host="h", created_by=cast.administrator)
    cast.source.save()
    facts = [*seen(cast.dataset), login(cast.source, cast.analyst, "ana")]
    observe(source=cast.source, facts=facts, at=timezone.now())
    review = opened(cast, fields=[cast.field("email")])
    grant = review.request.grant
    client.force_login(cast.owner.user)
    url = reverse("access:emergency_review", args=[review.pk])
    page = client.get(url).text
    assert "The import is down" in page and "Ana opened it" in page and "for 2 hours" in page
    assert f"It closes {moment(grant.valid_to)}" in page
    assert '<span class="dc-name">email</span>' in page and '<span class="dc-name">name</span>' not in page
    assert "Confidential" in page
    assert "GRANT SELECT (&quot;email&quot;) ON TABLE" in page
    assert reverse("access:request", args=[review.request_id]) in page
    assert "Opened email in an emergency." in page and "Nobody else has a grant on this dataset." in page
    empty = client.post(url, {"verdict": "justified", "reason": ""})
    assert empty.status_code == 422 and "The import is down" in empty.text
    closed = client.post(url, {"verdict": "justified", "reason": "It was down"})
    assert closed.headers["Location"] == reverse("access:request", args=[review.request_id])
    assert fresh_review(review).verdict == "justified"
    late = client.get(url, follow=True)
    assert late.redirect_chain[-1][0] == reverse("access:request", args=[review.request_id])
    assert "Somebody has closed this review already." in late.text and "it had to be" in late.text


def test_what_was_opened_is_nowhere_called_approved_and_told_of_where_one_would_open_more(
    client: Client, cast: Cast
) -> None:
    review = opened(cast)
    client.force_login(cast.analyst.user)
    page = client.get(reverse("access:request", args=[review.request_id])).text
    assert "Opened in an emergency</span>" in page and "Approved</span>" not in page
    assert "Approved</span>" not in client.get(reverse("access:own")).text
    form = client.get(reverse("access:emergency_open", args=[cast.dataset.pk])).text
    assert "You have it open" in form and reverse("access:request", args=[review.request_id]) in form


def test_its_way_tells_who_ended_it_while_it_is_on_the_way_out(cast: Cast) -> None:
    review = opened(cast)
    close_emergency_review(review=review, justified=False, reason="Nothing was down", by=cast.owner)
    Grant.objects.filter(request=review.request_id).update(state="revoking", ends_as="revoked")
    request = visible_requests(cast.owner).get(pk=review.request_id)
    way = [(step.sentence, step.by) for step in timeline_of(review_of(cast.owner, request))]
    assert ("Revoked.", cast.owner) in way and "Expires." not in [sentence for sentence, _ in way]


def fresh_review(review: EmergencyReview) -> EmergencyReview:
    return EmergencyReview.objects.get(pk=review.pk)
