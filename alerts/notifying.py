"""Turn records into notifications: the one handler of every event that has a rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Principal
from alerts.kinds import Choice
from alerts.models import Notification
from alerts.registry import Receiver, Rule, Told, rules_of
from alerts.wishes import choices_of, mail_due
from audit.models import Record
from common.waking import wake_after_commit

_Key = tuple[int, str, str, int]
"""Who is told, of which kind, and what it is about."""


class _Found(NamedTuple):
    """Whom a rule means of a record, by each of its functions."""

    rule: Rule
    receivers: Sequence[Sequence[Receiver]]


def notify(records: Sequence[Record]) -> None:
    """Write the notifications of these records. Twice is as once: a person has one of a record at most.

    The number of statements depends on which rules there are of their events, not on how many records.
    """
    found = _found(records)
    people = _people(
        one.principal_id for of in found.values() for each in of for group in each.receivers for one in group
    )
    chosen = choices_of(people, {each.rule.kind for of in found.values() for each in of})
    unread = _unread(each for of in found.values() for each in of if each.rule.once)
    rows: list[Notification] = []
    now = timezone.now()
    for record in records:
        told: dict[int, Notification] = {}
        for receiver, rule in [wish for each in found[record.pk] for wish in _wishes(each, record, unread)]:
            person = people.get(receiver.principal_id)
            if person is None or person.pk in told:
                continue
            choice = chosen[person.pk, rule.kind]
            if choice == Choice.OFF:
                continue
            told[person.pk] = Notification(
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
        rows += told.values()
        unread |= {(row.receiver_id, row.kind, row.about_kind, row.about_id) for row in told.values()}
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    if any(row.mail_due_at == now for row in rows):
        wake_after_commit("alerts.tasks.send_mail")


def _found(records: Sequence[Record]) -> Mapping[int, Sequence[_Found]]:
    """Whom the rules mean, by the record, in the order of the rules."""
    alike: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        alike[record.event].append(record)
    found: dict[int, list[_Found]] = {record.pk: [] for record in records}
    for event, of_event in alike.items():
        values = {record.pk: record.values for record in of_event}
        for rule in rules_of(event):
            every = [Told(one, values[one.pk], int(values[one.pk].get(rule.id) or 0)) for one in of_event]
            told = [one for one in every if rule.when is None or rule.when(one)]
            if not told:
                continue
            by_function = [[list(receivers) for receivers in find(told)] for find in rule.to]
            for one, *receivers in zip(told, *by_function, strict=True):
                found[one.record.pk].append(_Found(rule, receivers))
    return found


def _wishes(found: _Found, record: Record, unread: set[_Key]) -> Iterator[tuple[Receiver, Rule]]:
    rule = found.rule
    passed_over = set() if rule.tell_actor else {record.actor_id}
    for group in found.receivers:
        for one in group:
            if one.principal_id in passed_over:
                continue
            if rule.once and (one.principal_id, rule.kind, rule.about.name, one.about_id) in unread:
                passed_over.add(one.principal_id)
                continue
            yield one, rule


def _unread(found: Iterable[_Found]) -> set[_Key]:
    """What of this the receivers were told already and have not yet read, of the same kind and about the same; a statement."""
    wanted = {
        (one.principal_id, each.rule.kind.value, each.rule.about.name, one.about_id)
        for each in found
        for group in each.receivers
        for one in group
    }
    if not wanted:
        return set()
    receivers, kinds, abouts, ids = (set(column) for column in zip(*wanted, strict=True))
    rows = Notification.objects.unread().filter(
        receiver__in=receivers, kind__in=kinds, about_kind__in=abouts, about_id__in=ids
    )
    return set(rows.values_list("receiver_id", "kind", "about_kind", "about_id"))


def _people(ids: Iterable[int]) -> Mapping[int, Principal]:
    """Those of the principals who are people and can still sign in."""
    found = Principal.objects.select_related("user").filter(pk__in=set(ids), kind=Principal.Kind.PERSON)
    return {person.pk: person for person in found if person.is_active}
