"""Keep what a source allows and nobody approved as findings: new ones, those still there, those that went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from django.db import transaction
from django.utils import timezone

from access.enforcement import history
from access.enforcement.events import DriftFound
from access.enforcement.journals import ours_of
from access.enforcement.leases import Lease
from access.enforcement.wanting import Wishes
from access.models import DatabaseLogin, Finding
from access.provisioning.adapter import Enforcer
from access.provisioning.desired import Inspection, Rules, Wanted
from access.provisioning.drift import Drift, drifts
from access.provisioning.facts import Path
from accounts.models import Principal
from audit.recording import record
from catalog.models import Dataset, Source


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
    told = drifts(inspection, datasets, people, rules, ours_of(source))
    seen = {
        one.key: one for one in told if not _covers(granted.get((inspection.login_of(one.grantee), one.path), ()), one)
    }
    with transaction.atomic():
        lease.lock()
        history.observe(source=source, facts=inspection.facts, at=timezone.now())
        _write(source, seen, datasets, people, enforcer, inspection)


def _governed(source: Source, path_of: Callable[[Path], Path]) -> dict[Path, int]:
    rows = Dataset.objects.filter(source=source, gone_since__isnull=True, merged_into__isnull=True)
    return {path_of(tuple(path)): pk for pk, path in rows.values_list("pk", "path").iterator()}


def _covers(grants: Iterable[Wanted], found: Drift) -> bool:
    """Whether one of these grants, of the same login and relation, lets it read all of what was found."""
    return any(
        not one.masks and (not one.columns or (bool(found.columns) and set(found.columns) <= set(one.columns)))
        for one in grants
    )


def _write(
    source: Source,
    seen: Mapping[str, Drift],
    datasets: Mapping[Path, int],
    people: Mapping[str, int],
    enforcer: Enforcer,
    inspection: Inspection,
) -> None:
    now = timezone.now()
    known = {
        finding.key: finding
        for finding in Finding.objects.filter(source=source).exclude(resolution=Finding.Resolution.GONE)
    }
    open_ones = Finding.objects.filter(source=source, resolution="")
    open_ones.exclude(key__in=list(seen)).update(resolution=Finding.Resolution.GONE, resolved_at=now)
    again = [known[key].pk for key in seen if key in known]
    Finding.objects.filter(pk__in=again).update(last_seen=now)
    # What was adopted as a grant is a finding again once that grant is over.
    Finding.objects.filter(pk__in=again, resolution=Finding.Resolution.ADOPTED).update(resolution="", resolved_at=None)
    named = []
    for key in seen.keys() & known.keys():
        holder = people.get(inspection.login_of(seen[key].grantee))
        if known[key].principal_id != holder:
            known[key].principal_id = holder
            named.append(known[key])
    Finding.objects.bulk_update(named, ["principal"], batch_size=2_000)
    new = Finding.objects.bulk_create(
        [
            Finding(
                source=source,
                kind=one.kind.value,
                key=key,
                sentence=one.sentence,
                fact=msgspec.to_builtins(one.fact) if one.fact else {},
                grantee=one.grantee,
                principal_id=people.get(inspection.login_of(one.grantee)),
                dataset_id=datasets.get(one.path),
                columns=list(one.columns),
                remedy=list(enforcer.remedies(one.fact)) if one.fact else [],
                first_seen=now,
                last_seen=now,
            )
            for key, one in seen.items()
            if key not in known
        ],
        batch_size=2_000,
    )
    if new:
        told = DriftFound(
            source_id=source.pk,
            source=source.name,
            count=len(new),
            first=new[0].sentence,
            finding_ids=[finding.pk for finding in new[:100]],
        )
        record(told, by=Principal.objects.system())
