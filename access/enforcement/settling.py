"""Move grants on by what was read back from their source: never `active`, and never an end, on a promise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from access.actions.words import names_of, told_of_grant
from access.enforcement.events import (
    CarriedOutEvent,
    GrantDrifted,
    GrantNotGiven,
    GrantNotRemoved,
    GrantRemoved,
    GrantSuspended,
    GrantVerified,
)
from access.enforcement.leases import Lease
from access.models import DatabaseLogin, Grant
from access.states import GRANT_ENDING, GRANT_WANTED, GrantState, check_grant_moves
from accounts.models import Principal
from audit.events import Event
from audit.recording import record_many
from catalog.models import Source

_G = GrantState
_MOVED = ("state", "problem", "login", "applied_at", "removed_at")
"""What reading back changes of a grant, `verified_at` aside; its first two are worth an event."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was read back, by grant id.

    `read` can be read by these logins, wholly; `lacking` and `remaining` say in words what stands in the way of giving
    and of taking; `gone` have nothing left. What is named nowhere waits. `notes` are kept with grants that ended.
    """

    read: Mapping[int, str] = field(default_factory=dict)
    lacking: Mapping[int, str] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    remaining: Mapping[int, str] = field(default_factory=dict)
    notes: Mapping[int, str] = field(default_factory=dict)
    applied: frozenset[int] = frozenset()


@transaction.atomic
def begin(source: Source, lease: Lease) -> None:
    """Take up what has to move before a source is looked at; under the lease.

    Recorded grants begin to be carried out where that was switched on, scheduled ones at their time. Those of people
    whose account is closed are suspended, and taken up again when it is opened.
    """
    enforcement = lease.lock()
    mine = Grant.objects.filter(dataset__source=source)
    if enforcement.carries_out:
        waiting = mine.filter(state__in=[_G.RECORDED, _G.SCHEDULED]).within_time().of_active_holders()
        waiting.update(state=_G.PROVISIONING)
    mine.filter(state=_G.SUSPENDED).of_active_holders().within_time().update(state=_G.PROVISIONING)
    logins = DatabaseLogin.objects.filter(source=source, principal=OuterRef("principal"), valid_to__isnull=True)
    nameless = mine.filter(state__in=GRANT_WANTED, login="")
    nameless.update(login=Coalesce(Subquery(logins.values("name")[:1]), Value("")))
    left = mine.filter(state__in=GRANT_WANTED).of_closed_holders().select_related("principal__user", "dataset")
    closed = list(left.select_for_update(of=("self",)))
    Grant.objects.filter(pk__in=[grant.pk for grant in closed]).update(state=_G.SUSPENDED)
    names = names_of(grant.field_ids for grant in closed)
    record_many([_event(GrantSuspended, grant, source, names, "") for grant in closed], by=Principal.objects.system())


@transaction.atomic
def settle(source: Source, judgement: Judgement, lease: Lease) -> None:
    """Write what was read back to the grants, and record what changed. The number of statements is fixed."""
    lease.lock()
    now = timezone.now()
    live = Grant.objects.filter(dataset__source=source, state__in={*GRANT_WANTED, *GRANT_ENDING})
    told: dict[int, type[CarriedOutEvent]] = {}
    moved: list[Grant] = []
    seen_again: list[int] = []
    # Most grants are as they were: whole rows, and an update of each, took 14 s of 17 with ten thousand.
    for grant in live.select_for_update(of=("self",)).only("ends_as", *_MOVED).order_by("pk"):
        before = [getattr(grant, name) for name in _MOVED]
        kind = _move(grant, judgement, now)
        if before != [getattr(grant, name) for name in _MOVED]:
            moved.append(grant)
        if kind is GrantVerified:
            seen_again.append(grant.pk)
        if kind is not None and before[:2] != [grant.state, grant.problem]:
            told[grant.pk] = kind
    Grant.objects.bulk_update(moved, _MOVED, batch_size=2_000)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE access_grant SET verified_at = %s WHERE id = ANY(%s)", [now, seen_again])
    changed = Grant.objects.select_related("principal__user", "dataset").in_bulk(told)
    names = names_of(grant.field_ids for grant in changed.values())
    events: Sequence[Event] = [
        _event(kind, changed[pk], source, names, changed[pk].problem) for pk, kind in told.items()
    ]
    record_many(events, by=Principal.objects.system())


def _move(grant: Grant, judgement: Judgement, now: dt.datetime) -> type[CarriedOutEvent] | None:
    """The grant's new state by what was read back, and which event that is; an action may have moved it meanwhile."""
    pk, state = grant.pk, GrantState(grant.state)
    if state in GRANT_WANTED and pk in judgement.read:
        return _verified(grant, judgement, now)
    if state in GRANT_WANTED and pk in judgement.lacking:
        grant.problem = judgement.lacking[pk]
        if state in (_G.ACTIVE, _G.DRIFTED):
            _to(grant, _G.DRIFTED)
            return GrantDrifted
        _to(grant, _G.PROVISION_FAILED)
        return GrantNotGiven
    if state in GRANT_ENDING:
        if pk in judgement.gone:
            _to(grant, GrantState(grant.ends_as or _G.REVOKED))
            grant.removed_at = now
            grant.problem = judgement.notes.get(pk, "")
            return GrantRemoved
        if pk in judgement.remaining:
            grant.problem = judgement.remaining[pk]
            _to(grant, _G.REVOKE_FAILED)
            return GrantNotRemoved
    return None


def _verified(grant: Grant, judgement: Judgement, now: dt.datetime) -> type[CarriedOutEvent]:
    _to(grant, _G.ACTIVE)
    # A login that was changed is forgotten only once nothing is left of it.
    grant.problem = judgement.remaining.get(grant.pk, "")
    if not grant.problem:
        grant.login = judgement.read[grant.pk]
    if grant.pk in judgement.applied or grant.applied_at is None:
        grant.applied_at = now
    return GrantVerified


def _to(grant: Grant, state: GrantState) -> None:
    if grant.state != state:
        check_grant_moves(grant.state, state)
        grant.state = state


def _event(
    kind: type[CarriedOutEvent], grant: Grant, source: Source, names: Mapping[int, str], problem: str
) -> CarriedOutEvent:
    told = {**told_of_grant(grant, names), "source_id": source.pk, "source": source.name, "problem": problem}
    if kind is GrantRemoved:
        return GrantRemoved(**told, ends_as=grant.state)
    return kind(**told)
