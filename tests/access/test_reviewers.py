"""`reviewable_by` asks the database what `may_review` decides: the two are held equal here."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from access.actions import approve_request, request_access
from access.inbox import SHOWN, count_waiting, waiting_list
from access.models import AccessRequest, Finding, Grant
from access.queries import dataset_access, own_of, review_of, visible_requests
from access.reviewing import review_decision
from accounts.models import Principal
from catalog.models import DomainMembership, Ownership
from catalog.queries.datasets import visible_dataset
from common.errors import CatalogError, Conflict
from tests.factories import Cast, dataset, domain, group, ownership, person, personas, pipeline, role
from tests.thoroughness import examples

WAYS = st.frozensets(
    st.sampled_from(
        ["owner", "dataset steward", "domain owner", "domain steward", "analyst", "owning group", "role group"]
    )
)


class PolicyInTheDatabase(TestCase):
    """Three people with any roles, one of them perhaps closed, one an administrator, and a pipeline."""

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        ways=st.tuples(WAYS, WAYS, WAYS),
        administrator=st.integers(0, 3),
        closed=st.integers(0, 3),
        requester=st.integers(0, 2),
        ended=st.booleans(),
    )
    def test_the_condition_and_the_function_agree(
        self,
        ways: tuple[frozenset[str], ...],
        administrator: int,
        closed: int,
        requester: int,
        ended: bool,
    ) -> None:
        place = domain()
        asked = dataset(domain=place)
        owning, acting = group(), group()
        ownership(asked, owning)
        role(place, acting)
        people = [person(administrator=number == administrator) for number in range(3)]
        for each, held in zip(people, ways, strict=True):
            self.give(each, held, asked, place, owning, acting)
        if closed < 3 and closed != requester:
            people[closed].user.is_active = False
            people[closed].user.save()
        if ended:
            Ownership.objects.filter(principal__isnull=False).update(
                valid_to="2020-01-01T00:00Z", valid_from="2019-01-01T00:00Z"
            )
            DomainMembership.objects.filter(principal__isnull=False).update(
                valid_to="2020-01-01T00:00Z", valid_from="2019-01-01T00:00Z"
            )
        request = AccessRequest.objects.create(
            requester=people[requester], dataset=asked, purpose="Any", days=1, state="draft"
        )
        for each in [*people, pipeline(), person(administrator=True), person()]:
            fresh = Principal.objects.select_related("user").get(pk=each.pk)
            decided = review_decision(fresh, request).allowed
            found = AccessRequest.objects.reviewable_by(fresh).filter(pk=request.pk).exists()
            assert decided == found, (each, ways, review_decision(fresh, request))

    def give(self, each, held, asked, place, owning, acting) -> None:
        if "owner" in held:
            ownership(asked, each)
        if "dataset steward" in held:
            ownership(asked, each, "steward")
        for name in ("owner", "steward"):
            if f"domain {name}" in held:
                role(place, each, name)
        if "analyst" in held:
            role(place, each, "analyst")
        groups = {"owning group": owning, "role group": acting}
        each.user.groups.set([made for name, made in groups.items() if name in held])


@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_the_same_instant_make_one_grant() -> None:
    cast = personas()
    request = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    together = threading.Barrier(2)
    outcomes: list[object] = []

    def approve(by: Principal) -> None:
        try:
            together.wait(timeout=10)
            outcomes.append(approve_request(request=request, by=by))
        except CatalogError as error:
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=approve, args=[by]) for by in (cast.owner, cast.steward)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Grant"]
    assert isinstance(next(one for one in outcomes if isinstance(one, CatalogError)), Conflict)
    assert Grant.objects.count() == 1


def test_the_inbox_holds_what_one_may_decide_and_nothing_else(cast: Cast) -> None:
    elsewhere = dataset("elsewhere", owner=person("olga"))
    mine = request_access(dataset=cast.dataset, purpose="Look", days=5, by=cast.analyst)
    request_access(dataset=elsewhere, purpose="Look", days=5, by=cast.analyst)
    request_access(dataset=cast.dataset, purpose="My own", days=5, by=cast.steward)
    assert [item.href for item in waiting_list(cast.steward)] == [reverse("access:request", args=[mine.pk])]
    assert (count_waiting(cast.steward), count_waiting(cast.owner), count_waiting(cast.outsider)) == (1, 2, 0)


def test_others_see_only_their_own_grants_of_a_dataset(cast: Cast) -> None:
    for principal in (cast.analyst, cast.outsider):
        approve_request(
            request=request_access(dataset=cast.dataset, purpose="Look", days=5, by=principal), by=cast.owner
        )
    everybody = dataset_access(cast.owner, visible_dataset(cast.owner, cast.dataset.pk))
    assert everybody.sees_all and {row.grant.principal for row in everybody.grants} == {cast.analyst, cast.outsider}
    own = dataset_access(cast.outsider, visible_dataset(cast.outsider, cast.dataset.pk))
    assert not own.sees_all and [row.grant.principal for row in own.grants] == [cast.outsider]
    assert own.mine is not None
    assert dataset_access(cast.administrator, visible_dataset(cast.administrator, cast.dataset.pk)).sees_all


def counted(read: Callable[[], object]) -> int:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        read()
    return len(queries)


def test_reads_take_as_many_statements_for_many_as_for_few(cast: Cast) -> None:
    def more(count: int) -> None:
        for _ in range(count):
            requester = person()
            role(cast.domain, requester, "analyst")
            request = request_access(
                dataset=cast.dataset, fields=list(cast.dataset.fields.all()), purpose="Look", days=5, by=requester
            )
            approve_request(request=request, by=cast.owner)
            request_access(dataset=cast.dataset, purpose="All", days=5, by=requester)
            request_access(dataset=dataset(domain=cast.domain), purpose="x", days=5, by=cast.owner)
            found = {"source": cast.source, "principal": requester, "dataset": cast.dataset, "sentence": "It reads."}
            Finding.objects.create(**found, kind=Finding.Kind.PRIVILEGE, key=str(requester.pk))

    role(cast.domain, cast.owner, "owner")
    more(1)
    request = AccessRequest.objects.pending().filter(dataset=cast.dataset).first()
    assert request is not None
    reads: list[Callable[[Principal], object]] = [
        own_of,
        waiting_list,
        lambda by: dataset_access(by, visible_dataset(by, cast.dataset.pk)),
        lambda by: review_of(by, visible_requests(by).get(pk=request.pk)),
    ]

    def counts() -> list[int]:
        return [
            counted(lambda read=read: read(Principal.objects.select_related("user").get(pk=cast.owner.pk)))
            for read in reads
        ]

    few = counts()
    more(6)
    assert counts() == few
    assert few == [5, 10, 11, 16]


def test_the_inbox_is_read_in_pages_what_is_due_first_before_the_oldest(client: Client, cast: Cast) -> None:
    requesters = [person() for _ in range(SHOWN + 3)]
    requests = [
        request_access(dataset=cast.dataset, purpose=f"Look {number}", days=5, by=requester)
        for number, requester in enumerate(requesters)
    ]
    first, last = requests[0], requests[-1]
    AccessRequest.objects.filter(pk=first.pk).update(decide_by=timezone.now() + dt.timedelta(days=400))
    AccessRequest.objects.filter(pk=last.pk).update(decide_by=timezone.now())
    expected = [last.pk, *(one.pk for one in requests[1:-1]), first.pk]
    assert [item.id for item in waiting_list(cast.owner)] == expected[:SHOWN]
    assert [item.id for item in waiting_list(cast.owner, skip=SHOWN)] == expected[SHOWN:]
    assert [item.id for item in waiting_list(cast.owner, most=2)] == expected[:2]

    client.force_login(cast.owner.user)
    url = reverse("access:inbox")
    page = client.get(url).text
    assert page.count("data-inbox-item") == SHOWN and f'href="{url}?skip={SHOWN}"' in page
    page = client.get(url, {"skip": SHOWN}).text
    assert page.count("data-inbox-item") == 3 and f'rel="prev" href="{url}"' in page and "?skip=" not in page
    assert "Nothing waits here" in client.get(url, {"skip": 500}).text
    for odd in ("-1", "x", "٣", "9" * 30):
        assert client.get(url, {"skip": odd}).text.count("data-inbox-item") == SHOWN
