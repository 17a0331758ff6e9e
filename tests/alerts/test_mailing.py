"""Notifications by e-mail, through a real SMTP server."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from access.actions import approve_request, deny_request, request_access
from access.models import AccessRequest
from accounts.models import User
from alerts.actions import choose, mark_read
from alerts.mailing import send_due
from alerts.models import Notification
from audit.delivery import deliver_pending
from catalog.models import DomainMembership
from tests.alerts.postbox import Server
from tests.factories import Cast, dataset

pytestmark = pytest.mark.django_db


def asked(cast: Cast) -> AccessRequest:
    return request_access(
        dataset=cast.dataset, purpose="For the secret review.", days=30, by=cast.analyst, fields=[cast.field("email")]
    )


def delivered() -> int:
    deliver_pending()
    return send_due()


def test_what_is_to_be_mailed_at_once_is_mailed_to_each_receiver_once(cast: Cast, server: Server) -> None:
    asked(cast)
    assert delivered() == 2
    assert send_due() == 0
    (message,) = server.box.to("owen@example.org")
    assert message["Subject"] == "Ana asks for email of users, and you may decide."
    assert message["From"] == "Catalog <catalog@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.org>")
    row = Notification.objects.get(receiver=cast.owner)
    assert row.mail_sent_at is not None and row.mail_due_at is None
    assert {one["To"] for one in server.box.taken} == {"owen@example.org", "stella@example.org"}


def test_neither_purposes_nor_reasons_leave_by_mail(cast: Cast, server: Server) -> None:
    request = asked(cast)
    delivered()
    deny_request(request=request, reason="Her probation is not over.", by=cast.owner)
    delivered()
    texts = [message.as_string() for message in server.box.taken]
    assert len(texts) == 3
    assert not any("probation" in text or "secret review" in text for text in texts)


def test_the_link_asks_for_sign_in_then_leads_there_and_marks_as_read(cast: Cast, server: Server) -> None:
    request = asked(cast)
    delivered()
    (message,) = server.box.to("owen@example.org")
    (link,) = re.findall(r"https://catalog\.example\.org(/notifications/\d+/)", message.get_content())
    client = Client()
    answer = client.get(link)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={link}")
    client.force_login(cast.outsider.user)
    assert client.get(link).status_code == 404
    client.force_login(cast.owner.user)
    answer = client.get(link)
    assert (answer.status_code, answer["Location"]) == (302, f"/access/requests/{request.pk}/")
    assert Notification.objects.get(receiver=cast.owner).read_at is not None


def test_while_the_server_is_down_all_of_it_waits_and_then_goes_once(cast: Cast, server: Server) -> None:
    server.down()
    asked(cast)
    assert (delivered(), send_due()) == (0, 0)
    assert Notification.objects.filter(mail_due_at__isnull=False).count() == 2
    server.up()
    assert (send_due(), send_due()) == (2, 0)
    assert len(server.box.taken) == 2


def test_a_refused_address_is_tried_again_later_and_stops_nobody_else(cast: Cast, server: Server) -> None:
    server.box.refused = {"owen@example.org"}
    asked(cast)
    assert delivered() == 1
    row = Notification.objects.get(receiver=cast.owner)
    assert row.mail_attempts == 1 and "550" in row.mail_error
    assert row.mail_due_at is not None and row.mail_due_at > timezone.now()
    server.box.refused = set()
    assert send_due() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=10)):
        assert send_due() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(days=1)):
        assert send_due() == 0


def test_an_address_that_is_refused_for_days_is_given_up(cast: Cast, server: Server) -> None:
    server.box.refused = {"owen@example.org", "stella@example.org"}
    asked(cast)
    delivered()
    with time_machine.travel(timezone.now() + dt.timedelta(days=4)):
        send_due()
    assert not Notification.objects.filter(mail_due_at__isnull=False).exists()
    assert Notification.objects.filter(mail_sent_at__isnull=True).exclude(mail_error="").count() == 2


@pytest.mark.parametrize("answer", ["451 Try again later", "421 Closing", "554 Looks like spam"])
def test_a_message_that_is_refused_once_it_was_told_holds_up_no_other(cast: Cast, server: Server, answer: str) -> None:
    asked(cast)
    deliver_pending()
    first = Notification.objects.order_by("mail_due_at", "pk")[0].receiver
    server.box.answers = {first.user.email: answer}
    assert send_due() == 1
    row = Notification.objects.get(receiver=first)
    assert row.mail_attempts == 1 and answer[:3] in row.mail_error
    assert row.mail_due_at is not None and row.mail_due_at > timezone.now()
    server.box.answers = {}
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=10)):
        assert send_due() == 1


def test_a_message_over_which_the_connection_is_lost_holds_up_the_others_for_one_sweep(
    cast: Cast, server: Server
) -> None:
    asked(cast)
    deliver_pending()
    first = Notification.objects.order_by("mail_due_at", "pk")[0].receiver
    server.box.answers = {first.user.email: ""}
    assert (send_due(), send_due()) == (0, 1)
    assert Notification.objects.get(receiver=first).mail_attempts == 1
    with time_machine.travel(timezone.now() + dt.timedelta(days=4)):
        send_due()
    assert Notification.objects.get(receiver=first).mail_due_at is not None, "that is no refusal"


def test_a_message_that_cannot_be_addressed_holds_up_no_other(cast: Cast, server: Server) -> None:
    asked(cast)
    deliver_pending()
    User.objects.filter(pk=cast.owner.user_id).update(email="owen\n@example.org")
    Notification.objects.filter(receiver=cast.owner).update(mail_due_at=timezone.now() - dt.timedelta(minutes=1))
    assert send_due() == 1
    row = Notification.objects.get(receiver=cast.owner)
    assert row.mail_attempts == 1 and row.mail_error


def test_messages_that_cannot_be_made_are_tried_again(cast: Cast, server: Server, settings: Settings) -> None:
    asked(cast)
    deliver_pending()
    url, settings.SITE_URL = settings.SITE_URL, None
    assert send_due() == 0
    assert [row.mail_attempts for row in Notification.objects.all()] == [1, 1]
    settings.SITE_URL = url
    with time_machine.travel(timezone.now() + dt.timedelta(seconds=10)):
        assert send_due() == 2


def test_several_at_once_are_one_message(cast: Cast, server: Server) -> None:
    for number in range(3):
        made = dataset(f"t_{number}", domain=cast.domain)
        request_access(dataset=made, purpose="To see.", days=3, by=cast.analyst)
    delivered()
    (message,) = server.box.to("stella@example.org")
    assert message["Subject"] == "3 notifications from the catalog"
    for number in range(3):
        assert f"Ana asks for all columns of t_{number}" in message.get_content()


def test_a_digest_goes_out_at_its_hour_with_what_was_not_read_meanwhile(
    cast: Cast, server: Server, settings: Settings
) -> None:
    choose(choices={"request_waits": "digest"}, by=cast.owner)
    choose(choices={"request_waits": "off"}, by=cast.steward)
    settings.DIGEST_HOUR = 7
    with time_machine.travel(dt.datetime(2030, 11, 3, 9, tzinfo=dt.UTC)):
        asked(cast)
        other = dataset("other", domain=cast.domain, owner=cast.owner)
        request_access(dataset=other, purpose="To see.", days=3, by=cast.analyst)
        assert delivered() == 0
        mark_read(by=cast.owner, only=Notification.objects.filter(receiver=cast.owner).latest("pk").pk)
    with time_machine.travel(dt.datetime(2030, 11, 4, 6, 59, tzinfo=dt.UTC)):
        assert send_due() == 0
    with time_machine.travel(dt.datetime(2030, 11, 4, 7, 0, 1, tzinfo=dt.UTC)):
        assert send_due() == 1
    (message,) = server.box.taken
    assert message["Subject"] == "Ana asks for email of users, and you may decide."


def test_what_the_receiver_may_no_longer_see_is_not_mailed(cast: Cast, server: Server) -> None:
    asked(cast)
    deliver_pending()
    DomainMembership.objects.filter(principal=cast.steward).update(valid_to=timezone.now())
    assert send_due() == 1
    assert server.box.to("stella@example.org") == []
    assert Notification.objects.get(receiver=cast.steward).mail_sent_at is None
    assert send_due() == 0


def test_who_was_closed_or_turned_it_off_meanwhile_gets_no_mail(cast: Cast, server: Server) -> None:
    asked(cast)
    deliver_pending()
    choose(choices={"request_waits": "page"}, by=cast.steward)
    cast.owner.user.is_active = False
    cast.owner.user.save()
    assert send_due() == 0
    assert server.box.taken == []


def test_a_hostile_name_adds_no_header(cast: Cast, server: Server) -> None:
    hostile = dataset("x\r\nBcc: everybody@example.org", domain=cast.domain)
    request_access(dataset=hostile, purpose="To see.", days=3, by=cast.analyst)
    delivered()
    (message,) = server.box.to("stella@example.org")
    assert message["Bcc"] is None
    assert message["Subject"] == "Ana asks for all columns of x Bcc: everybody@example.org, and you may decide."


def test_without_a_mail_server_nothing_is_due_and_the_page_says_so(cast: Cast, client: Client) -> None:
    approve_request(request=asked(cast), by=cast.owner)
    assert delivered() == 0
    assert not Notification.objects.filter(mail_due_at__isnull=False).exists()
    client.force_login(cast.owner.user)
    assert "No e-mail is sent" in client.get("/notifications/preferences/").content.decode()


def test_the_same_notifications_have_the_same_message_id(cast: Cast, server: Server) -> None:
    asked(cast)
    deliver_pending()
    send_due()
    Notification.objects.filter(receiver=cast.owner).update(mail_due_at=timezone.now(), mail_sent_at=None)
    send_due()
    first, second = server.box.to("owen@example.org")
    assert first["Message-ID"] == second["Message-ID"]
