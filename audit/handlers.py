"""Who reacts to what. A handler is a function of the record, run by a worker in a transaction of its own.

Its database effects commit together with the mark that it ran, so their effect is exactly once; an effect outside the
database must be idempotent, since a worker can die between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.events import Event
    from audit.models import Record

Handler = Callable[["Record"], None]

_BY_EVENT: dict[str, list[str]] = {}
_BY_NAME: dict[str, Handler] = {}


def handles(*events: type[Event]) -> Callable[[Handler], Handler]:
    """Have the function called once with each record of these events."""

    def register(function: Handler) -> Handler:
        name = f"{function.__module__}.{function.__qualname__}"
        _BY_NAME[name] = function
        for event in events:
            names = _BY_EVENT.setdefault(event.name, [])
            if name not in names:
                names.append(name)
        return function

    return register


def handlers_of(event_name: str) -> tuple[str, ...]:
    """The names of the handlers of an event, in the order of registration."""
    return tuple(_BY_EVENT.get(event_name, ()))


def handler_named(name: str) -> Handler | None:
    return _BY_NAME.get(name)
