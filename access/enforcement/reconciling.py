"""Make a source hold what approved grants want of it, and learn from it what it holds.

Called by a worker, never by an action. One reconciler has a source at a time (`leases`); whatever kills it, the next
one finds the truth in the source and goes on from there.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from django.db import transaction
from django.utils import timezone

from access.enforcement import drift
from access.enforcement.asking import ask
from access.enforcement.engines import can_enforce, engine_of
from access.enforcement.events import (
    EnforcementFailed,
    EnforcementRecovered,
    PlanWaits,
    RightsChanged,
)
from access.enforcement.journals import DatabaseJournal, learn, ours_of
from access.enforcement.leases import ANSWER_SECONDS, Lease, LeaseLost, hurried
from access.enforcement.settling import Judgement, begin, settle
from access.enforcement.wanting import Wishes, wishes_of
from access.models import Enforcement, JournalEntry, Reconciliation
from access.provisioning.adapter import Enforcer, Engine, PlanChanged, StepRefused, StoppedAnswering
from access.provisioning.desired import Inspection, Rules, desired
from access.provisioning.facts import Member, Privilege
from access.provisioning.plan import Change, Comparison, Plan, Step
from accounts.models import Principal
from audit.recording import record
from catalog.models import Source
from common.errors import CatalogError, Conflict
from connections.errors import ConnectorError, FailureKind

logger = logging.getLogger(__name__)

_TRIES = 12
_STATEMENT_SECONDS = 60

_State = Reconciliation.State


class _NotAtOnce(Exception):
    """The source did not answer soon enough for a worker that others wait for; that is no failure yet."""


def reconcile(source_id: int, *, in_turn: bool = False) -> bool:
    """See to one source; False where another reconciler has it, or nothing is to be done in it.

    `in_turn` is for a worker that others wait for: False also where it is not the source's turn, and where the source
    does not answer at once and will be tried alone.
    """
    asked = Enforcement.objects.filter(source_id=source_id).values_list("asked_at", flat=True).first()
    lease = Lease.claim(source_id, in_turn=in_turn)
    if lease is None:
        return False
    with lease:
        source = Source.objects.select_related("connection").get(pk=source_id)
        try:
            problem = _attempt(source, lease, at_once=in_turn and not lease.hangs)
            if problem:
                _fail(source, lease, problem)
                return True
            _succeed(source, lease)
        except _NotAtOnce:
            _end_runs(source, lease, "The source stopped answering. It is tried again with more patience.")
            return False
        except LeaseLost:
            logger.warning("Another reconciler took over %s.", source)
            return False
        # What was asked for while this ran is a wish of its own.
        mine = Enforcement.objects.filter(pk=lease.enforcement_id, fence=lease.fence)
        mine.filter(asked_at=asked).update(asked_at=None)
    return True


def _attempt(source: Source, lease: Lease, *, at_once: bool) -> str:
    """See to a source; what went wrong, as a sentence, or "". Raises `LeaseLost`, and `_NotAtOnce` if it must be."""
    try:
        begin(source, lease)
        _Reconciler(source, lease).run(at_once=at_once)
    except (LeaseLost, _NotAtOnce):
        raise
    except CatalogError as error:
        return error.message
    except Exception:
        logger.exception("The reconciliation of %s failed.", source)
        return "The comparison failed in the catalog itself; the worker's log says why."
    return ""


@dataclass
class _Outcome:
    """What a run came to: the source as it was seen last, and what the plan for it still holds."""

    compared: Comparison
    wishes: Wishes
    rest: Plan
    applied: frozenset[int] = frozenset()
    notes: dict[int, str] = field(default_factory=dict)
    waits: str = ""
    told: frozenset[int] = frozenset()
    """Grants of whose logins the open sessions were ended already."""


class _Reconciler:
    """One run over one source."""

    def __init__(self, source: Source, lease: Lease) -> None:
        self.source = source
        self.lease = lease
        self.enforcement = Enforcement.objects.get(pk=lease.enforcement_id)
        if source.connection is None or not can_enforce(source):
            raise Conflict(f"{source} has no connection that grants can be carried out through. Add one.")
        self.connection = source.connection
        self.engine = engine_of(source)
        self.rules: Rules = self.enforcement.rules(wraps=self.engine.wraps_logins)
        self.skipped: dict[str, str] = {}
        self.confirmed: Reconciliation | None = None
        self.confirmed_keys: frozenset[str] = frozenset()
        self.run_row: Reconciliation | None = None
        self.compared: Comparison | None = None

    def run(self, *, at_once: bool = False) -> None:
        """Raises `ConnectorError`, and `_NotAtOnce` where more patience might help."""
        enforcer = self._open(at_once)
        try:
            self._run(enforcer)
        except StoppedAnswering:
            self.lease.note_hanging(hangs=True)
            if at_once:
                raise _NotAtOnce from None
            raise
        finally:
            enforcer.close()

    def _open(self, at_once: bool) -> Enforcer:
        """Raises as `run` does."""
        patient = dataclasses.replace(self.connection.target(), statement_seconds=_STATEMENT_SECONDS)
        target = hurried(patient) if at_once else patient
        try:
            return self.engine.open(target, self.rules)
        except ConnectorError as error:
            hangs = error.kind is FailureKind.TIMEOUT
            self.lease.note_hanging(hangs=hangs)
            if hangs and target.connect_seconds < patient.connect_seconds:
                raise _NotAtOnce from None
            raise

    def _run(self, enforcer: Enforcer) -> None:
        begun = time.monotonic()
        inspection = enforcer.inspect()
        if time.monotonic() - begun < ANSWER_SECONDS:
            self.lease.note_hanging(hangs=False)
        Enforcement.objects.filter(pk=self.enforcement.pk).update(version=inspection.version)
        learn(self.source, inspection)
        outcome = self._converge(enforcer, inspection)
        judgement = self._judge(enforcer, outcome)
        settle(self.source, judgement, self.lease)
        drift.observe(
            self.source,
            outcome.compared.inspection,
            outcome.wishes,
            self.rules,
            enforcer,
            self.lease,
            self.engine.path_of,
        )

    def _converge(self, enforcer: Enforcer, inspection: Inspection) -> _Outcome:
        """Carry out what may be carried out; refused steps are left out and tried again by the next run."""
        applied: set[int] = set()
        notes: dict[int, str] = {}
        told: set[int] = set()
        for _ in range(_TRIES):
            wishes, compared, full = self._plan(inspection)
            part = self._allowed(full)
            if not part:
                waits = self._keep_rest(inspection, full)
                return _Outcome(compared, wishes, full, frozenset(applied), notes, waits, frozenset(told))
            confirmed = self._confirmation(full)
            run = self._begin_run(part)
            journal = DatabaseJournal(run, self.lease, self.rules)
            try:
                inspection = enforcer.carry_out(
                    part, lambda seen: self._allowed(self._plan(seen)[-1]), journal, self.lease.check
                )
            except PlanChanged:
                inspection = enforcer.inspect()
                continue
            except StepRefused as error:
                self.skipped[error.step.key] = error.message
                told -= {grant for step in part.steps for grant in step.serves}
                inspection = enforcer.inspect()
                continue
            self._carried_out(run, part, confirmed)
            applied.update(grant for step in part.steps if step.change is Change.ADD for grant in step.serves)
            lost = [step for step in part.steps if step.takes and step.change is Change.REMOVE]
            ended = {grant for step in lost for grant in step.serves}
            logins = _losers(lost, inspection, compared.ours.roles) | _logins_of(wishes, ended)
            notes.update(self._end_sessions(enforcer, logins, ended))
            told |= ended
            learn(self.source, inspection)
        raise Conflict("The source changes faster than its rights can be compared. It is tried again shortly.")

    def _plan(self, inspection: Inspection) -> tuple[Wishes, Comparison, Plan]:
        # Read anew each time: under the source's lock, what is committed by then is what counts.
        wishes = wishes_of(self.source, self.engine.path_of, recorded=self.enforcement.mode == Enforcement.Mode.DRY_RUN)
        compared = Comparison(wishes.grants, wishes.leaving, inspection, self.rules, ours_of(self.source))
        if self.compared is None or compared != self.compared:
            self.compared = compared
        return wishes, self.compared, self.compared.plan.without(self.skipped)

    def _allowed(self, plan: Plan) -> Plan:
        """The part of a plan that may be carried out now, by the mode, the limit and what a person confirmed."""
        if self.enforcement.mode == Enforcement.Mode.DRY_RUN:
            return Plan()
        if self._confirmation(plan) is not None:
            return plan
        if self.enforcement.mode == Enforcement.Mode.CONFIRM or plan.held_by(self.rules):
            return plan.due()
        return plan

    def _confirmation(self, plan: Plan) -> Reconciliation | None:
        """The confirmation that a plan is carried out under: its own, or in this run that of the plan it is left of
        after the source refused a step.
        """
        mine = Reconciliation.objects.filter(source=self.source, state=_State.CONFIRMED, plan_hash=plan.hash).first()
        if mine is not None:
            self.confirmed, self.confirmed_keys = mine, frozenset(step.key for step in plan.steps)
            return mine
        if plan and self.skipped and self.confirmed_keys.issuperset(step.key for step in plan.steps):
            return self.confirmed
        return None

    def _keep_rest(self, inspection: Inspection, rest: Plan) -> str:
        """Note what is planned and not carried out, for people to look at; why it waits, in words."""
        earlier = Reconciliation.objects.filter(
            source=self.source, state__in=[_State.WAITING, _State.PLANNED, _State.CONFIRMED]
        )
        if not rest:
            words = "; ".join(sorted(set(self.skipped.values()))) or "The source needs it no more."
            earlier.update(state=_State.REPLACED, finished_at=timezone.now(), message=words)
            return ""
        dry = self.enforcement.mode == Enforcement.Mode.DRY_RUN
        state = _State.PLANNED if dry else _State.WAITING
        why = rest.held_by(self.rules) or "This source's changes wait for a confirmation."
        if dry:
            why = "This source is in dry run: nothing is changed there."
        if earlier.filter(state=state, plan_hash=rest.hash).exists():
            return why
        with transaction.atomic():
            # The plans before the lease, as a confirmation locks them; else the two could wait for each other.
            rows = list(earlier.select_for_update(of=("self",)).order_by("pk"))
            self.lease.lock()
            if not dry and any(row.state == _State.CONFIRMED and row.plan_hash == rest.hash for row in rows):
                # It was confirmed a moment ago: the next run carries it out.
                ask(sources=[self.source.pk])
                return why
            earlier.update(state=_State.REPLACED, finished_at=timezone.now(), message="A newer plan took its place.")
            kept = Reconciliation.objects.create(
                source=self.source,
                state=state,
                fence=self.lease.fence,
                finished_at=timezone.now(),
                message=why,
                plan=planned(self.engine, rest, inspection),
                plan_hash=rest.hash,
                steps=len(rest.steps),
                revokes=sum(step.takes for step in rest.steps),
            )
            if not dry:
                record(
                    PlanWaits(
                        source_id=self.source.pk,
                        source=self.source.name,
                        reconciliation_id=kept.pk,
                        plan_hash=rest.hash,
                        steps=len(rest.steps),
                        why=why,
                    ),
                    by=Principal.objects.system(),
                )
        return why

    def _begin_run(self, plan: Plan) -> Reconciliation:
        if self.run_row is None or self.run_row.state != _State.RUNNING:
            with transaction.atomic():
                self.lease.lock()
                self.run_row = Reconciliation.objects.create(source=self.source, fence=self.lease.fence)
        self.run_row.plan_hash = plan.hash
        self.run_row.steps = len(plan.steps)
        self.run_row.revokes = sum(step.takes for step in plan.steps)
        self.run_row.save(update_fields=["plan_hash", "steps", "revokes"])
        return self.run_row

    @transaction.atomic
    def _carried_out(self, run: Reconciliation, plan: Plan, confirmed: Reconciliation | None) -> None:
        now = timezone.now()
        if confirmed is not None:
            confirmed.state, confirmed.finished_at = _State.APPLIED, now
            confirmed.message = "Carried out as it was confirmed."
            if confirmed.plan_hash != plan.hash:
                confirmed.message = "Carried out as it was confirmed, but for what the source refused."
            confirmed.save(update_fields=["state", "finished_at", "message"])
        run.state, run.finished_at = _State.APPLIED, now
        run.message = "; ".join(sorted(set(self.skipped.values())))
        run.save(update_fields=["state", "finished_at", "message"])
        given = sum(step.change is Change.ADD for step in plan.steps)
        record(
            RightsChanged(
                source_id=self.source.pk,
                source=self.source.name,
                reconciliation_id=run.pk,
                plan_hash=plan.hash,
                given=given,
                taken=len(plan.steps) - given,
            ),
            by=(confirmed.confirmed_by if confirmed else None) or Principal.objects.system(),
        )

    def _end_sessions(self, enforcer: Enforcer, logins: set[str], ended: set[int]) -> Mapping[int, str]:
        """End the open sessions of logins that lost something; what is to be said of those left, by grant."""
        if not logins:
            return {}
        if not self.enforcement.ends_sessions:
            told = "Sessions that were open then were left open, as this source is set."
            return dict.fromkeys(ended, told)
        left = enforcer.end_sessions(logins).left
        return dict.fromkeys(ended, left) if left else {}

    def _end_left_sessions(self, enforcer: Enforcer, outcome: _Outcome, gone: set[int]) -> Mapping[int, str]:
        """As `_end_sessions`, for what was taken by a step whose run did not come as far as its sessions."""
        untold = gone - outcome.told
        if not untold or self.enforcement.mode == Enforcement.Mode.DRY_RUN:
            return {}
        taken = JournalEntry.objects.filter(
            source=self.source, change=Change.REMOVE.value, state=JournalEntry.State.DONE, grants__overlap=list(untold)
        )
        ended = untold.intersection(grant for grants in taken.values_list("grants", flat=True) for grant in grants)
        return self._end_sessions(enforcer, _logins_of(outcome.wishes, ended), ended)

    def _judge(self, enforcer: Enforcer, outcome: _Outcome) -> Judgement:
        """What the source itself says of each grant."""
        rest, wishes = outcome.rest, outcome.wishes
        pending = {grant for step in rest.steps if step.change is Change.ADD for grant in step.serves}
        readings = {grant: reading for grant, reading in rest.readings.items() if grant not in pending}
        lacking = {one.grant_id: one.reason for one in enforcer.read_back(readings.values())}
        lacking.update(rest.problems)
        if outcome.waits:
            lacking.update(dict.fromkeys(pending, outcome.waits))
        lacking = {grant: told for grant, told in lacking.items() if self._is_told(grant, wishes, pending)}
        logins = {one.grant_id: one.login for one in wishes.grants}
        read = {grant: logins[grant] for grant in readings if grant not in lacking}
        remaining = dict(outcome.compared.held_still)
        refused = {grant: told for grant, told in rest.problems.items() if grant in remaining}
        remaining.update(refused)
        if self.enforcement.mode == Enforcement.Mode.DRY_RUN:
            remaining = dict.fromkeys(remaining, "This source is in dry run: nothing is taken there.")
        gone = wishes.ended - set(remaining)
        sessions = {**outcome.notes, **self._end_left_sessions(enforcer, outcome, gone)}
        notes = {**self._otherwise_readable(enforcer, outcome, gone), **sessions}
        return Judgement(read, lacking, frozenset(gone), remaining, notes, outcome.applied)

    def _otherwise_readable(self, enforcer: Enforcer, outcome: _Outcome, gone: set[int]) -> dict[int, str]:
        """Grants that are over, of whose columns the login can read some all the same, by nothing of the catalog's."""
        wishes = outcome.wishes
        granted = {(one.login, one.path) for one in wishes.grants}
        over = [one for one in wishes.leaving if one.grant_id in gone and (one.login, one.path) not in granted]
        readings = desired(over, outcome.compared.inspection, self.rules, outcome.compared.ours).readings
        words = "What it gave is gone; {} can read some of it by another way. The source's findings say which."
        logins = {one.grant_id: one.login for one in over}
        return {grant: words.format(logins[grant]) for grant in enforcer.still_readable(readings.values())}

    def _is_told(self, grant: int, wishes: Wishes, pending: set[int]) -> bool:
        """A grant that only waits for a person is not a failure."""
        waits_only = grant in pending and wishes.states.get(grant) == "provisioning"
        return not waits_only


def _logins_of(wishes: Wishes, grants: set[int]) -> set[str]:
    return {one.login for one in wishes.leaving if one.grant_id in grants}


def _losers(lost: Iterable[Step], inspection: Inspection, roles: frozenset[str]) -> set[str]:
    """The logins that steps took something from by name, as their sessions name them; the catalog's roles have none."""
    named = {step.fact.member for step in lost if isinstance(step.fact, Member)}
    named |= {step.fact.grantee for step in lost if isinstance(step.fact, Privilege)}
    return {inspection.login_of(name) for name in named if name and name not in roles}


def planned(engine: Engine, plan: Plan, inspection: Inspection) -> list[dict[str, object]]:
    """A plan as it is kept for people: each step with its statements."""
    return [
        {
            "key": step.key,
            "change": step.change.value,
            "fact": msgspec.to_builtins(step.fact),
            "grants": list(step.serves),
            "reason": step.reason,
            "risk": step.risk.value,
            "statements": [statement.text for statement in engine.statements(step, inspection)],
            "undo": [statement.undo for statement in engine.statements(step, inspection) if statement.undo],
        }
        for step in plan.steps
    ]


@transaction.atomic
def _succeed(source: Source, lease: Lease) -> None:
    enforcement = lease.lock()
    if enforcement.failed_since is not None:
        record(EnforcementRecovered(source_id=source.pk, source=source.name), by=Principal.objects.system())
    enforcement.failed_since, enforcement.problem = None, ""
    enforcement.checked_at = timezone.now()
    enforcement.save(update_fields=["failed_since", "problem", "checked_at"])


def _end_runs(source: Source, lease: Lease, message: str) -> None:
    """Runs that came to nothing; those of earlier fences were left by workers that died."""
    runs = Reconciliation.objects.filter(source=source, state=_State.RUNNING, fence__lte=lease.fence)
    runs.update(state=_State.FAILED, finished_at=timezone.now(), message=message)


def _fail(source: Source, lease: Lease, message: str) -> None:
    """The source did not answer: nothing is known of it, so nothing counts as given or taken. Raises `LeaseLost`."""
    with transaction.atomic():
        enforcement = lease.lock()
        _end_runs(source, lease, message)
        if enforcement.failed_since is None:
            enforcement.failed_since = timezone.now()
            record(
                EnforcementFailed(source_id=source.pk, source=source.name, problem=message),
                by=Principal.objects.system(),
            )
        enforcement.problem = message
        enforcement.save(update_fields=["failed_since", "problem"])
    wishes = wishes_of(source, lambda path: path)
    new = {grant for grant, state in wishes.states.items() if state in ("provisioning", "provision_failed")}
    settle(
        source,
        Judgement(lacking=dict.fromkeys(new, message), remaining=dict.fromkeys(wishes.ended, message)),
        lease,
    )
