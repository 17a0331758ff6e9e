"""The journal in the catalog's database: what was begun and done in a source, and what is the catalog's own there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec
from django.db import transaction
from django.utils import timezone

from access.enforcement.leases import Lease
from access.models import JournalEntry, ManagedObject, Reconciliation
from access.provisioning.adapter import Statement
from access.provisioning.desired import Inspection, MaskedView, Ours, Rules, without_grantor
from access.provisioning.facts import Fact, Member, Path, Privilege, Relation, Role
from access.provisioning.plan import Change, PlannedFact, Step
from catalog.models import Source

_Kind = ManagedObject.Kind

_MAY_YET_COME = dt.timedelta(minutes=15)


def ours_of(source: Source) -> Ours:
    """What the catalog made in a source and did not see go since; one statement."""
    roles, views, privileges = set(), {}, set()
    for kind, name, definition in ManagedObject.objects.filter(source=source, gone_at__isnull=True).values_list(
        "kind", "name", "definition"
    ):
        if kind == _Kind.ROLE:
            roles.add(name)
        elif kind == _Kind.VIEW:
            views[msgspec.json.decode(name, type=Path)] = definition
        else:
            privileges.add(msgspec.json.decode(name, type=Privilege))
    return Ours(frozenset(roles), views, frozenset(privileges))


class DatabaseJournal:
    """A `Journal`. Each of its writes is a transaction, and the first of a step is under the lease."""

    def __init__(self, run: Reconciliation, lease: Lease, rules: Rules) -> None:
        self._run = run
        self._lease = lease
        self._rules = rules
        self._intended: set[tuple[str, str]] = set()

    def intend(self, steps: Sequence[tuple[Step, Sequence[Statement]]]) -> None:
        """Raises `LeaseLost` where another reconciler has the source by now."""
        with transaction.atomic():
            self._lease.lock()
            JournalEntry.objects.bulk_create(
                [self._entry(step, statements) for step, statements in steps],
                batch_size=2_000,
                update_conflicts=True,
                unique_fields=["reconciliation", "key"],
                update_fields=["state", "statements", "undo", "at", "settled_at", "error"],
            )
            added = [step.fact for step, _ in steps if step.change is Change.ADD]
            # What a managed role is given goes with the role, and needs no memory of its own.
            remembered = (Role, MaskedView) if self._rules.manages_roles else (Privilege,)
            made = [named for fact in added if isinstance(fact, remembered) and (named := _named(fact))]
            self._intended.update(made)
            ManagedObject.objects.bulk_create(
                [ManagedObject(source_id=self._run.source_id, kind=kind, name=name) for kind, name in made],
                batch_size=2_000,
                ignore_conflicts=True,
            )

    def done(self, steps: Iterable[Step]) -> None:
        listed = list(steps)
        self._settle(listed, JournalEntry.State.DONE, "")
        made = {_named(step.fact) for step in listed if step.change is Change.ADD}
        # What is made anew stays the catalog's, also where its removal is told done by itself.
        gone = {_named(step.fact) for step in listed if step.change is Change.REMOVE} - made - self._intended
        for kind in _Kind:
            names = [named[1] for named in gone if named and named[0] == kind]
            mine = ManagedObject.objects.filter(source_id=self._run.source_id, gone_at__isnull=True)
            if names:
                mine.filter(kind=kind, name__in=names).update(gone_at=timezone.now())
        remade = [named[1] for named in made if named and named[0] == _Kind.VIEW]
        if remade:
            mine.filter(kind=_Kind.VIEW, name__in=remade).update(definition="")

    def undone(self, steps: Iterable[Step], reason: str) -> None:
        self._settle(steps, JournalEntry.State.UNDONE, reason)

    def _settle(self, steps: Iterable[Step], state: str, error: str) -> None:
        keys = [step.key for step in steps]
        entries = JournalEntry.objects.filter(reconciliation=self._run, key__in=keys)
        entries.update(state=state, settled_at=timezone.now(), error=error)

    def _entry(self, step: Step, statements: Sequence[Statement]) -> JournalEntry:
        return JournalEntry(
            source_id=self._run.source_id,
            reconciliation=self._run,
            key=step.key,
            change=step.change.value,
            fact=msgspec.to_builtins(step.fact),
            statements=[statement.text for statement in statements],
            undo=[statement.undo for statement in statements if statement.undo],
            grants=list(step.serves),
            reason=step.reason,
            risk=step.risk.value,
            state=JournalEntry.State.INTENDED,
            at=timezone.now(),
        )


def learn(source: Source, inspection: Inspection) -> None:
    """Take from a source what became of what was begun there: objects that are gone, and steps that nobody saw end.

    Views that were just made give their definition, by which a later change of them is known. What was made a moment
    ago is not given up: the transaction of a worker that stalled may yet be committed.
    """
    now = timezone.now()
    given = {
        without_grantor(fact)
        for fact in inspection.facts
        if isinstance(fact, Privilege) and fact.grantor == inspection.grants_as(fact.path)
    }
    gone, defined = [], []
    for row in ManagedObject.objects.filter(source=source, gone_at__isnull=True):
        view = None
        if row.kind == _Kind.ROLE:
            is_there = row.name in inspection.roles
        elif row.kind == _Kind.VIEW:
            view = inspection.relations.get(msgspec.json.decode(row.name, type=Path))
            is_there = view is not None
        else:
            is_there = msgspec.json.decode(row.name, type=Privilege) in given
        if not is_there and row.made_at < now - _MAY_YET_COME:
            gone.append(row.pk)
        if view is not None and not row.definition and view.definition:
            row.definition = view.definition
            defined.append(row)
    ManagedObject.objects.bulk_update(defined, ["definition"], batch_size=500)
    if gone:
        ManagedObject.objects.filter(pk__in=gone).update(gone_at=now)
    open_entries = list(JournalEntry.objects.filter(source=source, state=JournalEntry.State.INTENDED))
    for entry in open_entries:
        holds = _holds(msgspec.convert(entry.fact, type=PlannedFact), inspection)
        done = holds is (entry.change == Change.ADD)
        entry.state = JournalEntry.State.DONE if done else JournalEntry.State.UNDONE
        entry.error = "" if done else "The worker ended before this was carried out."
        entry.settled_at = now
    JournalEntry.objects.bulk_update(open_entries, ["state", "error", "settled_at"], batch_size=500)


def _holds(fact: Fact, inspection: Inspection) -> bool:
    match fact:
        case Role(name=name):
            return name in inspection.roles
        case MaskedView(path=path) | Relation(path=path):
            return path in inspection.relations
        case Member(role=role, member=member):
            return any(isinstance(one, Member) and (one.role, one.member) == (role, member) for one in inspection.facts)
        case Privilege():
            wanted = without_grantor(fact)
            return any(isinstance(one, Privilege) and without_grantor(one) == wanted for one in inspection.facts)
        case _:
            return fact in inspection.facts


def _named(fact: Fact) -> tuple[str, str] | None:
    """Under which kind and name the catalog remembers that it made this; None for what goes with its role."""
    match fact:
        case Role(name=name):
            return _Kind.ROLE, name
        case MaskedView(path=path) | Relation(path=path):
            return _Kind.VIEW, msgspec.json.encode(path).decode()
        case Privilege():
            return _Kind.PRIVILEGE, msgspec.json.encode(without_grantor(fact)).decode()
        case _:
            return None
