"""Keep what a source allows and nobody approved as findings: new ones, those still there, those that went, and those
whose resolution holds no more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

import msgspec
from django.db import transaction
from django.utils import timezone

from access.enforcement import history
from access.enforcement.events import DriftFound, FindingReopened
from access.enforcement.journals import ours_of
from access.enforcement.leases import Lease
from access.enforcement.wanting import Wishes
from access.models import DatabaseLogin, Finding
from access.provisioning.adapter import Enforcer
from access.provisioning.desired import Inspection, Rules, Wanted
from access.provisioning.drift import Drift, drifts
from access.provisioning.facts import Path
from accounts.models import Principal
from audit.recording import record_many
from catalog.models import Dataset, Source

_TOLD = ("sentence", "fact", "remedy", "logins", "principal_id", "dataset_id")
"""What another inspection may tell otherwise of the same finding."""

_WRITTEN = 2_000


def observe(
    source: Source,
    inspection: Inspection,
    wishes: Wishes,
    rules: Rules,
    enforcer: Enforcer,
    lease: Lease,
    path_of: Callable[[Path], Path],
) -> None:
    """Write the findings of one inspection, under the lease. The number of statements is fixed."""
    datasets = _governed(source, path_of)
    granted: dict[tuple[str, Path], list[Wanted]] = {}
    for one in wishes.grants:
        granted.setdefault((one.login, one.path), []).append(one)
    people = dict(
        DatabaseLogin.objects.filter(source=source, valid_to__isnull=True).values_list("name", "principal_id")
    )
    told = {one.key: one for one in drifts(inspection, datasets, people, rules, ours_of(source))}
    unexplained = [
        one for one in told.values() if not _covers(granted.get((inspection.login_of(one.grantee), one.path), ()), one)
    ]
    found = [_as_finding(source, one, datasets, people, enforcer, inspection) for one in unexplained]
    with transaction.atomic():
        lease.lock()
        history.observe(source=source, facts=inspection.facts, at=timezone.now())
        _write(source, found, told)


def _governed(source: Source, path_of: Callable[[Path], Path]) -> dict[Path, int]:
    rows = Dataset.objects.filter(source=source, gone_since__isnull=True, merged_into__isnull=True)
    return {path_of(tuple(path)): pk for pk, path in rows.values_list("pk", "path").iterator()}


def _covers(grants: Iterable[Wanted], found: Drift) -> bool:
    """Whether one of these grants, of the same login and relation, lets it read all of what was found."""
    return any(
        not one.masks and (not one.columns or (bool(found.columns) and set(found.columns) <= set(one.columns)))
        for one in grants
    )


def _as_finding(
    source: Source,
    one: Drift,
    datasets: Mapping[Path, int],
    people: Mapping[str, int],
    enforcer: Enforcer,
    inspection: Inspection,
) -> Finding:
    return Finding(
        source=source,
        kind=one.kind.value,
        key=one.key,
        sentence=one.sentence,
        fact=msgspec.json.decode(msgspec.json.encode(one.fact)) if one.fact else {},
        grantee=one.grantee,
        logins=sorted({inspection.login_of(role) for role in one.readers}),
        principal_id=people.get(inspection.login_of(one.grantee)),
        dataset_id=datasets.get(one.path),
        columns=list(one.columns),
        remedy=[statement for fact in one.facts for statement in enforcer.remedies(fact)],
    )


def _write(source: Source, found: Iterable[Finding], told: Container[str]) -> None:
    """Keep what was found. `told` holds the keys of all that the source allows, with what grants explain."""
    now = timezone.now()
    kept = Finding.objects.filter(source=source).exclude(resolution=Finding.Resolution.GONE)
    known = {finding.key: finding for finding in kept}
    seen: dict[str, Finding] = {}
    changed: list[Finding] = []
    reopened: list[FindingReopened] = []
    new: list[Finding] = []
    for finding in found:
        finding.first_seen = finding.last_seen = now
        before = known.get(finding.key)
        if before is None:
            new.append(finding)
            continue
        finding.pk = before.pk
        seen[finding.key] = finding
        if any(getattr(finding, name) != getattr(before, name) for name in _TOLD):
            changed.append(finding)
        if why := _why_open_again(before, finding):
            reopened.append(_reopened(source, before, finding, why))
    # What was accepted is in the source still where a grant explains it; what was adopted is explained by its grant.
    over = [row.pk for key, row in known.items() if key not in (told if row.resolution else seen)]
    kept.filter(pk__in=over).exclude(resolution=Finding.Resolution.ADOPTED).update(
        resolution=Finding.Resolution.GONE, resolved_at=now
    )
    Finding.objects.filter(pk__in=[finding.pk for finding in seen.values()]).update(last_seen=now)
    Finding.objects.filter(pk__in=[one.finding_id for one in reopened]).update(resolution="", resolved_at=None)
    Finding.objects.bulk_update(changed, [name.removesuffix("_id") for name in _TOLD], batch_size=_WRITTEN)
    Finding.objects.bulk_create(new, batch_size=_WRITTEN)
    _tell(source, new, reopened)


def _why_open_again(before: Finding, found: Finding) -> str:
    """Why a resolution does not hold for what was found now, "" where it does."""
    if before.resolution == Finding.Resolution.ADOPTED:
        return "no grant explains it any more"
    if before.resolution != Finding.Resolution.ACCEPTED:
        return ""
    if found.principal_id not in (None, before.principal_id):
        return "its login is known to be another person's"
    if found.fact.get("reads") != before.fact.get("reads"):
        return "the view shows something else"
    return ""


def _reopened(source: Source, before: Finding, found: Finding, why: str) -> FindingReopened:
    return FindingReopened(
        source_id=source.pk,
        source=source.name,
        finding_id=before.pk,
        what=found.sentence,
        why=why,
        resolution=before.get_resolution_display().lower(),
        note=before.note,
    )


def _tell(source: Source, new: Sequence[Finding], reopened: Sequence[FindingReopened]) -> None:
    work = [(finding.pk, finding.sentence) for finding in new] + [(one.finding_id, one.what) for one in reopened]
    if work:
        found = DriftFound(
            source_id=source.pk,
            source=source.name,
            count=len(work),
            first=work[0][1],
            finding_ids=[pk for pk, _ in work[:100]],
        )
        record_many([*reopened, found], by=Principal.objects.system())
