"""Turn a record into notifications: the one handler of every event that has a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Principal
from alerts.kinds import Choice
from alerts.models import Notification
from alerts.registry import Receiver, Rule, Told, rules_of
from alerts.wishes import choices_of, mail_due
from audit.models import Record
from common.waking import wake_after_commit


class _Wish(NamedTuple):
    receiver: Receiver
    rule: Rule


def notify(record: Record) -> None:
    """Write the notifications of a record. Twice is as once: a person has one of a record at most."""
    wishes = [wish for rule in rules_of(record.event) for wish in _wishes(rule, record)]
    people = _people(wish.receiver.principal_id for wish in wishes)
    chosen = choices_of(people, {wish.rule.kind for wish in wishes})
    rows: dict[int, Notification] = {}
    now = timezone.now()
    for receiver, rule in wishes:
        person = people.get(receiver.principal_id)
        if person is None or person.pk in rows:
            continue
        choice = chosen[person.pk, rule.kind]
        if choice == Choice.OFF:
            continue
        rows[person.pk] = Notification(
            receiver=person,
            record=record,
            kind=rule.kind,
            rule=rule.name,
            about_kind=rule.about.name,
            about_id=receiver.about_id,
            others=receiver.others,
            created_at=now,
            mail_due_at=mail_due(choice, person, now),
        )
    Notification.objects.bulk_create(rows.values(), ignore_conflicts=True)
    if any(row.mail_due_at == now for row in rows.values()):
        wake_after_commit("alerts.tasks.send_mail")


def _wishes(rule: Rule, record: Record) -> Iterable[_Wish]:
    values = record.values
    told = Told(record, values, int(values.get(rule.id) or 0))
    if rule.when is not None and not rule.when(told):
        return
    passed_over = set() if rule.tell_actor else {record.actor_id}
    for find in rule.to:
        receivers = [receiver for receiver in find(told) if receiver.principal_id not in passed_over]
        known = _told_already(rule, receivers) if rule.once else set()
        passed_over |= known
        yield from (_Wish(one, rule) for one in receivers if one.principal_id not in known)


def _told_already(rule: Rule, receivers: Sequence[Receiver]) -> set[int]:
    """Those of the receivers who have not yet read that they were told of this kind about the same."""
    unread = Notification.objects.unread().filter(
        kind=rule.kind, about_kind=rule.about.name, receiver__in=[one.principal_id for one in receivers]
    )
    known = set(unread.values_list("receiver_id", "about_id"))
    return {one.principal_id for one in receivers if (one.principal_id, one.about_id) in known}


def _people(ids: Iterable[int]) -> Mapping[int, Principal]:
    """Those of the principals who are people and can still sign in."""
    found = Principal.objects.select_related("user").filter(pk__in=set(ids), kind=Principal.Kind.PERSON)
    return {person.pk: person for person in found if person.is_active}
