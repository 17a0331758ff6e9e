"""The part of a crawl that reads rows: sample → profile and classify in memory → keep counts, suggestions and masks.

Values live in this module's local variables, a table at a time. They are in no row of the catalog, no log line, no message
and no exception: what fails is told by its kind alone.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import Principal
from catalog.actions import Sampled, keep_profiles
from catalog.models import Dataset, Field
from catalog.profiling import ColumnProfile, profile_of
from catalog.queries.profiles import due_for_sampling
from catalog.snapshots import DatasetKind, FieldType
from classification.actions import suggest
from classification.detectors import Verdict
from classification.exposure import Exposure, exposures_of
from classification.judging import Judge
from classification.models import RuleSet
from classification.rules import applied_rule_set
from connections.errors import ConnectorError
from ingestion.connectors.sampling import Amount, Sample, Sampler, Table
from ingestion.connectors.sampling.cells import Cells, elements, inside
from ingestion.leases import Heart, log, report
from ingestion.models import Run, RunLogLine

if TYPE_CHECKING:
    from ingestion.connectors.protocol import Connector

logger = logging.getLogger(__name__)

_TABLES_TOGETHER = 50
_FIELDS_TOGETHER = 3_000
_VALUES_JUDGED = 200
_NAMED_FAILURES = 50
_OPAQUE = (FieldType.BINARY, FieldType.GEOMETRY)
_LOST = "the source was lost while it was read, after other losses"


@dataclass(slots=True)
class Outcome:
    """How many tables were sampled, could not be, and were not come to."""

    sampled: int = 0
    failed: int = 0
    left: int = 0

    def __str__(self) -> str:
        if not (self.sampled or self.failed or self.left):
            return ""
        told = f"{_tables(self.sampled)} sampled"
        told += f", {self.failed} could not be (see the log)" if self.failed else ""
        told += f", {self.left} left for the next crawl" if self.left else ""
        return told + "."


def _tables(count: int) -> str:
    return f"{count} table{'' if count == 1 else 's'}"


def sample_tables(run: Run, fence: int, heart: Heart, connector: Connector) -> Outcome:
    """Sample the tables of the run's source whose turn it is, and keep what that comes to, some tables at a time.

    A table that fails is named in the run's log. Raises `LeaseLost` when the run is taken away; what was kept stays.
    """
    source = run.source
    rule_set = applied_rule_set()
    due = due_for_sampling(source, rules=rule_set.version)
    sizes = list(due.values_list("pk", "field_count"))
    outcome = Outcome(left=len(sizes))
    report(run.pk, fence, tables_sampled=0, tables_to_sample=len(sizes))
    if not sizes:
        return outcome
    log(run.pk, f"Sampling {_tables(len(sizes))}.")
    try:
        with connector.sampler(Amount(source.sampling)) as sampler:
            for ids in _together(sizes):
                _Batch.of(ids, rule_set).work(run, fence, heart, sampler, outcome)
    except ConnectorError as error:
        log(run.pk, f"Sampling ended early: {error.message}", RunLogLine.Severity.WARNING)
    if outcome.failed > _NAMED_FAILURES:
        more = outcome.failed - _NAMED_FAILURES
        log(run.pk, f"{_tables(more)} more could not be sampled.", RunLogLine.Severity.WARNING)
    return outcome


def _together(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Ids of datasets in groups that are written together."""
    group: list[int] = []
    fields = 0
    for pk, count in sizes:
        if group and (len(group) == _TABLES_TOGETHER or fields + count > _FIELDS_TOGETHER):
            yield group
            group, fields = [], 0
        group.append(pk)
        fields += count
    yield group


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some datasets with all that is needed to sample and judge them."""

    datasets: Sequence[Dataset]
    fields: Mapping[int, Sequence[Field]]
    judge: Judge
    rule_set: RuleSet

    @classmethod
    def of(cls, ids: Sequence[int], rule_set: RuleSet) -> _Batch:
        """A fixed number of statements."""
        fields: dict[int, list[Field]] = {pk: [] for pk in ids}
        standing = Field.objects.filter(dataset__in=ids, gone_since__isnull=True).order_by("dataset", "position")
        for field in standing.only("dataset_id", "path", "type"):
            fields[field.dataset_id].append(field)
        datasets = Dataset.objects.defer("search", "definition", "comment", "description").in_bulk(ids)
        return cls([datasets[pk] for pk in ids if pk in datasets], fields, Judge.of(ids, rule_set), rule_set)

    def work(self, run: Run, fence: int, heart: Heart, sampler: Sampler, outcome: Outcome) -> None:
        """Read, judge and keep."""
        found: list[Sampled] = []
        verdicts: dict[int, Verdict] = {}
        try:
            for dataset in self.datasets:
                heart.check()
                try:
                    one, said = self._one(dataset, sampler)
                except ConnectorError:
                    # Noted, so that it comes last the next time: the others have their turn whatever it does.
                    found.append(Sampled(dataset, failure=_LOST))
                    raise
                found.append(one)
                verdicts |= said
        finally:
            # What was read before the source was lost is worth keeping; after the lease was lost, `report` refuses.
            if found and not heart.lost.is_set():
                self._keep(run, fence, found, verdicts, outcome)

    def _one(self, dataset: Dataset, sampler: Sampler) -> tuple[Sampled, dict[int, Verdict]]:
        columns = [field for field in self.fields[dataset.pk] if len(field.path) == 1]
        sample = sampler.read(
            Table(
                path=tuple(dataset.path),
                columns=[(field.path[0], FieldType(field.type)) for field in columns],
                kind=DatasetKind(dataset.kind),
                row_estimate=dataset.row_estimate,
                size_bytes=dataset.size_bytes,
            )
        )
        if sample.failure:
            return Sampled(dataset, failure=sample.failure), {}
        try:
            return self._made_of(dataset, columns, sample)
        except Exception as error:
            # Neither the message nor the values of variables are logged: they may hold data.
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("A sample failed: %s at %s:%s.", type(error).__name__, place.filename, place.lineno)
            return Sampled(dataset, failure=f"the catalog could not read it ({type(error).__name__})"), {}

    def _made_of(
        self, dataset: Dataset, columns: Sequence[Field], sample: Sample
    ) -> tuple[Sampled, dict[int, Verdict]]:
        by_name = {field.path[0]: cells for field, cells in zip(columns, sample.columns, strict=True)}
        rows = sample.rows if sample.whole else dataset.row_estimate
        profiles: dict[int, ColumnProfile] = {}
        values: dict[int, Cells] = {}
        for field in self.fields[dataset.pk]:
            kind = FieldType(field.type)
            cells = by_name[field.path[0]]
            if len(field.path) > 1:
                cells = inside(cells, field.path[1:])
            profiles[field.pk] = profile_of(cells, kind, rows=rows, whole=sample.whole)
            if kind not in _OPAQUE:
                values[field.pk] = _judged(elements(cells) if kind is FieldType.ARRAY else cells)
        made = Sampled(dataset, rows, sample.whole, sample.rows, profiles)
        return made, self.judge.verdicts(dataset.pk, values)

    def _keep(
        self, run: Run, fence: int, found: Sequence[Sampled], verdicts: Mapping[int, Verdict], outcome: Outcome
    ) -> None:
        by = Principal.objects.system()
        failed = [one for one in found if one.failure]
        with transaction.atomic():
            done = outcome.sampled + outcome.failed + len(found)
            report(run.pk, fence, tables_sampled=done)
            if verdicts:
                suggest(verdicts=verdicts, by=by, rule_set=self.rule_set, with_values=True)
            # The datasets are held now, so no level rises between this look and the write.
            exposures = exposures_of([pk for one in found for pk in one.fields])
            kept = [replace(one, fields=_exposed(one.fields, exposures)) for one in found]
            amount = run.source.sampling
            keep_profiles(source=run.source, sampled=kept, amount=amount, rules=self.rule_set.version, by=by)
        for one in failed[: max(0, _NAMED_FAILURES - outcome.failed)]:
            name = ".".join(one.dataset.path)
            log(run.pk, f"{name} could not be sampled: {one.failure}.", RunLogLine.Severity.WARNING)
        outcome.sampled += len(found) - len(failed)
        outcome.failed += len(failed)
        outcome.left -= len(found)


def _judged(cells: Cells) -> Cells:
    """What detectors are shown: the first values that are there, and a null where there are none."""
    present = [cell for cell in cells if cell is not None]
    return present[:_VALUES_JUDGED] or [None]


def _exposed(profiles: Mapping[int, ColumnProfile], exposures: Mapping[int, Exposure]) -> dict[int, ColumnProfile]:
    """The profiles without what the fields' levels forbid to keep; those of fields that are no more are left out."""
    kept: dict[int, ColumnProfile] = {}
    for pk, profile in profiles.items():
        exposure = exposures.get(pk)
        if exposure is None:
            continue
        if not exposure.bounds:
            profile = replace(profile, minimum=None, maximum=None)
        if not exposure.exemplars:
            profile = replace(profile, exemplars=())
        kept[pk] = profile
    return kept
