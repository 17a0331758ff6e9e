"""All that is wrong with an event that was refused: reading stops at the first fault, and whoever mends it wants to know all.

Pure. Nothing here is on the way of an event that is accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from lineage import openlineage
from lineage.openlineage import InvalidEvent

MOST = 20
"""So many are told of, and so many datasets on each side looked at."""

Check = Callable[[], object]


def faults_of(value: object, first: InvalidEvent) -> list[InvalidEvent]:
    """What is wrong with the members of an event, each judged by itself; `first` is what reading stopped at."""
    found = {first.field: first}
    for check in _checks(value):
        try:
            check()
        except InvalidEvent as fault:
            found.setdefault(fault.field, fault)
        except RecursionError:
            continue
        if len(found) >= MOST:
            break
    return list(found.values())


def _checks(value: object) -> Iterator[Check]:
    if not isinstance(value, dict):
        return
    yield from _members(value, openlineage.Envelope, "")
    if isinstance(value.get("eventTime"), str):
        yield partial(openlineage.event_time, value["eventTime"])
    if "run" in value:
        yield from _members(value, openlineage.RunBody, "")
        yield from _members(value["run"], openlineage.Run, "run")
        if isinstance(value.get("eventType"), str):
            yield partial(openlineage.event_type, value["eventType"])
    elif "dataset" in value:
        yield from _named(value["dataset"], openlineage.Dataset, "dataset")
        return
    if "job" in value:
        yield from _named(value["job"], openlineage.Job, "job")
    elif "run" not in value:
        yield _of_no_kind
    for side in ("inputs", "outputs"):
        listed = value.get(side)
        for index, one in enumerate(listed[:MOST] if isinstance(listed, list) else ()):
            yield from _named(one, openlineage.Dataset, f"{side}[{index}]")


def _of_no_kind() -> None:
    raise InvalidEvent("", openlineage.NO_KIND)


def _named(value: object, shape: type[Any], path: str) -> Iterator[Check]:
    """The members of a job or dataset, and whether its two names can be names."""
    yield from _members(value, shape, path)
    for name in ("namespace", "name"):
        text = value.get(name) if isinstance(value, dict) else None
        if isinstance(text, str):
            yield partial(openlineage.checked_name, f"{path}.{name}", text)


def _members(value: object, shape: type[Any], path: str) -> Iterator[Check]:
    for one in _APART[shape] if isinstance(value, dict) else (shape,):
        yield partial(openlineage.converted, value, one, path)


def _apart(shape: type[Any]) -> tuple[type[Any], ...]:
    """A shape for each member of a shape, which asks for nothing else."""
    apart = []
    for one in msgspec.structs.fields(shape):
        member: Any = (one.name, one.type) if one.required else (one.name, one.type, one.default)
        apart.append(msgspec.defstruct(f"{shape.__name__}_{one.name}", [member], rename={one.name: one.encode_name}))
    return tuple(apart)


_APART = {
    shape: _apart(shape)
    for shape in (openlineage.Envelope, openlineage.RunBody, openlineage.Run, openlineage.Job, openlineage.Dataset)
}
