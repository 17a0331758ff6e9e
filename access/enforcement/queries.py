"""What pages and REST show of enforcement. Each function takes a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from access.enforcement.engines import can_enforce, engine_of
from access.enforcement.logins import LoginRow, login_rows
from access.models import DatabaseLogin, Enforcement, Finding, Grant, JournalEntry, Reconciliation
from access.permissions import can_enforce_grants
from access.provisioning.desired import Profile, Rules
from access.states import GRANT_CARRIED_OUT, GRANT_ENDING, GrantState
from accounts.models import Principal
from catalog.models import Field, Schema, Source
from catalog.visibility import scope_of
from classification.models import Level
from classification.queries import levels_by_rank

_WAITING = (Reconciliation.State.WAITING, Reconciliation.State.PLANNED, Reconciliation.State.CONFIRMED)


@dataclass(frozen=True, slots=True)
class SourceOverview:
    """A source with its enforcement (None: never set) and how its grants stand."""

    source: Source
    enforcement: Enforcement | None
    active: int
    waiting: int
    failing: int
    findings: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding, and whether the reader may make a grant of it or let it stay."""

    finding: Finding
    may_adopt: bool
    may_accept: bool


@dataclass(frozen=True, slots=True)
class SourceEnforcement:
    """Everything that the page of a source's enforcement shows."""

    overview: SourceOverview
    plan: Reconciliation | None
    """The plan that waits for a person, or that a dry run made."""
    runs: Sequence[Reconciliation]
    journal: Sequence[JournalEntry]
    findings: Sequence[FindingRow]
    accepted: Sequence[Finding]
    logins: Sequence[LoginRow]
    nameless: Sequence[LoginRow]
    """Holders of grants of whom no login is known."""
    service_grants: Sequence[str]


def readable_sources(principal: Principal) -> QuerySet[Source]:
    """The sources whose enforcement `principal` may read: `can_see_enforcement` as a condition."""
    scope = scope_of(principal)
    return Source.objects.all() if scope.everything else Source.objects.filter(domain__in=scope.curated_domains())


def enforced_sources(principal: Principal) -> QuerySet[Source]:
    """Those of them in which grants can be carried out."""
    rows = readable_sources(principal).filter(connection__isnull=False, platform__in=["postgres", "mysql"])
    return rows.select_related("enforcement", "connection").order_by("name")


def overviews(sources: Sequence[Source]) -> list[SourceOverview]:
    """How grants stand in each of these sources; three statements."""
    ids = [source.pk for source in sources]
    settings = {row.source_id: row for row in Enforcement.objects.filter(source__in=ids)}
    counts = Grant.objects.filter(dataset__source__in=ids, state__in=GRANT_CARRIED_OUT).values("dataset__source")
    failing = Q(state__in=[GrantState.PROVISION_FAILED, GrantState.REVOKE_FAILED, GrantState.DRIFTED])
    stood = {
        row["dataset__source"]: row
        for row in counts.annotate(
            active=Count("pk", filter=Q(state=GrantState.ACTIVE)),
            failing=Count("pk", filter=failing),
            waiting=Count("pk", filter=Q(state__in=[GrantState.PROVISIONING, *GRANT_ENDING]) & ~failing),
        )
    }
    found = dict(
        Finding.objects.filter(source__in=ids, resolution="").values_list("source").annotate(number=Count("pk"))
    )
    empty = {"active": 0, "waiting": 0, "failing": 0}
    return [
        SourceOverview(
            source,
            settings.get(source.pk),
            stood.get(source.pk, empty)["active"],
            stood.get(source.pk, empty)["waiting"],
            stood.get(source.pk, empty)["failing"],
            found.get(source.pk, 0),
        )
        for source in sources
    ]


def finding_rows(findings: Iterable[Finding], principal: Principal) -> list[FindingRow]:
    """Findings, read with their sources and datasets, and what `principal` may do about them; two statements more."""
    rows = list(findings)
    these = Finding.objects.filter(pk__in=[row.pk for row in rows])
    own = set(these.about(principal).values_list("pk", flat=True))
    adoptable = set(these.adoptable_by(principal).values_list("pk", flat=True))
    return [
        FindingRow(
            row,
            may_adopt=row.pk in adoptable,
            may_accept=row.pk not in own and can_enforce_grants(principal, row.source),
        )
        for row in rows
    ]


def levels_of(findings: Sequence[Finding]) -> dict[int, Level | None]:
    """The highest level of what each of these findings is about, by its id, read with their datasets; two statements.

    That is of its columns, of which one without a level has that of the dataset, or else of the dataset.
    """
    named = {(one.dataset_id, name) for one in findings for name in one.columns}
    paths = [[name] for name in sorted({name for _, name in named})]
    fields = Field.objects.filter(
        dataset__in={dataset for dataset, _ in named}, path__in=paths, gone_since__isnull=True
    )
    own = {(dataset, path[0]): rank for dataset, path, rank in fields.values_list("dataset_id", "path", "level")}
    levels = levels_by_rank()
    found = {}
    for one in findings:
        whole = (one.dataset.level if one.dataset else None) or 0
        ranks = (own.get((one.dataset_id or 0, name)) or whole for name in one.columns)
        found[one.pk] = levels.get(max(ranks, default=whole))
    return found


def enforcement_of(source: Source, principal: Principal) -> SourceEnforcement:
    """One source as `principal` may act on it, its latest runs and journal entries, at most a page of each."""
    (overview,) = overviews([source])
    runs = Reconciliation.objects.filter(source=source).defer("plan").select_related("confirmed_by__user")
    findings = Finding.objects.filter(source=source).select_related(
        "source", "principal__user", "dataset", "resolved_by__user"
    )
    logins = DatabaseLogin.objects.filter(source=source, valid_to__isnull=True).select_related("principal__user")
    holders = Grant.objects.live().filter(dataset__source=source)
    nameless = Principal.objects.filter(pk__in=holders.values("principal")).exclude(pk__in=logins.values("principal"))
    people = [(login.principal, login.name) for login in logins.order_by("name")[:500]]
    people += [(one, "") for one in nameless.select_related("user").order_by("name")[:100]]
    rows = login_rows(principal, source, people)
    return SourceEnforcement(
        overview=overview,
        plan=waiting_plan(source),
        runs=list(runs.exclude(state__in=_WAITING).order_by("-pk")[:10]),
        journal=list(JournalEntry.objects.filter(source=source).order_by("-pk")[:50]),
        findings=finding_rows(findings.open().order_by("-pk")[:100], principal),
        accepted=list(findings.filter(resolution="accepted").order_by("-pk")[:50]),
        logins=[row for row in rows if row.name],
        nameless=[row for row in rows if not row.name],
        service_grants=service_grants_of(source, overview.enforcement),
    )


def waiting_plan(source: Source) -> Reconciliation | None:
    """The plan that waits for a person, was just confirmed, or that a dry run made."""
    return Reconciliation.objects.filter(source=source, state__in=_WAITING).select_related("confirmed_by__user").first()


def service_grants_of(source: Source, enforcement: Enforcement | None) -> Sequence[str]:
    """What an administrator of the source runs so that the catalog's account can carry out grants."""
    if not can_enforce(source) or source.connection is None:
        return ()
    engine = engine_of(source)
    rules = enforcement.rules(wraps=engine.wraps_logins) if enforcement else Rules()
    paths = Schema.objects.filter(source=source, gone_since__isnull=True).values_list("path", flat=True)[:200]
    schemas = sorted({engine.path_of((*path, ""))[:-1] for path in paths})
    profile = Profile(enforcement.profile) if enforcement else Profile.ROLE_MANAGING
    return engine.service_grants(profile, rules, source.connection.username, schemas)
