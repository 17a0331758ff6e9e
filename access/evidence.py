"""What stands behind a way to a column: the grant, who approved it by which policies, the record; who accepted what no
grant explains; or what is drift.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db.models import Q

from access.enforcement.wanting import wanted_of
from access.models import DatabaseLogin, EmergencyReview, Finding, Grant, ManagedObject, PolicyVersion, Vote
from access.provisioning.desired import without_grantor
from access.provisioning.facts import AnyFact, Fact, Member, Privilege, Relation, Right
from access.provisioning.readers import Route, Way
from access.provisioning.telling import why
from access.states import GrantState
from accounts.models import Principal
from audit.queries import first_records_of
from catalog.models import Source


@dataclass(frozen=True, slots=True)
class Evidence:
    """The grant behind a way. `is_over` of one that ended and that the source still lets through. What its holder opened
    in an emergency nobody approved: `emergency` is its review.
    """

    grant: Grant
    approvals: Sequence[Vote]
    versions: Sequence[PolicyVersion]
    record_id: int | None
    is_over: bool
    emergency: EmergencyReview | None = None

    @property
    def given_by(self) -> Principal:
        """Who let its holder read: in an emergency nobody else."""
        return self.grant.principal if self.grant.is_emergency else self.grant.granted_by


@dataclass(frozen=True, slots=True)
class ToldRoute:
    """A way in words, with the grant that explains it, or what was found of it. `is_own`: the catalog's own account.

    `acceptance` is the finding where somebody had accepted this very way by then: no grant, but a person who let it stay.
    """

    route: Route
    sentence: str
    evidence: Evidence | None
    finding: Finding | None
    acceptance: Finding | None
    is_own: bool

    @property
    def is_drift(self) -> bool:
        """Whether it is open, and nobody approved or accepted it."""
        if not self.route.is_open or self.is_own or self.acceptance is not None:
            return False
        return self.evidence is None or self.evidence.is_over


@dataclass(frozen=True, slots=True)
class RecordedGrant:
    """A grant with what stands behind it, of a source that does not tell what it allows. No columns: all of them."""

    evidence: Evidence
    columns: Sequence[str]

    @property
    def sentence(self) -> str:
        if self.evidence.grant.state == GrantState.SUSPENDED:
            return (
                "Suspended since its holder's account is closed. Whether the source still lets them read is not known."
            )
        return "The decision stands. Whether the source lets its holder read is not known."


def distinct(routes: Iterable[ToldRoute]) -> list[ToldRoute]:
    """Of open ways one for each grant, each finding, and what has neither."""
    behind: dict[tuple[object, ...], ToldRoute] = {}
    for told in routes:
        if told.route.is_open:
            grant = told.evidence.grant.pk if told.evidence else None
            behind.setdefault((grant, told.finding and told.finding.pk, told.is_own), told)
    return list(behind.values())


class Explainer:
    """What explains the ways to datasets of some sources at a time. Everything is read at once: a fixed number of
    statements, whatever the number of ways. None of `datasets`: those that the given holders have grants on, in other
    sources too.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        at: dt.datetime,
        *,
        datasets: Iterable[int] | None = None,
        holders: Iterable[Principal] | None = None,
    ) -> None:
        self._at = at
        by_id = {source.pk: source for source in sources}
        self._own = {pk: source.connection.username if source.connection else "" for pk, source in by_id.items()}
        self._logins = self._read_logins(by_id)
        self._roles: dict[int, set[str]] = defaultdict(set)
        self._privileges: dict[int, set[Privilege]] = defaultdict(set)
        self._read_managed(by_id)
        grants = Grant.objects.all()
        if datasets is not None:
            grants = grants.filter(dataset__in=list(datasets))
        if holders is not None:
            grants = grants.filter(principal__in=[holder.pk for holder in holders])
        self._grants: dict[tuple[int, int], list[Grant]] = defaultdict(list)
        self._read_grants(grants)
        self._findings = self._read_findings(by_id, datasets)

    def principal_of(self, source_id: int, login: str) -> Principal | None:
        """Whose login this was."""
        return self._logins.get((source_id, login))

    def explain(self, route: Route, *, source_id: int, dataset_id: int | None, reader: str) -> ToldRoute:
        """One way of a reader to a dataset that the catalog knows (None: it does not)."""
        evidence = self._evidence(route, source_id, dataset_id, reader)
        explained = evidence is not None and not evidence.is_over
        finding, is_of_it = (None, False) if explained else self._finding(route, source_id, dataset_id, reader)
        accepted = finding is not None and evidence is None and is_of_it and self._is_accepted(finding)
        return ToldRoute(
            route=route,
            sentence=why(route),
            evidence=evidence,
            finding=finding,
            acceptance=finding if accepted else None,
            is_own=bool(reader) and reader == self._own.get(source_id),
        )

    def recorded(self, *, but_in: Collection[int]) -> list[RecordedGrant]:
        """The grants that held at the time in other sources than these, the longest first."""
        held = [
            grant
            for grants in self._grants.values()
            for grant in grants
            if grant.dataset.source_id not in but_in and grant.valid_to > self._at
        ]
        held.sort(key=lambda grant: (-grant.valid_to.timestamp(), grant.pk))
        return [RecordedGrant(self._told(grant), self._wanted[grant.pk].columns) for grant in held]

    def _evidence(self, route: Route, source_id: int, dataset_id: int | None, reader: str) -> Evidence | None:
        principal = self.principal_of(source_id, reader)
        if principal is None or dataset_id is None or route.held is None:
            return None
        managed = self._managed_roles(route, source_id)
        itself = without_grantor(route.held) in self._privileges[source_id]
        for grant in self._grants[principal.pk, dataset_id]:
            suffix = f"{dataset_id}_{self._wanted[grant.pk].digest}"
            if any(role.endswith(suffix) for role in managed) or (itself and self._covers(grant, route.held)):
                return self._told(grant)
            if reader == route.held.grantee and self._lets_read(grant, route.held):
                return self._told(grant)
        return None

    def _managed_roles(self, route: Route, source_id: int) -> set[str]:
        roles = {link.role for link in (*route.set_by, *route.chain)}
        if route.held is not None:
            roles.add(route.held.grantee)
        return roles & self._roles[source_id]

    def _covers(self, grant: Grant, held: Privilege) -> bool:
        columns = self._wanted[grant.pk].columns
        return not columns or (bool(held.column) and held.column in columns)

    def _lets_read(self, grant: Grant, held: Privilege) -> bool:
        """Whether what a right of the reader's own opens is what a grant of theirs lets them read, whoever gave the right:
        the comparison finds nothing there either, and what was adopted is such a right.
        """
        return grant.valid_to > self._at and not self._wanted[grant.pk].masks and self._covers(grant, held)

    def _told(self, grant: Grant) -> Evidence:
        versions = (grant.request.ruling or {}).get("versions", ()) if grant.request else ()
        return Evidence(
            grant=grant,
            approvals=self._votes.get(grant.request_id or 0, ()),
            versions=[self._versions[pk] for pk in versions if pk in self._versions],
            record_id=self._records.get(grant.pk),
            is_over=grant.valid_to <= self._at,
            emergency=grant.request.review if grant.request and grant.is_emergency else None,
        )

    def _finding(
        self, route: Route, source_id: int, dataset_id: int | None, reader: str
    ) -> tuple[Finding | None, bool]:
        """What was found of the very way (True), or else of the same grantee and dataset.

        Of several of the very way the reader's own comes first, then one that is open: who let a role read has not let
        each of its members.
        """
        links = (*route.chain, *route.set_by)
        held = [route.held] if route.held is not None else []
        whole = [msgspec.structs.replace(one, column="") for one in held]
        facts = {_whoever_gave(fact) for fact in (*links, *held, *whole)}
        names = {reader, route.account, *(link.role for link in links), *(one.grantee for one in held)} - {""}
        near, same = None, []
        for finding, told in self._findings.get(source_id, ()):
            if finding.dataset_id not in (None, dataset_id):
                continue
            is_superuser = route.way is Way.SUPERUSER and finding.kind == Finding.Kind.SUPERUSER
            if told & facts or (is_superuser and finding.grantee == reader):
                same.append(finding)
            elif finding.grantee in names and (finding.dataset_id is not None or is_superuser):
                near = near or finding
        if same:
            return min(same, key=lambda one: (one.grantee != reader, self._is_accepted(one))), True
        return near, False

    def _is_accepted(self, finding: Finding) -> bool:
        """Whether somebody had let it stay by then. Of what was opened again or has gone since the record alone tells."""
        is_accepted = finding.resolution == Finding.Resolution.ACCEPTED
        return is_accepted and finding.resolved_at is not None and finding.resolved_at <= self._at

    # Reads

    def _read_logins(self, sources: Mapping[int, Source]) -> dict[tuple[int, str], Principal]:
        rows = DatabaseLogin.objects.filter(source__in=sources, valid_from__lte=self._at).filter(
            self._holds("valid_to")
        )
        return {(row.source_id, row.name): row.principal for row in rows.select_related("principal__user")}

    def _read_managed(self, sources: Mapping[int, Source]) -> None:
        rows = ManagedObject.objects.filter(source__in=sources, made_at__lte=self._at).filter(self._holds("gone_at"))
        for source_id, kind, name in rows.values_list("source_id", "kind", "name"):
            if kind == ManagedObject.Kind.ROLE:
                self._roles[source_id].add(name)
            elif kind == ManagedObject.Kind.PRIVILEGE:
                self._privileges[source_id].add(msgspec.json.decode(name, type=Privilege))

    def _read_grants(self, grants: Any) -> None:
        """Those that held at the time, and those that were over and might not have been taken away yet."""
        held = Q(valid_to__gt=self._at)
        lingering = Q(applied_at__isnull=False) & self._holds("removed_at")
        rows = list(
            grants.filter(held | lingering, valid_from__lte=self._at)
            .select_related(
                "request__review__closed_by__user", "principal__user", "granted_by__user", "dataset__source"
            )
            .order_by("-valid_to", "-pk")
        )
        for grant in rows:
            self._grants[grant.principal_id, grant.dataset_id].append(grant)
        self._wanted = wanted_of(rows)
        self._votes: dict[int, list[Vote]] = defaultdict(list)
        requests = [grant.request_id for grant in rows if grant.request_id]
        votes = Vote.objects.filter(step__request__in=requests, approves=True)
        for vote in votes.select_related("by__user", "acting_for__user", "step"):
            self._votes[vote.step.request_id].append(vote)
        ruled = {pk for grant in rows if grant.request for pk in (grant.request.ruling or {}).get("versions", ())}
        self._versions = PolicyVersion.objects.select_related("policy").in_bulk(list(ruled))
        self._records = first_records_of("grant", [grant.pk for grant in rows])

    def _read_findings(
        self, sources: Mapping[int, Source], datasets: Iterable[int] | None
    ) -> dict[int, list[tuple[Finding, frozenset[Fact]]]]:
        """Findings of that time by source, each with the facts of ways that it tells of."""
        rows = Finding.objects.filter(source__in=sources, first_seen__lte=self._at).filter(
            Q(resolved_at__isnull=True) | Q(resolved_at__gt=self._at) | ~Q(resolution=Finding.Resolution.GONE)
        )
        if datasets is not None:
            rows = rows.filter(Q(dataset__isnull=True) | Q(dataset__in=list(datasets)))
        found: dict[int, list[tuple[Finding, frozenset[Fact]]]] = defaultdict(list)
        for finding in rows.select_related("resolved_by__user").order_by("pk"):
            found[finding.source_id].append((finding, _told_by(finding)))
        return found

    def _holds(self, ended: str) -> Q:
        return Q(**{f"{ended}__isnull": True}) | Q(**{f"{ended}__gt": self._at})


def _told_by(finding: Finding) -> frozenset[Fact]:
    """The facts that a finding tells of; what it says of columns is told once for each of them, what it says of a view as
    the rights on it.
    """
    if not finding.fact:
        return frozenset()
    fact = _whoever_gave(msgspec.convert(finding.fact, type=AnyFact))
    if isinstance(fact, Relation):
        return frozenset(Privilege(Right.SELECT, fact.path, name) for name in finding.logins)
    if isinstance(fact, Privilege) and finding.columns:
        return frozenset(msgspec.structs.replace(fact, column=name) for name in finding.columns)
    return frozenset([fact])


def _whoever_gave(fact: Fact) -> Fact:
    """What a fact allows: a finding tells once what several gave, and with which options beside."""
    match fact:
        case Privilege(pattern=pattern):
            return msgspec.structs.replace(without_grantor(fact), pattern=pattern)
        case Member(role=role, member=member):
            return Member(role, member)
        case _:
            return fact
