"""Readings that were made elsewhere: kept as they came until they are applied, so that no accepted one is lost.

The staging tables are unlogged and a worker may die; what a pipeline has pushed it does not send again. So its lines are
written to a logged table within the request, and whichever run works at them reads them from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from catalog.snapshots import DatasetSnapshot, Reading, Unchanged
from common.errors import Invalid, TooLarge
from ingestion.leases import Heart, report
from ingestion.models import RECEIVING, PushedBatch, Run

_MAX_LINE_BYTES = 64 * 1024 * 1024
_BATCH_BYTES = 1024 * 1024
"""A row holds whole lines of about so much: few rows, and little memory to read one."""


def keep(run: Run, fence: int, lines: Iterable[bytes], heart: Heart) -> None:
    """Write down a stream of lines under a run. Raises `Invalid` at the first that is no `Reading`."""
    report(run.pk, fence, phase=RECEIVING, datasets_read=0)
    batch: list[bytes] = []
    size = number = datasets = 0
    for line, value in _checked(lines):
        batch.append(line)
        size += len(line)
        datasets += isinstance(value, DatasetSnapshot | Unchanged)
        if size >= _BATCH_BYTES:
            PushedBatch.objects.create(run=run, number=number, lines=b"\n".join(batch))
            batch, size, number = [], 0, number + 1
            heart.check()
            report(run.pk, fence, datasets_read=datasets)
    if batch:
        PushedBatch.objects.create(run=run, number=number, lines=b"\n".join(batch))
    report(run.pk, fence, datasets_read=datasets)


def pushed_readings(run: Run) -> Iterator[Reading] | None:
    """What was pushed for a run, in order; None for a run that reads its source itself."""
    batches = PushedBatch.objects.filter(run=run).order_by("number")
    return _read_back(batches.values_list("lines", flat=True)) if run.is_pushed else None


def _read_back(batches: Iterable[bytes | memoryview]) -> Iterator[Reading]:
    decoder = msgspec.json.Decoder(Reading)
    for lines in batches:
        for line in bytes(lines).split(b"\n"):
            yield decoder.decode(line)


def _checked(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Reading]]:
    """Each line that is not empty, with its value and without its end."""
    decoder = msgspec.json.Decoder(Reading)
    for number, line in enumerate(lines, start=1):
        if len(line) > _MAX_LINE_BYTES:
            raise TooLarge(f"Line {number} is longer than {_MAX_LINE_BYTES // 1024**2} MB.")
        line = line.strip()
        if not line:
            continue
        try:
            value = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"Line {number} is no reading: {error}.", {f"line {number}": [str(error)]}) from None
        if not isinstance(value, Reading):
            raise Invalid(f"Line {number} is no reading.")
        if len(getattr(value, "path", (0, 0))) < 1:
            raise Invalid(f"Line {number}: the path is empty.", {f"line {number}": ["path: empty"]})
        yield line, value
