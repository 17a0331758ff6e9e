"""Who can read a column, what somebody can read, and why: a walk over the facts of one source. Pure.

It answers what the source itself would do at a login: each way in is found, and where somebody holds a right that
opens nothing, what is lacking. What it cannot know is outside the facts: functions and procedures with their owner's
rights, files of the server, and copies that jobs make.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from access.provisioning.facts import PUBLIC, AnyFact, DefaultPrivilege, Path, Privilege, Relation, RelationKind, Right
from access.provisioning.identities import Authority, Chain, Dialect, Identities, host_of, user_of
from access.provisioning.patterns import matches, matches_host, nearest

WHOLE = ""
"""In place of a column: all of them."""


class Way(StrEnum):
    """How a right comes to who reads by it."""

    SUPERUSER = "superuser"
    VIEW = "view"
    PUBLIC = "public"
    OWNERSHIP = "ownership"
    ROLE = "role"
    DIRECT = "direct"


class Lack(StrEnum):
    """What keeps a right from opening anything."""

    LOGIN = "login"
    CONNECT = "connect"
    USAGE = "usage"
    VIEW_OWNER = "view_owner"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to one column for sessions of `account`, a role, or an account with its host.

    `set_role` must be set first, to which `set_by` leads; "" where it works at once. `held` is the right and `chain`
    leads from the session's role to its grantee; a superuser needs neither. `views`, the outermost first, lie between
    the right and the column; what they show of it is their definitions' matter. `filtered`: row security picks rows.
    `lacks` is empty where the way is open.
    """

    account: str
    way: Way
    held: Privilege | None = None
    chain: Chain = ()
    set_role: str = ""
    set_by: Chain = ()
    views: tuple[Path, ...] = ()
    filtered: bool = False
    lacks: tuple[Lack, ...] = ()

    @property
    def is_open(self) -> bool:
        return not self.lacks

    @property
    def is_immediate(self) -> bool:
        """Whether a session reads at once, without SET ROLE."""
        return not self.set_role


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody and the ways in, open ones first. `can_login` is false of roles that only hold rights."""

    name: str
    can_login: bool
    routes: tuple[Route, ...]

    @property
    def is_open(self) -> bool:
        return any(route.is_open for route in self.routes)

    @property
    def is_immediate(self) -> bool:
        return any(route.is_open and route.is_immediate for route in self.routes)


@dataclass(frozen=True, slots=True)
class Readable:
    """A relation of which somebody reads columns, and the open ways by column; `WHOLE` stands for all of them."""

    relation: Relation
    ways: Mapping[str, tuple[Route, ...]]


@dataclass(frozen=True, slots=True)
class _Session:
    """Whoever logged in as `account`, and with whose rights it now reads; by which chain it set its role, if it did."""

    account: str
    authority: Authority
    set_role: str = ""
    set_by: Chain = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """A right that counts, the chain to its grantee, and whether everybody has it."""

    privilege: Privilege
    chain: Chain
    public: bool = False


_Shown: TypeAlias = tuple[Relation, tuple[Path, ...]]
"""A view, and the chain from it down to what it shows."""


class Readers:
    """The answers for one state. Building it walks the facts once; answers touch what they are about."""

    def __init__(self, facts: Iterable[AnyFact], dialect: Dialect) -> None:
        facts = list(facts)
        self.identities = Identities(facts, dialect)
        self.relations: dict[Path, Relation] = {}
        self._dialect = dialect
        self._exact: dict[Path, list[Privilege]] = defaultdict(list)
        self._patterns: list[Privilege] = []
        self._shown_by: dict[Path, list[tuple[Relation, str]]] = defaultdict(list)
        for fact in facts:
            if isinstance(fact, Relation):
                self.relations[fact.path] = fact
                for read in fact.reads:
                    self._shown_by[read[:2]].append((fact, read[2] if len(read) > 2 else WHOLE))
            elif isinstance(fact, Privilege) and fact.pattern:
                self._patterns.append(fact)
            elif isinstance(fact, Privilege):
                self._exact[fact.path].append(fact)

    def of_column(self, path: Path, column: str) -> list[Reader]:
        """Everybody with a right that bears on a column, open ways or not, by name."""
        return self._readers(path, (WHOLE, column))

    def of_relation(self, path: Path) -> list[Reader]:
        """Everybody with a right that bears on any column of a relation, open ways or not, by name."""
        return self._readers(path, self._every_column(path))

    def of_reader(self, name: str, paths: Iterable[Path] | None = None) -> Iterator[Readable]:
        """What a role, or a user with all accounts, reads of these relations (all of the state), in order of path.

        A view is one of the relations; what it shows of others is in its `reads`.
        """
        accounts = self.identities.accounts_of(name)
        for path in sorted(self.relations if paths is None else paths):
            relation = self.relations.get(path)
            if relation is None:
                continue
            ways: dict[str, list[Route]] = defaultdict(list)
            for account in accounts:
                for route in self._routes(account, path, self._every_column(path), ()):
                    if route.is_open:
                        ways[route.held.column if route.held else WHOLE].append(route)
            if ways:
                yield Readable(relation, {column: tuple(sorted(found, key=_order)) for column, found in ways.items()})

    def can_read(self, account: str, path: Path, column: str = WHOLE, *, set_role: str = "") -> bool:
        """Whether a session of this account, having set this role, reads a column of a relation by naming it."""
        identities = self.identities
        authority = identities.having_set(account, set_role) if set_role else identities.at_login(account)
        if self._lacks_to_enter(account):
            return False
        return self._superuser(authority) or (
            not self._lacks_usage(authority, path)
            and self._selects(authority, path, column)
            and self._body_opens(path, authority, authority)
        )

    # The ways

    def _reader(self, name: str, routes: list[Route]) -> Reader:
        roles = (self.identities.roles.get(account) for account in self.identities.accounts_of(name))
        can_login = any(role is not None and role.can_login for role in roles)
        return Reader(name, can_login, tuple(sorted(routes, key=_order)))

    def _readers(self, path: Path, columns: Sequence[str]) -> list[Reader]:
        views = self._views_of(path, columns)
        readers: dict[str, list[Route]] = defaultdict(list)
        for role in sorted(self._concerned([path, *(view.path for view, _ in views)])):
            for route in self._routes(role, path, columns, views):
                readers[self.identities.reader_of(role)].append(route)
        return [self._reader(name, routes) for name, routes in sorted(readers.items())]

    def _every_column(self, path: Path) -> tuple[str, ...]:
        relation = self.relations.get(path)
        return (WHOLE, *(relation.columns if relation is not None else ()))

    def _concerned(self, places: Iterable[Path]) -> set[str]:
        """The roles that any right on these relations leads to."""
        rights = (right for place in places for right in self._candidates(place))
        holders = {privilege.grantee for privilege in rights if privilege.right is Right.SELECT}
        roles = self.identities.roles
        holders |= {role.name for role in roles.values() if role.reads_all}
        found = self.identities.who_may_use(holders)
        if PUBLIC in found:
            found |= {role.name for role in roles.values() if role.can_login}
        return found & roles.keys()

    def _routes(self, account: str, path: Path, columns: Sequence[str], views: Sequence[_Shown]) -> Iterator[Route]:
        """The ways of one role or account: at a login, then with each role that it may set and that adds something."""
        at_login = _Session(account, self.identities.at_login(account))
        routes = list(self._routes_of_session(at_login, path, columns, views))
        yield from routes
        if self._superuser(at_login.authority):
            return
        known = {(route.held, route.views) for route in routes if route.is_open}
        for role, chain in self.identities.settable(account).items():
            session = _Session(account, self.identities.having_set(account, role), role, chain)
            for route in self._routes_of_session(session, path, columns, views):
                key = (route.held, route.views)
                if key not in known and route.is_open:
                    known.add(key)
                    yield route

    def _routes_of_session(
        self, session: _Session, path: Path, columns: Sequence[str], views: Sequence[_Shown]
    ) -> Iterator[Route]:
        lacks = self._lacks_to_enter(session.account)
        if self._superuser(session.authority):
            route = Route(session.account, Way.SUPERUSER, set_role=session.set_role, set_by=session.set_by)
            yield replace(route, lacks=tuple(lacks))
            return
        yield from self._direct(session, path, columns, lacks)
        for view, chain in views:
            if not any(_lends_rights(self.relations[one]) for one in chain):
                continue  # whoever reads through it holds the column itself, which is a way already
            for route in self._direct(session, view.path, (WHOLE, *view.columns), lacks):
                yield replace(route, way=Way.VIEW, views=chain)

    def _direct(self, session: _Session, path: Path, columns: Sequence[str], lacks: Sequence[Lack]) -> Iterator[Route]:
        """The rights on a relation, or on one of some of its columns."""
        relation, authority = self.relations.get(path), session.authority
        missing = list(lacks)
        if self._lacks_usage(authority, path):
            missing.append(Lack.USAGE)
        if not self._body_opens(path, authority, authority):
            missing.append(Lack.VIEW_OWNER)
        for held in self._held(authority, path):
            if held.privilege.column in columns:
                yield Route(
                    account=session.account,
                    way=_way(held, relation),
                    held=held.privilege,
                    chain=held.chain,
                    set_role=session.set_role,
                    set_by=session.set_by,
                    filtered=self._is_filtered(relation, authority),
                    lacks=tuple(missing),
                )

    # What somebody's rights open

    def _superuser(self, authority: Authority) -> bool:
        found = self.identities.roles.get(authority.role)
        return found is not None and found.reads_all

    def _lacks_to_enter(self, account: str) -> list[Lack]:
        role = self.identities.roles.get(account)
        lacks = [] if role is not None and role.can_login else [Lack.LOGIN]
        authority = self.identities.at_login(account)
        if self._dialect.needs_usage and not self._superuser(authority):
            lacks += [] if self._holds(authority, Right.CONNECT, ()) else [Lack.CONNECT]
        return lacks

    def _lacks_usage(self, authority: Authority, path: Path) -> bool:
        return self._dialect.needs_usage and not self._holds(authority, Right.USAGE, path[:1])

    def _holds(self, authority: Authority, right: Right, place: Path) -> bool:
        return any(
            privilege.right is right and (privilege.grantee in authority.holds or privilege.grantee in authority.public)
            for scope in {place, ()}
            for privilege in self._exact.get(scope, ())
        )

    def _selects(self, authority: Authority, path: Path, column: str) -> bool:
        """Whether rights cover a column, leaving aside schemas and what a view reads."""
        return self._superuser(authority) or any(
            held.privilege.column in (WHOLE, column) for held in self._held(authority, path)
        )

    def _is_filtered(self, relation: Relation | None, authority: Authority) -> bool:
        if relation is None or not relation.row_security or relation.owner in authority.holds:
            return False
        found = self.identities.roles.get(authority.role)
        return not (found is not None and found.bypasses_row_security)

    def _body_opens(
        self, path: Path, session: Authority, asker: Authority, within: frozenset[Path] = frozenset()
    ) -> bool:
        """Whether what a relation reads is open to whose rights it reads with; true of tables.

        `asker` is in whose name it is read, which inside a definer view is that view's owner.
        """
        relation = self.relations.get(path)
        if relation is None or relation.kind is not RelationKind.VIEW:
            return True
        if path in within:
            return False
        if relation.as_owner:
            reading = self.identities.as_owner(relation.owner)
        else:
            reading = asker if self._dialect.invoker_in_view else session
        return all(
            self._selects(reading, read[:2], read[2] if len(read) > 2 else WHOLE)
            and self._body_opens(read[:2], session, reading, within | {path})
            for read in relation.reads
        )

    def _views_of(self, path: Path, columns: Sequence[str]) -> list[_Shown]:
        """The relations that show one of some columns, directly or through others."""
        found: dict[Path, tuple[Path, ...]] = {}
        waiting: list[tuple[Path, Sequence[str], tuple[Path, ...]]] = [(path, columns, ())]
        for place, shown, chain in waiting:
            for view, read in self._shown_by.get(place, ()):
                if view.path in found or view.path == path or read not in shown:
                    continue
                found[view.path] = (view.path, *chain)
                waiting.append((view.path, self._every_column(view.path), found[view.path]))
        return [(self.relations[view], chain) for view, chain in sorted(found.items())]

    # Which rights count

    def _candidates(self, path: Path) -> Iterator[Privilege]:
        """Every right, of any kind, whose place covers a relation."""
        for place in (path, path[:1], ()):
            yield from self._exact.get(place, ())
        for privilege in self._patterns:
            if matches(privilege.path[0], path[0]):
                yield privilege

    def _held(self, authority: Authority, path: Path) -> list[_Held]:
        """The rights to read (some of) a relation, with the chain to each."""
        held: list[_Held] = []
        for privilege in self._candidates(path):
            grantee = privilege.grantee
            if grantee in authority.holds:
                held.append(_Held(privilege, authority.holds[grantee]))
            elif privilege.path and self._is_of_same_user(authority.role, grantee):
                held.append(_Held(privilege, ()))
            if grantee in authority.public:
                held.append(_Held(privilege, authority.public[grantee], public=True))
        if self._dialect.nearest_pattern:
            held = self._effective(held)
        return [one for one in held if one.privilege.right is Right.SELECT]

    def _is_of_same_user(self, role: str, grantee: str) -> bool:
        """Whether a grant to another account of the user holds for sessions from this account's host."""
        if not (self.identities.is_account(role) and self.identities.is_account(grantee)):
            return False
        return user_of(role) == user_of(grantee) and matches_host(host_of(grantee), host_of(role))

    def _effective(self, held: Iterable[_Held]) -> list[_Held]:
        """What counts where the nearest does alone: among an account's own rights at one place those of the nearest
        host, and among a grantee's patterns the nearest. Own rights, those of roles, and everybody's add up.
        """
        groups: dict[tuple[str, Path], list[_Held]] = defaultdict(list)
        for one in held:
            own = not one.public and self.identities.is_account(one.privilege.grantee)
            place = _ANY_DATABASE if one.privilege.pattern else one.privilege.path
            groups["own" if own else "public" if one.public else "roles", place].append(one)
        kept: list[_Held] = []
        for (whose, place), members in groups.items():
            if whose == "own" and place:
                hosts = nearest({host_of(one.privilege.grantee) for one in members})
                members = [one for one in members if host_of(one.privilege.grantee) in hosts]
            if place == _ANY_DATABASE:
                patterns = nearest({one.privilege.path[0] for one in members})
                members = [one for one in members if one.privilege.path[0] in patterns]
            kept.extend(members)
        return kept


_ANY_DATABASE: Path = ("*", "*", "*")
"""Where patterns meet in `_effective`; no path of theirs is so long."""


def _way(held: _Held, relation: Relation | None) -> Way:
    if held.public:
        return Way.PUBLIC
    if relation is not None and held.privilege.grantee == relation.owner and held.privilege.path == relation.path:
        return Way.OWNERSHIP
    return Way.ROLE if held.chain else Way.DIRECT


def _lends_rights(relation: Relation) -> bool:
    """Whether who reads through a relation needs no right on what it reads: a definer view, or a copy, or a parent."""
    return relation.as_owner or relation.kind is not RelationKind.VIEW


def born_with(facts: Iterable[AnyFact], schema: str) -> list[DefaultPrivilege]:
    """Who may read what will yet be created in a schema, by the creator's default privileges."""
    return sorted(
        fact
        for fact in facts
        if isinstance(fact, DefaultPrivilege) and fact.right is Right.SELECT and fact.path in ((), (schema,))
    )


def _order(route: Route) -> tuple[bool, bool, int, int, str, str]:
    """Open before closed, at once before SET ROLE, what concerns all before what concerns one."""
    grantee = route.held.grantee if route.held else ""
    return bool(route.lacks), bool(route.set_role), _WAYS.index(route.way), len(route.chain), grantee, route.account


_WAYS = list(Way)
