"""What to change in a source: the difference between what approved grants want and what the source holds. Pure.

A step adds or removes one fact; so each has an inverse, and a plan right after its own apply is empty. Nothing is
removed but what the catalog made by its journal, and nothing that another grantor gave.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import msgspec

from access.provisioning.desired import (
    Desired,
    Inspection,
    MaskedView,
    Ours,
    Reading,
    Rules,
    Wanted,
    desired,
    role_name,
    view_path,
    without_grantor,
    wrapper_name,
)
from access.provisioning.facts import DefaultRole, Member, Path, Privilege, Relation, Right, Role


class Change(StrEnum):
    ADD = "add"
    REMOVE = "remove"


class Risk(StrEnum):
    """`low` gives what was approved, `medium` takes what is over, `high` takes what no grant that ended explains."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


PlannedFact: TypeAlias = Role | Member | DefaultRole | Privilege | MaskedView | Relation


class Step(msgspec.Struct, frozen=True):
    """One change, the grants that it serves (or ends), why, and how much is at stake.

    A view is added as a `MaskedView` and removed as the `Relation` that was found.
    """

    change: Change
    fact: PlannedFact
    serves: tuple[int, ...] = ()
    reason: str = ""
    risk: Risk = Risk.LOW

    @property
    def key(self) -> str:
        """The same for the same change, whatever it serves."""
        return hashlib.sha256(msgspec.json.encode((self.change, self.fact))).hexdigest()[:24]

    @property
    def inverse(self) -> Step:
        back = Change.REMOVE if self.change is Change.ADD else Change.ADD
        return Step(back, self.fact, self.serves, f"Undoes: {self.reason}", Risk.HIGH)

    @property
    def takes(self) -> bool:
        """Whether it takes access from somebody."""
        return self.change is Change.REMOVE and isinstance(self.fact, Member | Privilege)

    @property
    def is_due(self) -> bool:
        """Whether it ends what an ended grant gave: that never waits for a confirmation."""
        return self.change is Change.REMOVE and bool(self.serves)


class Plan(msgspec.Struct, frozen=True):
    """Steps in the order in which they are carried out, and by grant what it should read and what stands in its way."""

    steps: tuple[Step, ...] = ()
    readings: Mapping[int, Reading] = {}
    problems: Mapping[int, str] = {}

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def hash(self) -> str:
        """Tells plans apart by what they change, in which order."""
        return hashlib.sha256(msgspec.json.encode([(step.change, step.fact) for step in self.steps])).hexdigest()

    @property
    def unexplained_revokes(self) -> int:
        return sum(step.takes and not step.serves for step in self.steps)

    def held_by(self, rules: Rules) -> str:
        """Why the plan waits for a person whatever the mode, as a sentence; empty where it need not."""
        revokes = self.unexplained_revokes
        if revokes <= rules.revoke_limit:
            return ""
        return (
            f"{revokes} revocations follow from no grant that ended, and this source's limit is {rules.revoke_limit} a"
            f" run. Look at the plan, then confirm it or correct its cause."
        )

    def due(self) -> Plan:
        """The part that ends what is over, and gives back at once what that takes along."""
        wiped = {_place(step.fact) for step in self.steps if step.is_due and _wipes(step)}
        kept = [
            step
            for step in self.steps
            if step.is_due or (isinstance(step.fact, Privilege) and step.fact.column and _place(step.fact) in wiped)
        ]
        return msgspec.structs.replace(self, steps=tuple(kept))

    def without(self, skipped: Mapping[str, str]) -> Plan:
        """The plan less the steps that the source refused (key → its words), and less what serves only their grants.

        The grants concerned have the source's words as their problem.
        """
        refused = [step for step in self.steps if step.key in skipped]
        problems = {grant: skipped[step.key] for step in refused for grant in step.serves}
        stuck = {grant for step in refused if step.change is Change.ADD for grant in step.serves}
        kept = [
            step
            for step in self.steps
            if step.key not in skipped
            and not (step.change is Change.ADD and step.serves and stuck.issuperset(step.serves))
        ]
        return Plan(tuple(kept), self.readings, {**self.problems, **problems})


@dataclass(frozen=True)
class Comparison:
    """What grants want of a source beside what it holds. `leaving` are ended grants: they explain what is taken.

    Two of the same are equal, which takes far less than to work out once more what they tell.
    """

    grants: tuple[Wanted, ...]
    leaving: tuple[Wanted, ...]
    inspection: Inspection
    rules: Rules
    ours: Ours

    @cached_property
    def plan(self) -> Plan:
        """What makes the source hold what `grants` want."""
        last = _taken_last(self._steps)
        steps = sorted(self._steps, key=lambda step: (step in last, *_order(step)))
        return Plan(tuple(steps), self._wanted.readings, self._wanted.problems)

    @cached_property
    def held_still(self) -> Mapping[int, str]:
        """Of which ended grants the source still holds something that no other grant wants, with why, as a sentence."""
        wanted, ended, inspection, ours = self._wanted, self._ended, self.inspection, self.ours
        found: dict[int, str] = {}
        for step in self._steps:
            if step.is_due and step.takes:
                told = "What it gave is still there; it is taken as soon as that works."
                found.update(dict.fromkeys(step.serves, told))
        asked = {(fact.role, fact.member) for fact in wanted.facts if isinstance(fact, Member)}
        for fact in inspection.facts:
            if isinstance(fact, Member) and fact.role in ours.roles and (fact.role, fact.member) not in asked:
                told = (
                    f"{fact.grantor or 'Somebody'} made {fact.member} a member of {fact.role}; only they can undo that."
                )
                if fact.grantor not in ("", inspection.grants_roles_as):
                    found.update(dict.fromkeys(ended.of_member(fact.role, fact.member), told))
            if isinstance(fact, Privilege) and _is_astray(fact, wanted, inspection, self.rules, ours):
                told = (
                    f"{fact.grantee} reads {'.'.join(fact.path)} by a right that {fact.grantor} gave, perhaps before"
                    f" something was renamed. Revoke it as {fact.grantor}, or adopt its finding as a grant."
                )
                found.update(dict.fromkeys(ended.of_login(fact.grantee), told))
        return found

    @cached_property
    def _wanted(self) -> Desired:
        return desired(self.grants, self.inspection, self.rules, self.ours)

    @cached_property
    def _ended(self) -> _Ended:
        return _Ended(self.leaving, self.inspection, self.rules)

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return tuple(_differences(self._wanted, self._ended, self.inspection, self.rules, self.ours))


def make_plan(
    grants: Iterable[Wanted],
    leaving: Iterable[Wanted],
    inspection: Inspection,
    rules: Rules,
    ours: Ours,
) -> Plan:
    """What makes the source hold what `grants` want; see `Comparison`."""
    return Comparison(tuple(grants), tuple(leaving), inspection, rules, ours).plan


def _is_astray(fact: Privilege, wanted: Desired, inspection: Inspection, rules: Rules, ours: Ours) -> bool:
    """Whether a login got this from the catalog's account under a name that the journal does not know.

    PostgreSQL keeps the rights on a table or a column that is renamed, so they may be what an ended grant gave.
    """
    return (
        not rules.manages_roles
        and inspection.tells_grantors
        and fact.right is Right.SELECT
        and fact.grantor == inspection.account
        and fact not in wanted.facts
        and without_grantor(fact) not in ours.privileges
    )


def _differences(wanted: Desired, ended: _Ended, inspection: Inspection, rules: Rules, ours: Ours) -> Iterator[Step]:
    views = list(_views(wanted, ended, inspection, ours))
    yield from views
    replaced = {step.fact.path for step in views if isinstance(step.fact, Relation)}
    yield from _privileges(wanted, ended, inspection, ours, replaced)
    yield from _members(wanted, ended, inspection, ours)
    yield from _default_roles(wanted, ended, inspection, ours)
    named = {fact.name for fact in wanted.facts if isinstance(fact, Role)}
    for fact, grants in wanted.facts.items():
        if isinstance(fact, Role) and fact.name not in inspection.roles:
            yield _added(fact, grants)
    for name in ours.roles - named:
        if name in inspection.roles:
            yield _removed(Role(name), ended.of_role(name))


def _views(wanted: Desired, ended: _Ended, inspection: Inspection, ours: Ours) -> Iterator[Step]:
    asked = {fact.path: fact for fact in wanted.facts if isinstance(fact, MaskedView)}
    for path in ours.views:
        there = inspection.relations.get(path)
        if there is not None and path not in asked:
            yield _removed(there, ended.of_view(path))
    for path, view in asked.items():
        there = inspection.relations.get(path)
        grants = wanted.facts[view]
        if there is not None and not _shows(there, view, ours.views.get(path, "")):
            yield Step(Change.REMOVE, there, (), "It no longer shows what was approved, and is made anew.", Risk.LOW)
            yield _added(view, grants)
        elif there is None:
            yield _added(view, grants)


def _shows(there: Relation, view: MaskedView, definition: str) -> bool:
    same_columns = there.columns == tuple(one.name for one in view.columns)
    return same_columns and there.as_owner and (not definition or there.definition == definition)


def _privileges(
    wanted: Desired, ended: _Ended, inspection: Inspection, ours: Ours, replaced: set[Path]
) -> Iterator[Step]:
    asked = {fact for fact in wanted.facts if isinstance(fact, Privilege)}
    given = {
        Privilege(fact.right, fact.path, fact.grantee, fact.column, fact.grantor)
        for fact in inspection.facts
        if isinstance(fact, Privilege) and fact.right in _GIVEN and fact.grantor == inspection.grants_as(fact.path)
    }
    made = {fact for fact in given if fact.grantee in ours.roles or without_grantor(fact) in ours.privileges}
    taken = {fact for fact in made - asked if fact.path not in replaced}
    for fact in taken:
        yield _removed(fact, ended.of_privilege(fact))
    # Taking a right on a table takes those on its columns along; dropping a view takes all.
    wiped = {_place(fact) for fact in taken if not fact.column}
    again = {fact for fact in (given - taken) | asked if fact.column and _place(fact) in wiped}
    again |= {fact for fact in asked if fact.path in replaced}
    for fact in (asked - made) | again:
        yield _added(fact, wanted.facts.get(fact, frozenset()))


def _members(wanted: Desired, ended: _Ended, inspection: Inspection, ours: Ours) -> Iterator[Step]:
    asked = {(fact.role, fact.member): fact for fact in wanted.facts if isinstance(fact, Member)}
    there = [fact for fact in inspection.facts if isinstance(fact, Member) and fact.role in ours.roles]
    holding = {(fact.role, fact.member) for fact in there if fact.inherits or not inspection.sets_inherit}
    for pair, fact in asked.items():
        if pair not in holding:
            yield _added(fact, wanted.facts[fact])
    for pair in {(fact.role, fact.member) for fact in there if fact.grantor in ("", inspection.grants_roles_as)}:
        if pair not in asked and pair[1] != inspection.account:
            yield _removed(Member(*pair), ended.of_member(*pair))


def _default_roles(wanted: Desired, ended: _Ended, inspection: Inspection, ours: Ours) -> Iterator[Step]:
    asked = {fact for fact in wanted.facts if isinstance(fact, DefaultRole)}
    there = {fact for fact in inspection.facts if isinstance(fact, DefaultRole) and fact.role in ours.roles}
    for fact in asked - there:
        yield _added(fact, wanted.facts[fact])
    taken_over = {fact.account for fact in asked}
    for fact in there - asked:
        if fact.account not in taken_over:
            yield _removed(fact, ended.of_role(fact.role))


class _Ended:
    """Which ended grants explain that something is taken."""

    def __init__(self, leaving: Iterable[Wanted], inspection: Inspection, rules: Rules) -> None:
        self._of: dict[tuple[str, ...], set[int]] = {}
        for wanted in leaving:
            role, wrapper = role_name(rules, wanted), wrapper_name(rules, wanted.login)
            schema = wanted.path[:-1]
            keys: list[tuple[str, ...]] = [
                ("role", role),
                ("role", wrapper),
                ("member", role, wrapper),
                ("view", *view_path(rules, wanted)),
            ]
            for login in inspection.accounts_of(wanted.login) or (wanted.login,):
                keys += [
                    ("login", login),
                    ("member", role, login),
                    ("member", wrapper, login),
                    ("privilege", login, *wanted.path),
                    ("privilege", login, *schema),
                ]
            for key in keys:
                self._of.setdefault(key, set()).add(wanted.grant_id)

    def of_role(self, name: str) -> frozenset[int]:
        return frozenset(self._of.get(("role", name), ()))

    def of_member(self, role: str, member: str) -> frozenset[int]:
        return frozenset(self._of.get(("member", role, member), ()))

    def of_login(self, name: str) -> frozenset[int]:
        return frozenset(self._of.get(("login", name), ()))

    def of_view(self, path: Path) -> frozenset[int]:
        return frozenset(self._of.get(("view", *path), ()))

    def of_privilege(self, fact: Privilege) -> frozenset[int]:
        return self.of_role(fact.grantee) or frozenset(self._of.get(("privilege", fact.grantee, *fact.path), ()))


def _added(fact: PlannedFact, grants: frozenset[int]) -> Step:
    reason = f"{_named(grants)} asks for it." if grants else "It is given back, because another step takes it along."
    return Step(Change.ADD, fact, tuple(sorted(grants)), reason, Risk.LOW)


def _removed(fact: PlannedFact, ended: frozenset[int]) -> Step:
    if ended:
        return Step(Change.REMOVE, fact, tuple(sorted(ended)), f"{_named(ended)} is over.", Risk.MEDIUM)
    return Step(Change.REMOVE, fact, (), "No grant asks for it.", Risk.HIGH)


def _named(grants: Iterable[int]) -> str:
    listed: Sequence[int] = sorted(grants)
    return f"Grant {listed[0]}" if len(listed) == 1 else f"Each of {len(listed)} grants"


def _place(fact: object) -> tuple[Path, str]:
    return (fact.path, fact.grantee) if isinstance(fact, Privilege) else ((), "")


def _wipes(step: Step) -> bool:
    return isinstance(step.fact, Privilege) and not step.fact.column


_GIVEN = (Right.SELECT, Right.USAGE)
"""All that the catalog ever grants, and therefore takes."""

_REMOVALS: tuple[type, ...] = (DefaultRole, Member, Privilege, Relation, Role)
_ADDITIONS: tuple[type, ...] = (Role, MaskedView, Privilege, Member, DefaultRole)


def _taken_last(steps: Iterable[Step]) -> frozenset[Step]:
    """What somebody loses who gets another set of columns or masks for it, though no grant of theirs ended: it is taken
    once the other is given, for an engine without transactions would show them nothing in between. What went through
    the role that they leave goes with it.
    """
    listed = tuple(steps)
    added = [step.fact for step in listed if step.change is Change.ADD]
    removed = [step for step in listed if step.change is Change.REMOVE]
    moving = {fact.member for fact in added if isinstance(fact, Member)}
    left = [
        step for step in removed if isinstance(step.fact, Member) and step.fact.member in moving and not step.is_due
    ]
    roles = {step.fact.role for step in left if isinstance(step.fact, Member)}
    dropped = {step.fact.name for step in removed if isinstance(step.fact, Role)} & roles
    remade = {fact.path for fact in added if isinstance(fact, MaskedView)}

    def hangs_on_one(fact: PlannedFact) -> bool:
        match fact:
            case Role(name=name) | Privilege(grantee=name):
                return name in dropped
            case Relation(path=path):
                return bool(dropped) and path not in remade
        return False

    return frozenset([*left, *(step for step in removed if hangs_on_one(step.fact))])


def _order(step: Step) -> tuple[int, int, bytes]:
    """What is taken goes first, from the person inward; what is given comes last to the person.

    A right on a table goes before those on its columns, which it takes along.
    """
    kinds = _REMOVALS if step.change is Change.REMOVE else _ADDITIONS
    column = int(isinstance(step.fact, Privilege) and bool(step.fact.column))
    rank = kinds.index(type(step.fact)) + (0 if step.change is Change.REMOVE else len(kinds))
    return rank, column, msgspec.json.encode(step.fact)
