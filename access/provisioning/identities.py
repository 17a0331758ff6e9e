"""As whom a session reads: the roles whose rights it has, and how it came to have them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from access.provisioning.facts import PUBLIC, AnyFact, DefaultRole, Member, Role

Link: TypeAlias = Member | DefaultRole
Chain: TypeAlias = tuple[Link, ...]
"""From a role to one whose rights it has: each link's member is the role of the link before."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where engines differ in what follows from the same facts.

    `needs_usage`: a relation is reached only with USAGE on its schema, and a server's database with CONNECT.
    `has_hosts`: `user@host` are accounts of one user; what is granted to one holds for sessions from its hosts.
    `nearest_pattern`: of a grantee's patterns that match a database one alone counts.
    `role_adds`: SET ROLE adds a role to the account's own rights instead of taking its place.
    `invoker_in_view`: a view with its invoker's rights asks, inside a definer view, for those of that view's owner.
    """

    needs_usage: bool = False
    has_hosts: bool = False
    nearest_pattern: bool = False
    role_adds: bool = False
    invoker_in_view: bool = False


POSTGRES = Dialect(needs_usage=True)
MYSQL = Dialect(has_hosts=True, nearest_pattern=True, role_adds=True, invoker_in_view=True)


@dataclass(frozen=True, slots=True, eq=False)
class Authority:
    """With whose rights something is read: those of `role`, and of every role in `holds` (by which chain) and `public`."""

    role: str
    holds: Mapping[str, Chain]
    public: Mapping[str, Chain]


def user_of(account: str) -> str:
    """The user of an account `user@host`. Names of roles have no host; one with an `@` in it ends in one."""
    return account.rpartition("@")[0] or account


def host_of(account: str) -> str:
    return account.rpartition("@")[2]


class Identities:
    """The roles of one state and their memberships, walked in both directions. Answers are kept."""

    def __init__(self, facts: Iterable[AnyFact], dialect: Dialect) -> None:
        self.dialect = dialect
        self.roles: dict[str, Role] = {}
        self._above: dict[str, list[Member]] = defaultdict(list)
        self._below: dict[str, list[Link]] = defaultdict(list)
        self._defaults: dict[str, list[DefaultRole]] = defaultdict(list)
        self._accounts: dict[str, list[str]] = defaultdict(list)
        self._known: dict[tuple[str, ...], Authority] = {}
        links: list[Link] = []
        for fact in facts:
            if isinstance(fact, Role):
                self.roles[fact.name] = fact
            elif isinstance(fact, Member | DefaultRole):
                links.append(fact)
        for link in sorted(links, key=lambda link: (link.role, member_of(link))):
            self._below[link.role].append(link)
            if isinstance(link, Member):
                self._above[link.member].append(link)
            else:
                self._defaults[link.account].append(link)
        if dialect.has_hosts:
            for name in self.roles:
                self._accounts[user_of(name)].append(name)
        self._public = self._walk({PUBLIC: ()})

    def reader_of(self, role: str) -> str:
        """Who somebody is: the role, or where accounts have hosts the user of them all."""
        return user_of(role) if self.is_account(role) else role

    def is_account(self, role: str) -> bool:
        """Whether a name is that of an account with a host."""
        return self.dialect.has_hosts and bool(host_of(role)) and "@" in role

    def accounts_of(self, reader: str) -> list[str]:
        """The roles or accounts of a reader."""
        if not self.dialect.has_hosts:
            return [reader] if reader in self.roles else []
        return sorted(name for name in self._accounts[reader] if self.reader_of(name) == reader)

    def at_login(self, account: str) -> Authority:
        """What a new session of an account has, before any SET ROLE."""
        defaults = {link.role: (link,) for link in self._defaults.get(account, ())}
        return self._authority(("login", account), account, {account: (), **defaults})

    def having_set(self, account: str, role: str) -> Authority:
        """What a session of an account has after SET ROLE."""
        if self.dialect.role_adds:
            return self._authority(("set", account, role), account, {account: (), role: ()})
        return self.as_owner(role)

    def as_owner(self, role: str) -> Authority:
        """What a view has that reads with its owner's rights: no role that only a session of the owner would have."""
        return self._authority(("owner", role), role, {role: ()})

    def settable(self, account: str) -> Mapping[str, Chain]:
        """The roles that a session of `account` may take on by SET ROLE, and by which chain; never itself."""
        found = self._walk({account: ()}, at_once=False)
        return {name: chain for name, chain in found.items() if chain}

    def who_may_use(self, holders: Iterable[str]) -> set[str]:
        """Every role that has one of these roles' rights at once or may have them by SET ROLE, the roles among them."""
        found = set(holders)
        waiting = list(found)
        while waiting:
            for link in self._below.get(waiting.pop(), ()):
                member = member_of(link)
                if member not in found:
                    found.add(member)
                    waiting.append(member)
        return found

    def _authority(self, key: tuple[str, ...], role: str, starts: dict[str, Chain]) -> Authority:
        if key not in self._known:
            self._known[key] = Authority(role, self._walk(starts), self._public)
        return self._known[key]

    def _walk(self, starts: Mapping[str, Chain], *, at_once: bool = True) -> dict[str, Chain]:
        """Breadth first, so that each chain is a shortest one."""
        found: dict[str, Chain] = dict(starts)
        waiting = list(starts)
        for name in waiting:
            for link in self._above.get(name, ()):
                if link.role not in found and (link.inherits if at_once else link.may_set):
                    found[link.role] = (*found[name], link)
                    waiting.append(link.role)
        return found


def member_of(link: Link) -> str:
    return link.member if isinstance(link, Member) else link.account
