"""Who can read this, and why? What can this person read? Pages, and files for an auditor."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from access.effective import WhatReads, WhoReads, what_reads, who_reads
from access.evidence import Evidence, ToldRoute
from access.models import EmergencyReview, Finding
from access.permissions import check_can_explain, check_can_explain_reader
from access.provisioning.telling import dotted
from access.readers_asking import column_of, moment_of
from accounts.authentication import principal_of
from accounts.models import Principal
from catalog.models import Field, Tier
from catalog.queries.datasets import visible_dataset
from common.components import Column, Crumb
from common.errors import Invalid
from common.spreadsheets import csv_response

SHOWN = 300
"""Readers, or relations, on a page; the file has them all."""

_WAY_HEAD = (
    "Reads", "By", "Why", "Grant", "Until", "Granted by", "Approved by", "Policies", "Record", "Nobody approved this",
    "Emergency", "Reviewed by", "Accepted by", "Accepted at", "Accepted because",
)  # fmt: skip


@require_safe
def readers(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """`?column=17` for one column, `?at=2026-03-03T12:00` for a past time."""
    at, problem = _time(request)
    found = _who(request, dataset_id, at)
    dataset = found.dataset
    fields = Field.objects.filter(dataset=dataset, gone_since__isnull=True).order_by("position")
    return render(
        request,
        "access/readers.html",
        {
            "who": found,
            "dataset": dataset,
            "fields": fields,
            "at": _local(at),
            "problem": problem,
            "reading": found.reading[:SHOWN],
            "left": max(0, len(found.reading) - SHOWN),
            "roles": found.roles[:SHOWN],
            "blocked": found.blocked[:SHOWN],
            "query": "" if problem else request.GET.urlencode(),
            "reader_columns": [Column("Who"), Column("How and why"), Column("Approved")],
            "role_columns": [Column("Role"), Column("What it holds")],
            "future_columns": [Column("Made by"), Column("Readable to")],
            "crumbs": [
                Crumb("Browse", reverse("portal:browse")),
                Crumb(dataset.name, reverse("portal:dataset_tab", args=[dataset.pk, "access"])),
                Crumb("Who can read it"),
            ],
        },
        status=422 if problem else 200,
    )


@require_safe
def readers_file(request: HttpRequest, dataset_id: int) -> StreamingHttpResponse:
    """Every way of everybody, one a line."""
    found = _who(request, dataset_id, moment_of(request.GET.get("at", "")))
    head = ("Dataset", "Column", "Level", "At", "Known from", "Login", "Principal", "Logs in", *_WAY_HEAD)
    return csv_response(f"readers-{found.dataset.pk}.csv", head, _reader_lines(found))


@require_safe
def reads(request: HttpRequest, principal_id: int) -> HttpResponse:
    """What somebody reads in every source; of oneself, or for administrators and those who answer for datasets."""
    at, problem = _time(request)
    found = _what(request, principal_id, at)
    own = principal_of(request).pk == found.principal.pk
    return render(
        request,
        "access/reads.html",
        {
            "what": found,
            "own": own,
            "at": _local(at),
            "problem": problem,
            "rows": found.datasets[:SHOWN],
            "left": max(0, len(found.datasets) - SHOWN),
            "query": "" if problem else request.GET.urlencode(),
            "columns": [Column("What"), Column("Columns"), Column("How and why"), Column("Approved")],
            "source_columns": [Column("Source"), Column("Login"), Column("Seen")],
            "recorded": found.recorded[:SHOWN],
            "recorded_left": max(0, len(found.recorded) - SHOWN),
            "recorded_columns": [Column("What"), Column("Columns"), Column("What it is worth"), Column("Approved")],
            "crumbs": [Crumb("Access", reverse("access:inbox")), Crumb(found.principal.name)],
        },
        status=422 if problem else 200,
    )


@require_safe
def reads_file(request: HttpRequest, principal_id: int) -> StreamingHttpResponse:
    found = _what(request, principal_id, moment_of(request.GET.get("at", "")))
    head = ("Principal", "At", "Source", "Relation", "Kind", "Columns", "Shows", *_WAY_HEAD)
    return csv_response(f"reads-{found.principal.pk}.csv", head, _relation_lines(found))


def _time(request: HttpRequest) -> tuple[dt.datetime | None, str]:
    """The time that is asked about (None: now), and what is wrong with what was asked: the page shows now then."""
    try:
        return moment_of(request.GET.get("at", "")), ""
    except Invalid as error:
        return None, error.message


def _who(request: HttpRequest, dataset_id: int, at: dt.datetime | None) -> WhoReads:
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id, tier=Tier.DISCOVER)
    check_can_explain(principal, dataset)
    field = column_of(dataset, request.GET.get("column", ""))
    return who_reads(dataset, field, at=at)


def _what(request: HttpRequest, principal_id: int, at: dt.datetime | None) -> WhatReads:
    asker = principal_of(request)
    principal = get_object_or_404(Principal.objects.select_related("user"), pk=principal_id)
    check_can_explain_reader(asker, principal)
    return what_reads(principal, asker=asker, at=at)


def _local(moment: dt.datetime | None) -> str:
    """The time that was asked for as a field of a form takes it."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M") if moment else ""


def _reader_lines(found: WhoReads) -> Iterator[tuple[object, ...]]:
    dataset = found.dataset
    asked = (
        dataset.qualified_name,
        str(found.field) if found.field else "",
        found.level.name if found.level else "",
        _written(found.at),
        _written(found.observed.told_at),
    )
    for one in (*found.people, *found.roles):
        who = (one.reader.name, one.principal.name if one.principal else "", _yes(one.reader.can_login))
        for told in one.routes:
            yield (*asked, *who, *_way(told))


def _relation_lines(found: WhatReads) -> Iterator[tuple[object, ...]]:
    for one in found.datasets:
        place = dotted(one.path)
        shows = " ".join(dotted(path) for path in one.shows)
        columns = " ".join(one.columns) or "all"
        for told in one.routes:
            yield (
                found.principal.name, _written(found.at), one.source.name, place, one.kind, columns, shows, *_way(told),
            )  # fmt: skip
    for recorded in found.recorded:
        dataset = recorded.evidence.grant.dataset
        source, place = dataset.source.name if dataset.source else "", dotted(tuple(dataset.path))
        yield (
            found.principal.name, _written(found.at), source, place, "", " ".join(recorded.columns) or "all", "",
            "not known", "recorded grant", recorded.sentence,
            *_behind(recorded.evidence), "no", *_emergency(recorded.evidence.emergency), *_acceptance(None),
        )  # fmt: skip


def _way(told: ToldRoute) -> tuple[object, ...]:
    route, evidence = told.route, told.evidence
    reads = "no" if not route.is_open else "yes" if route.is_immediate else f"after SET ROLE {route.set_role}"
    behind = _behind(evidence) if evidence else ("",) * 6
    emergency = _emergency(evidence.emergency if evidence else None)
    return (
        reads, route.way, told.sentence, *behind, _yes(told.is_drift), *emergency, *_acceptance(told.acceptance),
    )  # fmt: skip


def _behind(evidence: Evidence) -> tuple[object, ...]:
    """Grant, until, granted by, approved by, policies, record."""
    approvals = ", ".join(vote.by.name for vote in evidence.approvals)
    policies = ", ".join(f"{version.name} {version.number}" for version in evidence.versions)
    grant = evidence.grant
    until, given_by = _written(grant.valid_to), evidence.given_by.name
    return grant.pk, until, given_by, approvals, policies, evidence.record_id or ""


def _emergency(review: EmergencyReview | None) -> tuple[str, str]:
    if review is None:
        return "", ""
    if review.closed_by is None:
        return "Not reviewed yet", ""
    return review.get_verdict_display(), review.closed_by.name


def _acceptance(finding: Finding | None) -> tuple[str, str, str]:
    if finding is None or finding.resolved_by is None:
        return "", "", ""
    return finding.resolved_by.name, _written(finding.resolved_at), finding.note


def _written(moment: dt.datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"
