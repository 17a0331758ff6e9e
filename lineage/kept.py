"""Events as the log keeps them, read for the fold. Pure.

They were checked when they came, and what is kept is canonical: the text of a facet in a kept event is that facet's
canonical form. So it is hashed as it stands, and decoded only where something is read from it. Events of a batch repeat
each other's datasets, jobs and facets: each text is looked at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from catalog.naming import DatasetKey
from lineage import told
from lineage.openlineage import EventType, canonical, decode, event_time, event_type, hex_digest_of, plain_namespace
from lineage.told import JobKey, LineageEntry

Digest = str
"""128 bits in hexadecimal, in the order in which PostgreSQL sorts UUIDs. A `UUID` as a key takes ten times as long."""

INPUT, OUTPUT = 1, 2

_READ_FROM = frozenset(
    {
        "symlinks", "lifecycleStateChange", "columnLineage", "lineage", "version", "jobDependencies", "sql", "sourceCode",
        "sourceCodeLocation", told.DELETION,
    }
)  # fmt: skip
"""The facets that `lineage.told` looks into."""

_ABSENT, _EMPTY = msgspec.Raw(b"null"), msgspec.Raw(b"{}")


class Facets:
    """One object of facets: their contents by name, None where one is deleted, and what they say."""

    def __init__(self, contents: dict[str, Digest | None], values: dict[str, Any], schema: Digest | None) -> None:
        self.contents = contents
        self.values = values
        self.schema = schema
        """The content of a schema facet that stands."""

    @cached_property
    def former(self) -> DatasetKey | None:
        return told.former_name(self.values)

    @cached_property
    def life_change(self) -> int | None:
        return told.life_change(self.values)

    @cached_property
    def named(self) -> frozenset[DatasetKey]:
        """Every dataset that they name."""
        if not self.values:
            return frozenset()
        found = {
            *told.other_names(self.values),
            *told.sources_in(told.column_facts(told.columns_of(self.values) or {})),
        }
        return frozenset(found | {self.former} if self.former else found)


NO_FACETS = Facets({}, {}, None)


class Use(NamedTuple):
    """A dataset that an event names: what is said of it, and of this reading or writing of it.

    `inputs` are those told one by one; None where all of the event's inputs count. `columns` is the content that tells its
    column lineage; None where it is told that there is none, if `tells_columns`.
    """

    direction: int
    key: DatasetKey
    facets: Facets = NO_FACETS
    used: Facets = NO_FACETS
    inputs: tuple[DatasetKey, ...] | None = None
    columns: Digest | None = None
    tells_columns: bool = False


class KeptJob(NamedTuple):
    """The job of an event; `code` is the content of `told.code_of`, where the event is of a run."""

    key: JobKey
    facets: Facets
    code: Digest | None


class KeptRun(NamedTuple):
    id: Digest
    facets: Facets
    event_type: EventType


class KeptEvent(NamedTuple):
    """An event of the log, with the digest that breaks ties between events of the same time.

    Without a run it is a JobEvent, without a job a DatasetEvent. `waits` are pairs of jobs, as `told.waits_for` gives them.
    """

    at: dt.datetime
    digest: Digest
    uses: tuple[Use, ...]
    job: KeptJob | None = None
    run: KeptRun | None = None
    waits: Collection[tuple[JobKey, JobKey]] = ()


class _Dataset(msgspec.Struct, rename="camel"):
    namespace: str
    name: str
    facets: msgspec.Raw = _EMPTY
    input_facets: msgspec.Raw = _EMPTY
    output_facets: msgspec.Raw = _EMPTY

    @property
    def key(self) -> DatasetKey:
        return DatasetKey(plain_namespace(self.namespace), self.name)


class _Job(msgspec.Struct):
    namespace: str
    name: str
    facets: msgspec.Raw = _EMPTY


class _Run(msgspec.Struct, rename="camel"):
    run_id: UUID
    facets: msgspec.Raw = _EMPTY


class _Body(msgspec.Struct, rename="camel"):
    """What an event of any kind may have. A kind's members have their shapes; the same names in another may be anything."""

    event_time: str
    event_type: msgspec.Raw = _ABSENT
    run: msgspec.Raw = _ABSENT
    job: msgspec.Raw = _ABSENT
    dataset: msgspec.Raw = _ABSENT
    inputs: msgspec.Raw = _ABSENT
    outputs: msgspec.Raw = _ABSENT


_decode_body = msgspec.json.Decoder(_Body).decode
_decode_text = msgspec.json.Decoder(str | None).decode
_decode_run = msgspec.json.Decoder(_Run).decode
_decode_job = msgspec.json.Decoder(_Job).decode
_decode_datasets = msgspec.json.Decoder(list[_Dataset] | None).decode
_decode_facets = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode


class Reader:
    """Reads the events of a batch; `contents` are the canonical texts of all that their facets say."""

    def __init__(self) -> None:
        self.contents: dict[Digest, bytes] = {}
        self._facets: dict[bytes, Facets] = {}
        self._jobs: dict[tuple[bool, bytes], KeptJob] = {}
        self._uses: dict[tuple[int, bool, bytes], tuple[Use, ...]] = {}

    def read(self, body: bytes, digest: Digest) -> KeptEvent:
        """The event of a kept body. Raises `ValueError` where the body is none that was kept."""
        event = _decode_body(body)
        at = event_time(event.event_time)
        is_run = event.run is not _ABSENT
        if not is_run and event.dataset is not _ABSENT:
            return KeptEvent(at, digest, self._uses_in(0, False, b"[%b]" % bytes(event.dataset)))
        job = self._job(is_run, bytes(event.job))
        inputs = self._uses_in(INPUT, is_run, bytes(event.inputs))
        outputs = self._uses_in(OUTPUT, is_run, bytes(event.outputs))
        run = self._run(event) if is_run else None
        waits = told.waits_for(job.key, job.facets.values, run.facets.values if run else None)
        if "lineage" in job.facets.values or any(use.inputs is not None for use in outputs):
            uses = tuple(self._told_uses(told.job_lineage(job.facets.values), inputs, outputs))
        else:
            uses = inputs + outputs
        return KeptEvent(at, digest, uses, job, run, waits)

    def _run(self, event: _Body) -> KeptRun:
        run = _decode_run(event.run)
        return KeptRun(run.run_id.hex, self._facets_in(run.facets), event_type(_decode_text(event.event_type)))

    def _job(self, is_run: bool, text: bytes) -> KeptJob:
        known = self._jobs.get((is_run, text))
        if known is None:
            job = _decode_job(text)
            facets = self._facets_in(job.facets)
            code = told.code_of(facets.values) if is_run and facets.values else None
            key = JobKey(plain_namespace(job.namespace), job.name)
            known = self._jobs[is_run, text] = KeptJob(key, facets, self._keep(canonical(code)) if code else None)
        return known

    def _uses_in(self, direction: int, is_run: bool, text: bytes) -> tuple[Use, ...]:
        """What a list of datasets says. Only a run uses them: what a JobEvent says of its uses is kept nowhere."""
        known = self._uses.get((direction, is_run, text))
        if known is None:
            found = _decode_datasets(text) or ()
            known = self._uses[direction, is_run, text] = tuple(self._use(direction, is_run, one) for one in found)
        return known

    def _use(self, direction: int, is_run: bool, dataset: _Dataset) -> Use:
        facets = self._facets_in(dataset.facets)
        used = dataset.input_facets if direction == INPUT else dataset.output_facets
        use = Use(direction, dataset.key, facets, self._facets_in(used) if is_run else NO_FACETS)
        if direction != OUTPUT or not facets.values:
            return use
        return self._with_lineage(use, told.dataset_lineage(use.key, facets.values))

    def _with_lineage(self, use: Use, entry: LineageEntry | None) -> Use:
        """The use of an output, with what its facets and this entry of a `lineage` facet tell of it."""
        columns = told.columns_of(use.facets.values) or (entry.content if entry and _has_columns(entry) else None)
        return use._replace(
            inputs=tuple(entry.inputs) if entry else None,
            columns=self._keep(canonical(columns)) if columns is not None else None,
            tells_columns=columns is not None or "columnLineage" in use.facets.values,
        )

    def _told_uses(
        self, entries: list[LineageEntry], inputs: tuple[Use, ...], outputs: tuple[Use, ...]
    ) -> Iterator[Use]:
        """An event's datasets where some of their inputs are told one by one: with those that only a `lineage` facet names."""
        by_job = {entry.target: entry for entry in entries}
        read = {use.key for use in inputs}
        yield from inputs
        for use in outputs:
            entry = by_job.pop(use.key, None)
            one = self._with_lineage(use, entry) if entry else use
            yield one
            yield from _only_told(one, read)
        for key, entry in sorted(by_job.items()):
            one = self._with_lineage(Use(OUTPUT, key), entry)
            yield one
            yield from _only_told(one, read)

    def _facets_in(self, raw: msgspec.Raw) -> Facets:
        text = bytes(raw)
        if text == b"{}":
            return NO_FACETS
        known = self._facets.get(text)
        if known is None:
            known = self._facets[text] = self._read_facets(text)
        return known

    def _read_facets(self, text: bytes) -> Facets:
        contents: dict[str, Digest | None] = {}
        values = {}
        schema = None
        for name, raw in (_decode_facets(text) or {}).items():
            facet = bytes(raw)
            contents[name] = None if _is_deleted(facet) else self._keep(facet)
            if name in _READ_FROM:
                values[name] = decode(facet)
            elif name == "schema" and facet.startswith(b"{"):
                schema = contents[name]
        return Facets(contents, values, schema) if contents else NO_FACETS

    def _keep(self, text: bytes) -> Digest:
        digest = hex_digest_of(text)
        self.contents[digest] = text
        return digest


def _is_deleted(facet: bytes) -> bool:
    if b'"_deleted":true' not in facet:
        return False
    value = decode(facet)
    return isinstance(value, dict) and value.get("_deleted") is True


def _has_columns(entry: LineageEntry) -> bool:
    return next(told.column_facts(entry.content), None) is not None


def _only_told(use: Use, read: set[DatasetKey]) -> Iterator[Use]:
    for key in use.inputs or ():
        if key not in read:
            read.add(key)
            yield Use(INPUT, key)
