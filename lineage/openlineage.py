"""Read OpenLineage events: core spec 2-0-2 and earlier, lenient about what is unknown, exact about what is wrong.

Pure: no Django. Facts: https://openlineage.io/spec/2-0-2/OpenLineage.json. An event is decoded once to plain JSON, masked by
`lineage.masking`, and read here; its canonical form (sorted keys) is what is kept and hashed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

MAX_NAME_BYTES = 1024
"""Of a namespace or a name: two of them must fit into one entry of a B-tree."""
MAX_DEPTH = 200
"""Of the JSON: whatever shows or searches a facet later on calls itself once for each level."""
MAX_PAIRS = 100_000
"""Inputs times outputs of one event: each pair is an edge."""

NO_KIND = "An event has a run and a job, a dataset, or a job"
NUL_REFUSED = "holds a NUL character, which no name can have"

_USER_INFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/@?#]*@")
_ZONE_NAME = re.compile(r"\[[^\[\]]*\]$")
_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`$")


class Malformed(ValueError):
    """The body is no JSON object."""


class InvalidEvent(ValueError):
    """The body is JSON but no OpenLineage event; `field` is a dotted path, `reason` says what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class EventType(StrEnum):
    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    FAIL = "FAIL"
    OTHER = "OTHER"


Facets = dict[str, Any]


class Dataset(msgspec.Struct, frozen=True, rename="camel"):
    """A dataset as an event names it. `facets` describe the dataset, `input_facets` and `output_facets` this use of it."""

    namespace: str
    name: str
    facets: Facets | None = None
    input_facets: Facets | None = None
    output_facets: Facets | None = None


class Job(msgspec.Struct, frozen=True):
    namespace: str
    name: str
    facets: Facets | None = None


class Run(msgspec.Struct, frozen=True, rename="camel"):
    run_id: UUID
    facets: Facets | None = None


class RunEvent(msgspec.Struct, frozen=True, rename="camel", tag="run", tag_field="kind"):
    event_time: dt.datetime
    run: Run
    job: Job
    event_type: EventType = EventType.OTHER
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


class JobEvent(msgspec.Struct, frozen=True, rename="camel", tag="job", tag_field="kind"):
    event_time: dt.datetime
    job: Job
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


class DatasetEvent(msgspec.Struct, frozen=True, rename="camel", tag="dataset", tag_field="kind"):
    event_time: dt.datetime
    dataset: Dataset


Event = RunEvent | JobEvent | DatasetEvent


class Envelope(msgspec.Struct, rename="camel"):
    """What all events share, before it is known which kind this is."""

    event_time: str
    producer: str
    schema_u_r_l: str = msgspec.field(name="schemaURL")


class RunBody(msgspec.Struct, rename="camel"):
    run: Run
    job: Job
    event_type: str | None = None
    inputs: tuple[Dataset, ...] | None = None
    outputs: tuple[Dataset, ...] | None = None


class _JobBody(msgspec.Struct):
    job: Job
    inputs: tuple[Dataset, ...] | None = None
    outputs: tuple[Dataset, ...] | None = None


class _DatasetBody(msgspec.Struct):
    dataset: Dataset


_decoder = msgspec.json.Decoder()
_canonical = msgspec.json.Encoder(order="deterministic")


def decode(body: bytes) -> Any:
    """The JSON value of a body in UTF-8; raises `Malformed` with the place of the fault."""
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise _nested_too_deeply() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not JSON: {error}.") from None
    # Few bodies have so many brackets at all, and counting these takes next to no time.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise _nested_too_deeply()
    return value


def _nested_too_deeply() -> Malformed:
    return Malformed(f"The JSON is nested too deeply: at most {MAX_DEPTH} levels.")


def _is_deeper(value: Any, most: int) -> bool:
    """Whether objects and arrays are nested in more levels than `most`."""
    level = [value]
    for _ in range(most):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal for equal values."""
    return _canonical.encode(value)


def digest_of(canonical_json: bytes) -> UUID:
    """128 bits of BLAKE2b, as a UUID so that databases and JSON carry it in 16 bytes and compare it bytewise."""
    return UUID(hex=hex_digest_of(canonical_json))


def hex_digest_of(canonical_json: bytes) -> str:
    """The same in 32 hexadecimal digits."""
    return hashlib.blake2b(canonical_json, digest_size=16).hexdigest()


def read(value: Any) -> Event:
    """The event that a decoded JSON value is; raises `InvalidEvent` with the field and the reason.

    With `run` it is a run event, else with `dataset` a dataset event, else a job event. Times without a zone are UTC.
    """
    if not isinstance(value, dict):
        raise InvalidEvent("", "An event is a JSON object")
    envelope = converted(value, Envelope)
    at = event_time(envelope.event_time)
    if "run" in value:
        body = converted(value, RunBody)
        event: RunEvent | JobEvent = RunEvent(
            at, _checked_run(body.run), _checked_job(body.job), event_type(body.event_type),
            _checked_datasets("inputs", body.inputs), _checked_datasets("outputs", body.outputs),
        )  # fmt: skip
    elif "dataset" in value:
        return DatasetEvent(at, _checked_dataset("dataset", converted(value, _DatasetBody).dataset))
    elif "job" in value:
        declared = converted(value, _JobBody)
        event = JobEvent(
            at, _checked_job(declared.job),
            _checked_datasets("inputs", declared.inputs), _checked_datasets("outputs", declared.outputs),
        )  # fmt: skip
    else:
        raise InvalidEvent("", NO_KIND)
    if len(event.inputs) * len(event.outputs) > MAX_PAIRS:
        counts = f"{len(event.inputs)} inputs with {len(event.outputs)} outputs"
        raise InvalidEvent("outputs", f"one event joins {counts}: at most {MAX_PAIRS} pairs; split the job")
    return event


def converted(value: object, into: type[Any], path: str = "") -> Any:
    """What stands at `path` in an event, in a shape; raises `InvalidEvent` for another."""
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        raise _told(str(error), path) from None


def _told(message: str, within: str = "") -> InvalidEvent:
    """msgspec's "Object missing required field `runId` - at `$.run`" as ("run.runId", "is missing")."""
    at = _AT.search(message)
    path = f"{within}{at['path'] if at else ''}".lstrip(".")
    reason = message[: at.start()] if at else message
    missing = _MISSING.match(reason)
    if missing:
        return InvalidEvent(".".join(part for part in (path, missing["name"]) if part), "is missing")
    return InvalidEvent(path, reason.replace("`", ""))


def event_time(text: str) -> dt.datetime:
    try:
        at = msgspec.convert(_ZONE_NAME.sub("", text) if "[" in text else text, dt.datetime)
        return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
    except (msgspec.ValidationError, OverflowError, ValueError):
        raise InvalidEvent("eventTime", "is no RFC 3339 time such as 2026-11-23T19:52:00.001+10:00") from None


def event_type(text: str | None) -> EventType:
    try:
        return EventType((text or "OTHER").upper())
    except ValueError:
        raise InvalidEvent("eventType", f"is none of {', '.join(EventType)}") from None


def _checked_run(run: Run) -> Run:
    return Run(run.run_id, run.facets or {})


def _checked_job(job: Job) -> Job:
    return Job(_namespace("job.namespace", job.namespace), checked_name("job.name", job.name), job.facets or {})


def _checked_datasets(field: str, datasets: tuple[Dataset, ...] | None) -> tuple[Dataset, ...]:
    return tuple(_checked_dataset(f"{field}[{index}]", dataset) for index, dataset in enumerate(datasets or ()))


def _checked_dataset(field: str, dataset: Dataset) -> Dataset:
    return Dataset(
        _namespace(f"{field}.namespace", dataset.namespace),
        checked_name(f"{field}.name", dataset.name),
        dataset.facets or {},
        dataset.input_facets or {},
        dataset.output_facets or {},
    )


def _namespace(field: str, text: str) -> str:
    return plain_namespace(checked_name(field, text))


def plain_namespace(text: str) -> str:
    """A namespace without the user and password that some clients leave in it: `postgres://u:p@db:5432 -> postgres://db:5432`."""
    return _USER_INFO.sub(r"\1", text) if "@" in text else text


def checked_name(field: str, text: str) -> str:
    if not text:
        raise InvalidEvent(field, "is empty")
    if "\x00" in text:
        raise InvalidEvent(field, NUL_REFUSED)
    # No character takes more than four bytes.
    if len(text) * 4 > MAX_NAME_BYTES and len(text.encode()) > MAX_NAME_BYTES:
        raise InvalidEvent(field, f"is longer than {MAX_NAME_BYTES} bytes")
    return text


def mentioned_namespaces(event: Event) -> dict[str, str]:
    """Every namespace of a dataset or job that the event speaks of, facets included, with the field that does so first."""
    found: dict[str, str] = {}
    for field, namespace in _mentions(event):
        found.setdefault(plain_namespace(namespace), field)
    return found


def _mentions(event: Event) -> Iterator[tuple[str, str]]:
    if not isinstance(event, DatasetEvent):
        yield "job.namespace", event.job.namespace
    for field, dataset in _datasets(event):
        yield f"{field}.namespace", dataset.namespace
    for field, facets in _all_facets(event):
        for name in NAMING_FACETS & facets.keys():
            yield from _namespaces(f"{field}.{name}", facets[name])


def _datasets(event: Event) -> list[tuple[str, Dataset]]:
    if isinstance(event, DatasetEvent):
        return [("dataset", event.dataset)]
    found = [(f"inputs[{index}]", dataset) for index, dataset in enumerate(event.inputs)]
    return found + [(f"outputs[{index}]", dataset) for index, dataset in enumerate(event.outputs)]


def _all_facets(event: Event) -> Iterator[tuple[str, Facets]]:
    """Every object of facets that is not empty, with its field."""
    if isinstance(event, RunEvent) and event.run.facets:
        yield "run.facets", event.run.facets
    if not isinstance(event, DatasetEvent) and event.job.facets:
        yield "job.facets", event.job.facets
    for field, dataset in _datasets(event):
        if dataset.facets:
            yield f"{field}.facets", dataset.facets
        if dataset.input_facets:
            yield f"{field}.inputFacets", dataset.input_facets
        if dataset.output_facets:
            yield f"{field}.outputFacets", dataset.output_facets


NAMING_FACETS = frozenset(
    {
        "symlinks",
        "columnLineage",
        "lifecycleStateChange",
        "parent",
        "parentRun",
        "jobDependencies",
        "lineage",
        "hierarchy",
    }
)
"""The facets that name datasets or jobs. In others a namespace may be anything, a Kubernetes one for instance.
`parentRun` is what `parent` was called at first."""


def _namespaces(field: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every `namespace` member at any depth: symlinks, column lineage, a renamed dataset's former name, a parent job."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "namespace" and isinstance(inner, str):
                yield f"{field}.namespace", inner
            else:
                yield from _namespaces(f"{field}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _namespaces(f"{field}[{index}]", inner)


_NAMES = frozenset({"namespace", "name", "field"})


def check_names_in_facets(event: Event) -> None:
    """Raises `InvalidEvent` where a dataset, job or field that a facet names has a NUL in its name."""
    for field, facets in _all_facets(event):
        for name in (NAMING_FACETS | {"schema"}) & facets.keys():
            _check_names(f"{field}.{name}", facets[name])


def _check_names(field: str, value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if "\x00" in name or (name in _NAMES and isinstance(inner, str) and "\x00" in inner):
                raise InvalidEvent(f"{field}.{name}", NUL_REFUSED)
            _check_names(f"{field}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check_names(f"{field}[{index}]", inner)
