"""What the pages of the account say."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from tests.factories import person

pytestmark = pytest.mark.django_db

PASSWORD = "long-enough-for-anyone-42"
JARGON = re.compile(r"reauthenticat|verif|contact us|Confirm Access|Bad Token|Successfully|site\b", re.IGNORECASE)


def told(page: str) -> list[str]:
    """The messages that stand on a page."""
    return re.findall(r"data-dismissible>.*?<p>([^<]*)</p>", page, re.DOTALL)


def test_signing_in_and_out_leaves_one_message(client: Client) -> None:
    person("zoe", password=PASSWORD)
    signed_in = client.post(reverse("account_login"), {"login": "zoe", "password": PASSWORD})
    assert signed_in.status_code == 302 and not list(get_messages(signed_in.wsgi_request))
    out = client.post(reverse("account_logout"), follow=True)
    assert told(out.text) == ["You are signed out."]


@pytest.mark.parametrize(
    ("url", "heading"),
    [
        ("/accounts/inactive/", "This account is closed"),
        ("/accounts/signup/", "Accounts are made by administrators"),
        ("/accounts/password/reset/", "Have you lost your password?"),
        ("/accounts/password/reset/done/", "Look into your mail"),
        ("/accounts/password/reset/key/1-abc/", "This link does not work any more"),
        ("/accounts/password/reset/key/done/", "Your password is changed"),
        ("/accounts/confirm-email/", "Look into your mail"),
        ("/accounts/confirm-email/abc/", "This link does not work any more"),
    ],
)
def test_pages_for_nobody_in_particular_speak_plainly(client: Client, url: str, heading: str) -> None:
    page = client.get(url).text
    assert re.findall(r"<h1[^>]*>([^<]*)</h1>", page) == [heading]
    main = page[page.index("<main") : page.index("</main>")]
    assert not JARGON.search(re.sub(r"<[^>]*>", " ", main))


def test_an_address_is_shown_to_be_ones_own(client: Client) -> None:
    zoe = person("zoe", password=PASSWORD)
    assert zoe.user is not None
    address = EmailAddress.objects.create(user=zoe.user, email="zoe@elsewhere.example", primary=True)
    url = reverse("account_confirm_email", args=[EmailConfirmationHMAC.create(address).key])
    asked = client.get(url).text
    assert "Is this address yours?" in asked and "zoe@elsewhere.example" in asked and "Yes, it is mine" in asked
    assert "zoe@elsewhere.example is yours" in told(client.post(url, follow=True).text)[0]
    address.refresh_from_db()
    assert address.verified


def test_what_changes_how_one_signs_in_asks_once_more(client: Client) -> None:
    person("zoe", password=PASSWORD)
    client.post(reverse("account_login"), {"login": "zoe", "password": PASSWORD})
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0, "username": "zoe"}]
    session.save()
    asked = client.get(reverse("mfa_activate_totp"), follow=True)
    assert "Is it still you?" in asked.text and not JARGON.search(re.sub(r"<[^>]*>", " ", asked.text))
    wrong = client.post(asked.request["PATH_INFO"], {"password": "not it"})
    assert "Is it still you?" in wrong.text and "is-invalid" in wrong.text
    passed = client.post(asked.request["PATH_INFO"], {"password": PASSWORD}, follow=True)
    assert passed.status_code == 200 and "Is it still you?" not in passed.text
