"""What can happen. An event is a frozen dataclass in the `events.py` of the app whose action it tells of.

    @event("catalog.owner_assigned", "made {owner} an owner of {dataset}")
    @dataclass(frozen=True, slots=True, kw_only=True)
    class OwnerAssigned(Event):
        dataset_id: int
        dataset: str
        owner: str
        before: Mapping[str, object] | None = None
        after: Mapping[str, object] | None = None

        def subjects(self) -> Iterable[Subject]:
            return [Subject("dataset", self.dataset_id)]

The sentence continues "<actor> …" and may name any of the fields. `before` and `after`, where an event has them, are what
the activity page shows side by side; with `of_columns` they are keyed by names of columns, else by what they tell, in
words. `personal` names the fields that hold personal data: they are kept apart from the
immutable row, which holds only their salted digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple, TypeVar


class Subject(NamedTuple):
    """What an event is about: ("dataset", 17). The kind is the model's name in lower case."""

    kind: str
    id: int


class Event:
    """The base of all events; subclasses are frozen dataclasses with values that JSON can hold."""

    __slots__ = ()

    name: ClassVar[str]
    sentence: ClassVar[str]
    personal: ClassVar[frozenset[str]] = frozenset()
    of_columns: ClassVar[bool] = False

    def subjects(self) -> Iterable[Subject]:
        """What this event is about; its activity pages show it."""
        return ()


E = TypeVar("E", bound=type[Event])

_REGISTRY: dict[str, type[Event]] = {}


def event(name: str, sentence: str, *, personal: Iterable[str] = (), of_columns: bool = False) -> Callable[[E], E]:
    """Register an event class under a name that is never reused: records are read by it for ever."""

    def register(cls: E) -> E:
        known = _REGISTRY.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(f"Two events are called {name}: {known.__qualname__} and {cls.__qualname__}.")
        cls.name = name
        cls.sentence = sentence
        cls.personal = frozenset(personal)
        cls.of_columns = of_columns
        _REGISTRY[name] = cls
        return cls

    return register


def event_named(name: str) -> type[Event] | None:
    """The class of an event's name, or None for one that this version no longer knows."""
    return _REGISTRY.get(name)


def event_names() -> tuple[str, ...]:
    return tuple(sorted(_REGISTRY))
