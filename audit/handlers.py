"""Who reacts to what. A handler is a function of the record, run by a worker in a transaction of its own.

One that is registered with `together` is a function of many records, in the order in which they were made; where it fails, of
each of them alone. Database effects commit together with the mark that the handler ran, so their effect is exactly once; an
effect outside the database must be idempotent, since a worker can die between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from audit.events import Event
    from audit.models import Record

Function = TypeVar("Function", bound=Callable[..., None])


class Handler(NamedTuple):
    """`run` takes records: any number of them where they are taken `together`, else one."""

    run: Callable[[Sequence[Record]], None]
    together: bool


_BY_EVENT: dict[str, list[str]] = {}
_BY_NAME: dict[str, Handler] = {}


def handles(*events: type[Event], together: bool = False) -> Callable[[Function], Function]:
    """Have the function called once with each record of these events; `together`, with many of them at once."""

    def register(function: Function) -> Function:
        name = f"{function.__module__}.{function.__qualname__}"
        _BY_NAME[name] = Handler(function if together else _each(function), together)
        for event in events:
            names = _BY_EVENT.setdefault(event.name, [])
            if name not in names:
                names.append(name)
        return function

    return register


def _each(function: Callable[..., Any]) -> Callable[[Sequence[Record]], None]:
    def run(records: Sequence[Record]) -> None:
        for record in records:
            function(record)

    return run


def handlers_of(event_name: str) -> tuple[str, ...]:
    """The names of the handlers of an event, in the order of registration."""
    return tuple(_BY_EVENT.get(event_name, ()))


def handler_named(name: str) -> Handler | None:
    return _BY_NAME.get(name)
