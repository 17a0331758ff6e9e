"""Rules: which recorded event tells whom what. A rule is one entry in the `alerts.rules` of the event's room.

    alert_on(
        RequestDenied,
        kind=Kind.MY_REQUEST,
        about=REQUEST, id="request_id",
        to=people("requester_id"),
        sentence="Your request for {columns} of {dataset} was refused.",
    )

The sentence may name every value of the event, {actor}, and {about}: what the notification is about, as its receiver
may see it. Never name a purpose or a reason: a notification goes by e-mail too. Rooms above this one keep their entries
in a module `alert_rules` of their own, which is found by itself. Rules of one event are asked in their order, and a
person hears of a record once, by the first rule that means them and whose kind they have not turned off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from alerts.kinds import Kind

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import Principal
    from audit.events import Event
    from audit.models import Record


@dataclass(frozen=True, slots=True)
class About:
    """What notifications are about: which rows of it a principal may be told of, and where their page is.

    Asked when a notification is shown, opened or mailed, so that nobody hears of what they may no longer see. `own` are those
    of these rows that are a principal's whatever else they may see, which is asked first where most are: it takes less.
    """

    name: str
    visible_to: Callable[[Principal], QuerySet[Any]]
    href: Callable[[Any], str]
    own: Callable[[Principal], QuerySet[Any]] | None = None

    def rows(self, principal: Principal, ids: Collection[int]) -> Mapping[int, Any]:
        """Those of these that the principal may be told of, by id; two statements at most, and those of its scope."""
        mine = self.own(principal).in_bulk(ids) if self.own is not None else {}
        others = [pk for pk in ids if pk not in mine]
        return {**mine, **{one.pk: one for one in self.visible_to(principal).filter(pk__in=others)}} if others else mine


class Receiver(NamedTuple):
    """Who is told, of which row; `others` counts further ones that one notification stands for."""

    principal_id: int
    about_id: int
    others: int = 0


class Told(NamedTuple):
    """A record as a rule's functions read it. Personal values are digests here."""

    record: Record
    values: Mapping[str, Any]
    about_id: int

    def each(self, principal_ids: Iterable[int | None]) -> list[Receiver]:
        """These principals, told of what the event is about."""
        return [Receiver(pk, self.about_id) for pk in sorted({pk for pk in principal_ids if pk is not None})]


Receivers = Callable[[Sequence[Told]], Iterable[Iterable[Receiver]]]
"""Finds those of each of several records, in their order; the number of statements does not depend on how many there are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is stored with every notification: it is the event's, with a variant where an event has several rules."""

    name: str
    kind: Kind
    about: About
    id: str
    to: tuple[Receivers, ...]
    sentence: str
    others: str
    when: Callable[[Told], bool] | None
    tell_actor: bool
    once: bool


_BY_EVENT: dict[str, list[Rule]] = defaultdict(list)
_BY_NAME: dict[str, Rule] = {}
_EVENTS: dict[str, type[Event]] = {}
_ABOUT: dict[str, About] = {}


def alert_on(
    event: type[Event],
    *,
    kind: Kind,
    about: About,
    id: str,
    to: Receivers | tuple[Receivers, ...],
    sentence: str,
    others: str = "",
    when: Callable[[Told], bool] | None = None,
    tell_actor: bool = False,
    once: bool = False,
    variant: str = "",
) -> None:
    """Tell people of records of this event.

    `id` names the value that holds the id of what it is about; "" where the receivers name it. `others` is the sentence
    for a notification that stands for several rows, and may name {others}. Whoever did it is not told of it, unless
    `tell_actor`. With `once`, nobody is told again of what they have an unread notification of, of this kind.
    """
    name = f"{event.name}:{variant}" if variant else event.name
    if name in _BY_NAME:
        raise ValueError(f"Two rules are called {name}; give one of them a variant.")
    if _ABOUT.setdefault(about.name, about) is not about:
        raise ValueError(f"Two things that notifications are about are called {about.name}.")
    receivers = to if isinstance(to, tuple) else (to,)
    rule = Rule(name, kind, about, id, receivers, sentence, others, when, tell_actor, once)
    _BY_NAME[name] = rule
    _BY_EVENT[event.name].append(rule)
    _EVENTS[event.name] = event


def ruled_events() -> tuple[type[Event], ...]:
    """Every event that has a rule."""
    return tuple(_EVENTS.values())


def rules_of(event_name: str) -> tuple[Rule, ...]:
    return tuple(_BY_EVENT.get(event_name, ()))


def rule_named(name: str) -> Rule | None:
    """The rule of this name, or None for one that this version no longer knows."""
    return _BY_NAME.get(name)


def about_named(name: str) -> About | None:
    return _ABOUT.get(name)
