"""Tokens on pages and over REST: shown once, scoped, revoked at once."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.actions import create_token
from accounts.models import ApiToken, Principal
from accounts.tokens import is_well_formed
from common.errors import Invalid
from tests.factories import Cast, bearer, personas

TOKENS = "/api/v2/tokens/"


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()


def made_on_page(client: Client, **values: object) -> str:
    answer = client.post(
        reverse("accounts:token_add"), {"name": "notebook", "scopes": ["catalog:read"], "days": "30", **values}
    )
    (text,) = set(re.findall(r"dcat_\w{38}", answer.text))
    assert answer.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    return text


def test_a_token_is_shown_once_and_opens_the_catalog(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    text = made_on_page(client)
    assert is_well_formed(text)
    assert text not in client.get(reverse("accounts:token_list")).text
    program = Client()
    listed = program.get(TOKENS, headers={"Authorization": f"Bearer {text}"}).json()["results"]
    assert [(row["name"], row["scopes"]) for row in listed] == [("notebook", ["catalog:read"])]
    assert text not in program.get(TOKENS, headers={"Authorization": f"Bearer {text}"}).text


def test_a_revoked_token_is_refused_at_once(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    headers = {"Authorization": f"Bearer {made_on_page(client)}"}
    revoke = reverse("accounts:token_revoke", args=[ApiToken.objects.get().pk])
    assert "Revoke notebook?" in client.get(revoke).text
    client.post(revoke)
    assert Client().get(TOKENS, headers=headers).status_code == 401


def test_others_tokens_do_not_exist(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    made_on_page(client)
    token = ApiToken.objects.get()
    client.force_login(cast.outsider.user)
    assert "notebook<" not in client.get(reverse("accounts:token_list")).text
    assert client.post(reverse("accounts:token_revoke", args=[token.pk])).status_code == 404
    assert client.get(f"{TOKENS}{token.pk}/").status_code == 404
    client.force_login(cast.administrator.user)
    assert "notebook<" in client.get(reverse("accounts:token_list")).text


def test_only_an_administrator_makes_a_pipelines_token(client: Client, cast: Cast) -> None:
    client.force_login(cast.steward.user)
    made_on_page(client, pipeline="nightly")
    assert ApiToken.objects.get().principal == cast.steward
    client.force_login(cast.administrator.user)
    made_on_page(client, pipeline="nightly", scopes=["lineage:write"], namespaces="postgres://a:1\n\npostgres://b:1\n")
    token = ApiToken.objects.get(principal__kind=Principal.Kind.PIPELINE)
    assert (token.principal.name, token.namespaces) == ("nightly", ["postgres://a:1", "postgres://b:1"])


def test_two_tokens_of_one_name_are_refused_on_the_form(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    made_on_page(client)
    again = client.post(reverse("accounts:token_add"), {"name": "notebook", "scopes": ["catalog:read"]})
    assert "already has a token called notebook" in again.text


def test_a_token_makes_no_further_tokens(client: Client, cast: Cast) -> None:
    body = {"name": "more", "scopes": ["lineage:write"]}
    refused = client.post(TOKENS, body, "application/json", headers=bearer(cast.analyst))
    assert refused.status_code == 403
    client.force_login(cast.analyst.user)
    made = client.post(TOKENS, body, "application/json")
    assert made.status_code == 201 and is_well_formed(made.json()["token"])
    assert client.delete(f"{TOKENS}{made.json()['id']}/").status_code == 204


def test_an_unknown_scope_is_named(client: Client, cast: Cast) -> None:
    client.force_login(cast.analyst.user)
    answer = client.post(TOKENS, {"name": "x", "scopes": ["everything"]}, "application/json")
    assert answer.status_code == 422 and "everything" in str(answer.json()["errors"])


def test_a_visitor_is_led_to_the_sign_in(client: Client, db: None) -> None:
    answer = client.get(reverse("accounts:token_list"))
    assert answer.status_code == 302 and "next=/accounts/tokens/" in answer.headers["Location"]


@pytest.mark.parametrize("days", ["0", "-1", "99999999999"])
def test_a_token_for_no_days_is_refused_and_not_made_for_ever(db: None, days: str) -> None:
    with pytest.raises(CommandError, match="--days is a number from 1"):
        call_command("create_token", "nightly", "--scope", "lineage:write", f"--days={days}")
    assert not ApiToken.objects.exists()


def test_the_command_makes_a_token_for_its_days_or_for_ever(db: None) -> None:
    for name, days, expires in (("nightly", ["--days", "1"], True), ("hourly", [], False)):
        printed = io.StringIO()
        call_command("create_token", name, "--scope", "lineage:write", *days, stdout=printed)
        assert is_well_formed(printed.getvalue().strip())
        assert (ApiToken.objects.get(name=name).expires_at is not None) == expires


@pytest.mark.parametrize(
    ("name", "sentence"), [("", "Give the token a name"), ("  ", "Give"), ("n" * 151, "at most 150")]
)
def test_a_name_that_names_nothing_is_refused(cast: Cast, name: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("create_token", name, "--scope", "lineage:write")
    assert not Principal.objects.filter(kind=Principal.Kind.PIPELINE).exists()
    with pytest.raises(Invalid, match=sentence):
        create_token(principal=cast.analyst, name=name, scopes=["catalog:read"], by=cast.analyst)
    assert not ApiToken.objects.exists()


def test_the_sign_in_goes_from_the_name_straight_to_the_password(client: Client, db: None) -> None:
    form = client.get(reverse("account_login")).text.partition("<form")[2].partition("</form>")[0]
    assert (
        re.findall(r'<(?:a|input|button)\b[^>]*?(?:name="(\w+)"|href)', form.partition('name="login"')[2])[0]
        == "password"
    )
    assert "id_password_help" not in form
    assert "Forgot" not in form


def test_the_sign_in_calls_its_fields_by_their_labels_alone(client: Client, db: None) -> None:
    page = client.get(reverse("account_login")).text
    assert (
        "User name or e-mail address" in page
        and "placeholder=" not in page.partition("<form")[2].partition("</form>")[0]
    )
