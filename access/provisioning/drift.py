"""What a source allows that nobody approved, as findings. Pure.

A finding is about somebody who can read something that grants are asked for, by a way that no grant explains. What the
owners and the administrators of a server can do by their office is told once each, not for each table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from access.provisioning.desired import Inspection, Ours, Rules
from access.provisioning.facts import (
    PUBLIC,
    DefaultPrivilege,
    Fact,
    Member,
    Path,
    Privilege,
    Relation,
    Right,
    Role,
)
from access.provisioning.patterns import matches


class DriftKind(StrEnum):
    PRIVILEGE = "privilege"
    PUBLIC = "public"
    SUPERUSER = "superuser"
    MEMBER = "member"
    INHERITED = "inherited"
    DEFAULTS = "defaults"
    DEFINER_VIEW = "definer_view"


class Drift(msgspec.Struct, frozen=True):
    """A finding. `grantee` is who can read (`PUBLIC`: everybody), `path` what (`()`: everything).

    It ends with `fact` and the facts in `beside`, all of them as the source has them. `shown_to` are the roles that read
    by a view, without everybody.
    """

    kind: DriftKind
    sentence: str
    fact: Fact | None
    grantee: str
    path: Path = ()
    columns: tuple[str, ...] = ()
    shown_to: tuple[str, ...] = ()
    beside: tuple[Fact, ...] = ()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What has to go for it to end."""
        return (self.fact, *self.beside) if self.fact is not None else ()

    @property
    def key(self) -> str:
        """The same for the same thing, however often it is seen."""
        told = msgspec.json.encode((self.kind, self.grantee, self.path, sorted(self.columns)))
        return hashlib.sha256(told).hexdigest()[:24]

    @property
    def readers(self) -> tuple[str, ...]:
        """The roles that can read by it; none where only everybody can."""
        if self.kind is DriftKind.DEFINER_VIEW:
            return self.shown_to
        return (self.grantee,) if self.grantee != PUBLIC else ()


def drifts(
    inspection: Inspection, governed: Iterable[Path], logins: Iterable[str], rules: Rules, ours: Ours
) -> list[Drift]:
    """Findings about relations that are `governed` (catalogued datasets), and about the logins of people.

    `ours` are not drift, nor is what an owner of a relation may do with it. The same facts are told in the same order
    and words.
    """
    found = _Drifts(inspection, frozenset(governed), frozenset(logins), rules, ours)
    return sorted(found.all(), key=lambda one: (one.kind, one.grantee, one.path, one.sentence))


class _Drifts:
    def __init__(
        self, inspection: Inspection, governed: frozenset[Path], logins: frozenset[str], rules: Rules, ours: Ours
    ) -> None:
        self.inspection = inspection
        self.governed = governed
        self.logins = logins
        self.rules = rules
        self.ours = ours
        self.above: dict[str, list[Member]] = {}
        for one in sorted(fact for fact in inspection.facts if isinstance(fact, Member)):
            self.above.setdefault(one.member, []).append(one)
        self.below = self._members()

    def _members(self) -> Mapping[str, set[str]]:
        """The members of each role, whether at once or through others."""
        direct: dict[str, set[str]] = {}
        for memberships in self.above.values():
            for one in memberships:
                direct.setdefault(one.role, set()).add(one.member)
        every: dict[str, set[str]] = {}
        for role, members in direct.items():
            seen, todo = set(), list(members)
            while todo:
                member = todo.pop()
                if member not in seen:
                    seen.add(member)
                    todo += direct.get(member, ())
            every[role] = seen
        return every

    def all(self) -> Iterator[Drift]:
        yield from self._privileges()
        yield from self._administrators()
        yield from self._memberships()
        yield from self._defaults()
        yield from self._views()

    def _privileges(self) -> Iterator[Drift]:
        columns: dict[tuple[str, Path], set[str]] = {}
        whole: dict[tuple[str, Path], Privilege] = {}
        grantors: dict[tuple[str, Path], str] = {}
        groups: dict[tuple[str, Path, tuple[str, ...]], set[str]] = {}
        for fact in self.inspection.facts:
            if not isinstance(fact, Privilege) or fact.right is not Right.SELECT or not self._is_foreign(fact):
                continue
            if fact.pattern:
                if any(matches(fact.path[0], path[0]) for path in self.governed):
                    what = f"every table of databases like {fact.path[0]}"
                    yield self._of_databases(fact, what)
                    groups.setdefault((what, fact.path, ()), set()).add(fact.grantee)
                continue
            if fact.path not in self.governed and fact.path != ():
                continue
            place = (fact.grantee, fact.path)
            grantors[place] = max(fact.grantor, grantors.get(place, ""))
            if fact.column:
                columns.setdefault(place, set()).add(fact.column)
            else:
                whole[place] = max(fact, whole.get(place, fact))
        for grantee, path in {*columns, *whole}:
            told = tuple(sorted(columns[grantee, path])) if (grantee, path) not in whole else ()
            fact = whole.get((grantee, path)) or Privilege(Right.SELECT, path, grantee, grantor=grantors[grantee, path])
            what = f"{', '.join(told) or 'all columns'} of {'.'.join(path)}" if path else "every table"
            if grantee == PUBLIC:
                yield Drift(DriftKind.PUBLIC, f"Everybody may read {what}.", fact, grantee, path, told)
                continue
            if path:
                yield Drift(DriftKind.PRIVILEGE, f"{grantee} may read {what}.", fact, grantee, path, told)
            elif self.inspection.has_hosts and grantee in self.inspection.roles:
                sentence = f"{grantee} reads everything: it holds SELECT on the whole server."
                yield Drift(DriftKind.SUPERUSER, sentence, fact, grantee)
            groups.setdefault((what, path, told), set()).add(grantee)
        for (what, path, told), holders in groups.items():
            yield from self._inherited(holders, what, path, told)

    def _inherited(self, holders: set[str], what: str, path: Path, told: tuple[str, ...]) -> Iterator[Drift]:
        """Of each login that is in one of these holders of the same right, whether at once or through others."""
        reached: dict[str, set[str]] = {}
        for holder in holders - self.ours.roles:
            for member in self.below.get(holder, ()):
                if self.inspection.login_of(member) in self.logins:
                    reached.setdefault(member, set()).add(holder)
        for member, those in reached.items():
            first, *beside = self._ways_in(member, those)
            near = {one.role for one in (first, *beside)}
            far = those - near
            so_of = f", and so of {_listed(far)}" if far else ""
            sentence = f"{member} may read {what} as a member of {_listed(near)}{so_of}."
            yield Drift(DriftKind.INHERITED, sentence, first, member, path, told, beside=tuple(beside))

    def _ways_in(self, member: str, holders: set[str]) -> list[Member]:
        """The memberships that let somebody into roles which lead to these: their own, and those of roles that the
        catalog made for them, which stay theirs. With all of them gone no way leads there, and others keep theirs.
        """
        found, waiting, seen = [], [member], {member}
        while waiting:
            for one in self.above.get(waiting.pop(), ()):
                if one.role not in self.ours.roles:
                    if any(one.role == holder or one.role in self.below[holder] for holder in holders):
                        found.append(one)
                elif one.role not in seen:
                    seen.add(one.role)
                    waiting.append(one.role)
        return found

    def _of_databases(self, fact: Privilege, what: str) -> Drift:
        """A right on all databases that a pattern matches, where one of them is governed."""
        if fact.grantee == PUBLIC:
            return Drift(DriftKind.PUBLIC, f"Everybody may read {what}.", fact, PUBLIC, fact.path)
        return Drift(DriftKind.PRIVILEGE, f"{fact.grantee} may read {what}.", fact, fact.grantee, fact.path)

    def _is_foreign(self, fact: Privilege) -> bool:
        relation = self.inspection.relations.get(fact.path)
        if relation is not None and fact.grantee == relation.owner:
            return False
        if fact.grantee == self.inspection.account:
            return False
        ours_now = fact.grantor == self.inspection.grants_as(fact.path)
        if fact.grantee in self.ours.roles:
            return not ours_now
        given = Privilege(fact.right, fact.path, fact.grantee, fact.column)
        return not (ours_now and given in self.ours.privileges)

    def _administrators(self) -> Iterator[Drift]:
        for role in self.inspection.roles.values():
            if role.can_login and role.reads_all and role.name != self.inspection.account:
                sentence = f"{role.name} reads everything: it is a superuser."
                yield Drift(DriftKind.SUPERUSER, sentence, Role(role.name, True, True), role.name)

    def _memberships(self) -> Iterator[Drift]:
        for fact in self.inspection.facts:
            if not isinstance(fact, Member) or fact.role not in self.ours.roles:
                continue
            if fact.member == self.inspection.account or fact.member in self.ours.roles:
                continue
            if fact.grantor not in ("", self.inspection.grants_roles_as):
                sentence = f"{fact.grantor} made {fact.member} a member of {fact.role}, which is the catalog's."
                yield Drift(DriftKind.MEMBER, sentence, fact, fact.member, (fact.role,))

    def _defaults(self) -> Iterator[Drift]:
        schemas = {(), *(path[:-1] for path in self.governed)}
        for fact in self.inspection.facts:
            if not isinstance(fact, DefaultPrivilege) or fact.right is not Right.SELECT:
                continue
            if fact.path not in schemas or fact.grantee in (self.inspection.account, fact.creator):
                continue
            where = f" in {'.'.join(fact.path)}" if fact.path else ""
            whom = fact.grantee or "everybody"
            sentence = f"What {fact.creator} will create{where} can be read by {whom} from its beginning."
            yield Drift(DriftKind.DEFAULTS, sentence, fact, fact.grantee, fact.path)

    def _views(self) -> Iterator[Drift]:
        readers: dict[Path, set[str]] = {}
        for fact in self.inspection.facts:
            if isinstance(fact, Privilege) and fact.right is Right.SELECT and len(fact.path) == 2:
                place = (*fact.path, fact.column) if fact.column else fact.path
                readers.setdefault(place, set()).add(fact.grantee)
        for view in self.inspection.relations.values():
            if not view.as_owner or view.path in self.ours.views:
                continue
            reads = [base for base in view.reads if base[:2] in self.governed]
            bases = sorted({base[:2] for base in reads})
            foreign = readers.get(view.path, set()) - {view.owner, self.inspection.account}
            unexplained = sorted(who for who in foreign if not _reads(who, reads, readers))
            if bases and unexplained:
                shown = ", ".join(".".join(base) for base in bases)
                whom = ", ".join(sorted(who or "everybody" for who in unexplained))
                sentence = f"The view {'.'.join(view.path)} shows {shown} to {whom} without a grant."
                seen = Relation(view.path, view.kind, view.owner, reads=tuple(bases), as_owner=True)
                shown_to = tuple(who for who in unexplained if who != PUBLIC)
                yield Drift(DriftKind.DEFINER_VIEW, sentence, seen, whom, view.path, shown_to=shown_to)


def _reads(who: str, places: Iterable[Path], readers: Mapping[Path, set[str]]) -> bool:
    """Whether somebody, or everybody, may read these relations or columns of them without the view."""
    return all(bool({who, PUBLIC} & (readers.get(place, set()) | readers.get(place[:2], set()))) for place in places)


def _listed(names: Iterable[str]) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} and {last}" if others else last
