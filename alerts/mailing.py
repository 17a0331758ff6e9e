"""Mail what is due: one message a person for all of it, tried again until the mail server takes it.

What stands in a message is made when it is sent, from what its receiver may see then. Its links lead to the catalog, which
asks for sign-in; neither purposes nor reasons are in it.
"""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from smtplib import SMTPException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Min
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Principal
from alerts.kinds import Choice, Kind
from alerts.models import Notification
from alerts.notifying import notify
from alerts.reading import Line, lines_of
from alerts.wishes import choices_of
from audit.models import Delivery

logger = logging.getLogger(__name__)

GIVEN_UP_AFTER = dt.timedelta(days=3)
"""So long a message is tried again; the notification stays in the catalog."""
MOST_LINES = 100
MOST_OF_A_KIND = 20
FEW = 5
"""So many of a kind are shown where there are more than `MOST_OF_A_KIND`."""
GATHERED_FOR = dt.timedelta(seconds=30)
"""So long at most mail waits for records that are still being told of: who is told of many at once gets one message."""
_LONGEST_SUBJECT = 150
_LONGEST_PAUSE = 3600
_MOST_IN_A_SWEEP = 500
_AT_ONCE = 50


def send_due(*, gathers: bool = True) -> int:
    """Send what is due, a message a person; returns how many messages the mail server took.

    Any number of workers may send at once. Where the server does not answer, everything stays due for the next sweep. A
    message that it refuses, or that cannot be made, is tried again after 2, 4, 8 … seconds, at most an hour, for three days,
    and the others go on. So does the next sweep with the others where the connection is lost over a message. A worker that
    dies between the server's word and the commit sends the same message, with the same Message-ID, once more.

    While many records are being told of, mail waits a little, unless it is not to be gathered (`gathers`).
    """
    if not settings.EMAIL_URL:
        return 0
    if gathers and _is_gathering():
        return 0
    mailer = get_connection()
    sent = 0
    try:
        for person, choices in _due_people():
            outcome = _send_to(person, choices, mailer)
            if outcome is _Outcome.LOST:
                break
            sent += outcome is _Outcome.SENT
    except OSError as error:
        logger.warning("The mail server does not answer; mail waits for the next sweep: %s", error)
    finally:
        _close(mailer)
    return sent


def _is_gathering() -> bool:
    """Whether records are being told of just now, and no mail has waited for long."""
    now = timezone.now()
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now)
    if not waiting.filter(handler=f"{notify.__module__}.{notify.__qualname__}").exists():
        return False
    return not Notification.objects.filter(mail_due_at__lte=now - GATHERED_FOR).exists()


def _due_people() -> Iterator[tuple[Principal, Mapping[tuple[int, Kind], Choice]]]:
    """Whoever has mail due, who has waited longest first, with how they want to hear; two statements for `_AT_ONCE` people,
    and one more."""
    due = Notification.objects.filter(mail_due_at__lte=timezone.now()).order_by()
    waiting = due.values("receiver").annotate(since=Min("mail_due_at"), first=Min("pk")).order_by("since", "first")
    ids = list(waiting.values_list("receiver", flat=True)[:_MOST_IN_A_SWEEP])
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        people, choices = Principal.objects.select_related("user").in_bulk(some), choices_of(some, Kind)
        for pk in some:
            yield people[pk], choices


def _close(mailer: BaseEmailBackend) -> None:
    try:
        mailer.close()
    except OSError:
        logger.debug("The connection to the mail server was gone.")


class _Outcome(enum.Enum):
    NOTHING_DUE = enum.auto()
    """Another worker sends it."""
    SENT = enum.auto()
    NOT_SENT = enum.auto()
    LOST = enum.auto()
    """The connection ended while the message was sent."""


@transaction.atomic
def _send_to(person: Principal, choices: Mapping[tuple[int, Kind], Choice], mailer: BaseEmailBackend) -> _Outcome:
    """Send somebody all that is due. Raises `OSError` where the server cannot be reached or lets nobody in."""
    now = timezone.now()
    rows = list(
        Notification.objects.filter(receiver=person, mail_due_at__lte=now)
        .select_related("record__actor")
        .order_by("-pk")
        .select_for_update(skip_locked=True, of=("self",))
    )
    if not rows:
        return _Outcome.NOTHING_DUE
    address = person.user.email if person.user and person.is_active else ""
    try:
        # A statement that fails is undone by itself: the refusal can still be noted.
        with transaction.atomic():
            lines = _still_wanted(person, rows, choices) if address else []
            message = _message(person, address, lines) if lines else None
    except (InterfaceError, OperationalError):
        raise
    except Exception as error:
        _note_refusal(rows, error)
        return _Outcome.NOT_SENT
    if message is not None:
        mailer.open()
        try:
            mailer.send_messages([message])
        except Exception as error:
            lost = _is_of_the_connection(error)
            _note_refusal(rows, error, give_up=not lost)
            # Whatever was half said, the next message begins anew.
            _close(mailer)
            return _Outcome.LOST if lost else _Outcome.NOT_SENT
    told = {line.notification.pk for line in lines}
    _finish([row.pk for row in rows if row.pk in told], mail_sent_at=now)
    _finish([row.pk for row in rows if row.pk not in told])
    return _Outcome.SENT if lines else _Outcome.NOT_SENT


def _finish(ids: Sequence[int], **values: object) -> None:
    if ids:
        Notification.objects.filter(pk__in=ids).update(mail_due_at=None, mail_error="", **values)


def _still_wanted(
    person: Principal, rows: Sequence[Notification], choices: Mapping[tuple[int, Kind], Choice]
) -> Sequence[Line]:
    """The sentences of what the person has not read meanwhile, still wants by mail, and may still see."""
    mailed = {kind for kind in Kind if choices[person.pk, kind] in (Choice.MAIL, Choice.DIGEST)}
    return lines_of(person, [row for row in rows if row.read_at is None and row.kind in mailed])


def _is_of_the_connection(error: Exception) -> bool:
    """Whether the server went away, while it was sent a message; otherwise it is this message that it does not take."""
    return isinstance(error, SMTPServerDisconnected) or (
        isinstance(error, OSError) and not isinstance(error, SMTPException)
    )


def _note_refusal(rows: Sequence[Notification], error: Exception, *, give_up: bool = True) -> None:
    # Not from when it was begun: a server may take long to refuse.
    now = timezone.now()
    attempts = max(row.mail_attempts for row in rows) + 1
    pause = dt.timedelta(seconds=min(2 ** min(attempts, 12), _LONGEST_PAUSE))
    oldest = min(row.created_at for row in rows)
    again = None if give_up and now - oldest > GIVEN_UP_AFTER else now + pause
    logger.warning("A message to principal %s was not sent: %s", rows[0].receiver_id, type(error).__name__)
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(
        mail_due_at=again, mail_attempts=F("mail_attempts") + 1, mail_error=f"{type(error).__name__}: {error}"[:2000]
    )


def _message(person: Principal, address: str, lines: Sequence[Line]) -> EmailMessage:
    shown = _shown(lines)
    subject = shown[0].sentence if len(lines) == 1 else f"{len(lines)} notifications from the catalog"
    context = {
        "person": person,
        "lines": [(line, settings.SITE_URL + reverse("alerts:open", args=[line.notification.pk])) for line in shown],
        "more": len(lines) - len(shown),
        "all_url": settings.SITE_URL + reverse("alerts:list"),
        "preferences_url": settings.SITE_URL + reverse("alerts:preferences"),
    }
    body = render_to_string("alerts/mail.txt", context)
    headers = {"Message-ID": _message_id(lines), "Auto-Submitted": "auto-generated"}
    return EmailMessage(_one_line(subject), body, to=[address], headers=headers)


def _shown(lines: Sequence[Line]) -> Sequence[Line]:
    """All of them, but of a kind of which there are very many only the first few."""
    many = {kind for kind, count in Counter(line.kind for line in lines).items() if count > MOST_OF_A_KIND}
    seen: Counter[str] = Counter()
    shown = []
    for line in lines:
        seen[line.kind] += 1
        if line.kind not in many or seen[line.kind] <= FEW:
            shown.append(line)
    return shown[:MOST_LINES]


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST_SUBJECT else f"{joined[: _LONGEST_SUBJECT - 1]}…"


def _message_id(lines: Sequence[Line]) -> str:
    """The same for the same notifications, so that a message that was sent twice is known for one."""
    told = ",".join(str(line.notification.pk) for line in lines)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ")
    return f"<{hashlib.sha256(told.encode()).hexdigest()[:32]}.{lines[0].notification.record_id}@{host}>"
