"""As whom people log in to a source: who may say so while grants hang on it, who is told, and what is on the record."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from access.actions import name_login
from access.enforcement.history import observe
from access.models import DatabaseLogin, Grant
from access.policy import may_name_login
from access.provisioning.facts import Role
from accounts.models import Principal
from audit.events import Subject
from audit.models import Record
from audit.queries import activity_of
from catalog.models import DomainMembership
from common.errors import Conflict, Forbidden
from connections.models import Connection
from tests.alerts.told import told
from tests.factories import Cast, bearer, dataset, person, role, source

pytestmark = pytest.mark.django_db
people = st.integers(1, 4)


@pytest.fixture
def master(cast: Cast) -> Principal:
    """An owner of the source's domain."""
    made = person("mona")
    role(cast.domain, made, "owner")
    return made


def granted(cast: Cast, holder: Principal, state: str = "active", login: str = "") -> Grant:
    now = timezone.now()
    return Grant.objects.create(
        principal=holder, dataset=cast.dataset, state=state, login=login, valid_from=now,
        valid_to=now + dt.timedelta(days=9), granted_by=cast.owner,
    )  # fmt: skip


def login_of(holder: Principal) -> str:
    found = DatabaseLogin.objects.filter(principal=holder, valid_to=None).first()
    return found.name if found else ""


@given(
    by=people, administrator=st.booleans(), person_id=people, holders=st.frozensets(people), has_grants=st.booleans(),
    gives=st.booleans(),
)  # fmt: skip
def test_grants_take_an_administrator_who_gains_nothing(
    by: int, administrator: bool, person_id: int, holders: frozenset[int], has_grants: bool, gives: bool
) -> None:
    decision = may_name_login(
        by, is_administrator=administrator, person_id=person_id, holders=holders, has_grants=has_grants, gives=gives
    )
    gains = gives and by in holders | {person_id}
    assert decision.allowed == (not gains and (administrator or not has_grants))
    assert decision.reasons


def test_an_owner_names_a_login_on_which_nothing_hangs(cast: Cast, master: Principal) -> None:
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    name_login(source=cast.source, principal=cast.analyst, name="ana2", by=master)
    name_login(source=cast.source, principal=cast.analyst, name="", by=master)
    assert login_of(cast.analyst) == "" and DatabaseLogin.objects.filter(principal=cast.analyst).count() == 2


@pytest.mark.parametrize("state", ["recorded", "provisioning", "active", "revoke_failed", "suspended"])
@pytest.mark.parametrize("name", ["mine", ""])
def test_grants_of_the_person_take_an_administrator(cast: Cast, master: Principal, state: str, name: str) -> None:
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    granted(cast, cast.analyst, state)
    with pytest.raises(Forbidden, match="only an administrator"):
        name_login(source=cast.source, principal=cast.analyst, name=name, by=master)
    assert login_of(cast.analyst) == "ana"
    name_login(source=cast.source, principal=cast.analyst, name=name, by=cast.administrator)
    assert login_of(cast.analyst) == name


def test_a_grant_that_waits_for_a_login_takes_an_administrator(cast: Cast, master: Principal) -> None:
    granted(cast, cast.analyst, "provision_failed")
    with pytest.raises(Forbidden, match="only an administrator"):
        name_login(source=cast.source, principal=cast.analyst, name="mine", by=master)
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=cast.administrator)
    assert login_of(cast.analyst) == "ana"


def test_grants_that_are_given_to_a_login_take_an_administrator_whoever_gets_it(cast: Cast, master: Principal) -> None:
    granted(cast, cast.analyst, "revoking", login="ana")
    with pytest.raises(Forbidden, match="only an administrator"):
        name_login(source=cast.source, principal=cast.outsider, name="ana", by=master)
    name_login(source=cast.source, principal=cast.outsider, name="ana", by=cast.administrator)
    assert login_of(cast.outsider) == "ana"


def test_a_login_of_somebody_else_with_grants_is_refused_and_to_administrators_a_conflict(
    cast: Cast, master: Principal
) -> None:
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    with pytest.raises(Conflict, match="somebody else"):
        name_login(source=cast.source, principal=cast.outsider, name="ana", by=master)
    granted(cast, cast.analyst, "provisioning")
    with pytest.raises(Forbidden, match="only an administrator"):
        name_login(source=cast.source, principal=cast.outsider, name="ana", by=master)
    with pytest.raises(Conflict, match="somebody else"):
        name_login(source=cast.source, principal=cast.outsider, name="ana", by=cast.administrator)
    assert (login_of(cast.analyst), login_of(cast.outsider)) == ("ana", "")


@pytest.mark.parametrize("state", ["revoked", "expired", "superseded"])
def test_what_has_ended_and_other_sources_do_not_count(cast: Cast, master: Principal, state: str) -> None:
    granted(cast, cast.analyst, state, login="ana")
    elsewhere = dataset(domain=cast.domain, source=source(of=cast.domain))
    Grant.objects.filter(pk=granted(cast, cast.analyst, login="ana").pk).update(dataset=elsewhere)
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    assert login_of(cast.analyst) == "ana"


def test_nobody_names_their_own_login_not_even_an_administrator(cast: Cast, master: Principal) -> None:
    for by in (master, cast.administrator):
        with pytest.raises(Forbidden, match="Nobody names their own"):
            name_login(source=cast.source, principal=by, name="me", by=by)
    name_login(source=cast.source, principal=cast.administrator, name="ada", by=master)
    name_login(source=cast.source, principal=cast.administrator, name="", by=cast.administrator)
    assert login_of(cast.administrator) == ""


def test_whoever_wants_to_name_their_own_login_is_told_who_may(client: Client, cast: Cast, master: Principal) -> None:
    def told_to(by: Principal) -> str:
        with pytest.raises(Forbidden) as refused:
            name_login(source=cast.source, principal=by, name="me", by=by)
        return refused.value.message.partition("given to it. ")[2]

    assert told_to(master) == "Ask Ada."
    assert told_to(cast.administrator) == "Ask Mona."
    granted(cast, cast.administrator, "provision_failed")
    alone = "Nobody else may here yet: make a colleague an administrator under Administration, who names it."
    assert told_to(cast.administrator) == alone
    with pytest.raises(Forbidden, match="only an administrator"):
        name_login(source=cast.source, principal=cast.administrator, name="ada", by=master)
    client.force_login(cast.administrator.user)
    form = reverse("access:login_name", args=[cast.source.pk])
    assert alone in client.get(form).text
    assert alone in client.get(reverse("access:enforcement", args=[cast.source.pk])).text
    refused = client.post(form, {"person": "ada", "name": "me"})
    assert refused.status_code == 422 and refused.text.count(alone) > 1
    second = person("zoe", administrator=True)
    assert told_to(cast.administrator) == "Ask Zoe." and "Ask Zoe." in client.get(form).text
    name_login(source=cast.source, principal=cast.administrator, name="ada", by=second)
    assert login_of(cast.administrator) == "ada"
    Grant.objects.all().delete()
    DomainMembership.objects.filter(principal=master).delete()
    second.user.is_active = False
    second.user.save()
    assert told_to(cast.administrator).endswith(
        "under Administration, or an owner of the source's domain, who names it."
    )


def test_nobody_gives_away_a_login_that_was_theirs(cast: Cast, master: Principal) -> None:
    name_login(source=cast.source, principal=cast.administrator, name="ada", by=master)
    name_login(source=cast.source, principal=cast.administrator, name="", by=cast.administrator)
    granted(cast, cast.analyst, "provision_failed")
    with pytest.raises(Forbidden, match="is or was yours"):
        name_login(source=cast.source, principal=cast.analyst, name="ada", by=cast.administrator)
    name_login(source=cast.source, principal=cast.analyst, name="ada", by=person(administrator=True))
    assert login_of(cast.analyst) == "ada"


def test_the_same_name_again_changes_and_records_nothing(cast: Cast, master: Principal) -> None:
    first = name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    granted(cast, cast.analyst)
    assert name_login(source=cast.source, principal=cast.analyst, name=" ana ", by=master) == first
    assert Record.objects.filter(event__startswith="access.login").count() == 1
    with pytest.raises(Forbidden, match="Only administrators and owners"):
        name_login(source=cast.source, principal=cast.analyst, name="ana", by=cast.steward)


def test_whom_it_concerns_is_told_and_the_record_has_both_names(cast: Cast, master: Principal) -> None:
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    granted(cast, cast.outsider, "revoking", login="ana2")
    name_login(source=cast.source, principal=cast.analyst, name="ana2", by=cast.administrator)
    name_login(source=cast.source, principal=cast.analyst, name="", by=cast.administrator)
    first, second, third = told(cast.analyst)
    assert first == "Mona named ana as your login in ontrack. What you are granted there is given to it."
    assert second.startswith("Ada named ana2 as your login")
    assert third == "Ada took ana2, your login in ontrack, away. What you are granted there waits for another."
    assert told(cast.outsider) == [
        "Ada named ana2, to which you were granted access in ontrack, as the login of Ana.",
        "Ada took ana2, to which you were granted access in ontrack, from Ana.",
    ]
    assert told(master) == told(cast.administrator) == []
    activities, _ = activity_of(Subject("principal", cast.analyst.pk))
    changes = [(change.name, change.before, change.after) for one in reversed(activities) for change in one.changes]
    assert changes == [("login", None, "ana"), ("login", "ana", "ana2"), ("login", "ana2", None)]
    row = Record.objects.filter(event="access.login_named").latest("pk")
    assert "ana2" not in str(row.values)


def test_the_pages_say_why(client: Client, cast: Cast, master: Principal) -> None:
    name_login(source=cast.source, principal=cast.analyst, name="ana", by=master)
    granted(cast, cast.analyst)
    granted(cast, cast.outsider, "provision_failed")
    url, form = (reverse(f"access:{name}", args=[cast.source.pk]) for name in ("enforcement", "login_name"))
    reason = "only an administrator changes it"
    for by, may in ((master, False), (cast.administrator, True)):
        client.force_login(by.user)
        page = client.get(url).text
        assert (reason in page) != may
        assert (f"{form}?person=ana" in page) == (f"{form}?person=otto" in page) == may
    client.force_login(master.user)
    refused = client.post(form, {"person": "ana", "name": "mine"})
    assert refused.status_code == 422 and reason in refused.text and 'value="mine"' in refused.text
    client.force_login(cast.administrator.user)
    assert client.post(form, {"person": "ana", "name": "ana3"}).status_code == 302
    assert login_of(cast.analyst) == "ana3"


def test_rest_refuses_with_the_reason(cast: Cast, master: Principal) -> None:
    granted(cast, cast.analyst)
    body = {"source": cast.source.pk, "person": "ana", "name": "mine"}
    url = reverse("database-login-list")
    refused = Client().post(url, body, content_type="application/json", headers=bearer(master))
    assert refused.status_code == 403 and "only an administrator" in refused.json()["detail"]
    made = Client().post(url, body, content_type="application/json", headers=bearer(cast.administrator))
    assert made.status_code == 201 and login_of(cast.analyst) == "mine"


@pytest.mark.parametrize(("platform", "known"), [("postgres", "ana"), ("mysql", "ana@%")])
def test_a_login_that_the_source_does_not_have_is_taken_and_that_is_said(
    client: Client, cast: Cast, platform: str, known: str
) -> None:
    cast.source.platform = platform
    cast.source.connection = Connection.objects.create(platform=platform, host="h", created_by=cast.administrator)
    cast.source.save()
    client.force_login(cast.administrator.user)
    form = reverse("access:login_name", args=[cast.source.pk])

    def named(name: str) -> str:
        return client.post(form, {"person": "ana", "name": name}, follow=True).text

    assert "follow within seconds" in named("anna"), "Nothing was read of the source yet."
    observe(source=cast.source, facts=[Role(known, can_login=True)], at=timezone.now())
    assert "follow within seconds" in named("ana")
    page = named("anna")
    assert f"{cast.source.name} had no login anna when it was last read" in page and "within seconds" not in page
    assert login_of(cast.analyst) == "anna"
    assert "follow within seconds" in named("")
    sent = {"source": cast.source.pk, "person": "ana", "name": "anna"}
    headers = bearer(cast.administrator, "catalog:read", "catalog:write", "access:approve")
    seen = [
        client.post(
            "/api/v2/database-logins/", {**sent, "name": name}, content_type="application/json", headers=headers
        ).json()["lacking_since"]
        is not None
        for name in ("anna", "ana")
    ]
    assert seen == [True, False]
