"""From the privilege tables of MariaDB or MySQL to the facts that both engines share, in a fixed number of statements.

Accounts are written `user@host`, roles by their name (one with an `@` in it ends in one, so that none is taken for the
other). The server tells no grantors that could be held apart: who gives a right last takes the others' place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from access.provisioning.facts import (
    PUBLIC,
    AnyFact,
    DefaultRole,
    Member,
    Path,
    Privilege,
    Relation,
    RelationKind,
    Right,
    Role,
)
from access.provisioning.mysql import catalogs
from access.provisioning.mysql.catalogs import Catalogs
from access.provisioning.mysql.views import reads_of

Row: TypeAlias = tuple[Any, ...]
Read: TypeAlias = Callable[[str, Sequence[object]], list[Row]]

_PUBLIC_ROLE = "PUBLIC"


def name_of(user: str, host: str) -> str:
    """An account, or a role, which has no host, as facts name it."""
    if host:
        return f"{user}@{host}"
    if user == _PUBLIC_ROLE:
        return PUBLIC
    return f"{user}@" if "@" in user else user


def facts_of(read: Read, tables: Catalogs, database: str, locked: Iterable[Row]) -> Iterator[AnyFact]:
    """Everything that the privilege tables and the relations of one database (none: of all) tell."""
    closed = {name_of(user, host) for user, host in locked}
    spelled = yield from _relations(read, database)
    yield from _roles(read(tables.accounts, ()), closed)
    for role, role_host, user, host, may_grant in read(tables.members, ()):
        to_account = bool(host)
        # A role of a role is active with it, and cannot be set by itself; one of an account is the other way round.
        yield Member(
            role=name_of(role, role_host),
            member=name_of(user, host),
            inherits=not to_account,
            may_set=to_account,
            may_grant=bool(may_grant),
        )
    for user, host, role, role_host in read(tables.default_roles, ()):
        yield DefaultRole(name_of(user, host), name_of(role, role_host))
    yield from _privileges(read, spelled)


def _roles(rows: Iterable[Row], closed: set[str]) -> Iterator[AnyFact]:
    for user, host, reads_all, may_grant, is_role in rows:
        name = name_of(user, "" if is_role else host)
        if name != PUBLIC:
            yield Role(name, can_login=not is_role and name not in closed)
        if reads_all:
            yield Privilege(Right.SELECT, (), name, may_grant=bool(may_grant))


def _privileges(read: Read, spelled: dict[Path, dict[str, str]]) -> Iterator[AnyFact]:
    for user, host, database, selects, may_grant in read(catalogs.DATABASE_RIGHTS, ()):
        # Rights of the account without a name hold for every user.
        grantee = name_of(user, host) if user else PUBLIC
        right = Right.SELECT if selects else Right.OTHER
        yield Privilege(right, (database or "%",), grantee, may_grant=bool(may_grant), pattern=True)
    for user, host, database, table, selects, may_grant in read(catalogs.TABLE_RIGHTS, ()):
        right = Right.SELECT if selects else Right.OTHER
        yield Privilege(right, (database, table), name_of(user, host), may_grant=bool(may_grant))
    for user, host, database, table, column in read(catalogs.COLUMN_RIGHTS, ()):
        path = (database, table)
        yield Privilege(Right.SELECT, path, name_of(user, host), spelled.get(path, {}).get(column.lower(), str(column)))


def _relations(read: Read, database: str) -> Generator[AnyFact, None, dict[Path, dict[str, str]]]:
    """The relations as facts; returns by path how each column is spelled, by its name in lower case."""
    where, values = _databases(database)

    def rows(statement: str) -> list[Row]:
        return read(statement.replace("{databases}", where), values)

    columns: dict[Path, list[str]] = defaultdict(list)
    for schema, name, column in rows(catalogs.COLUMNS):
        columns[schema, name].append(column)
    views = {(schema, name): told for schema, name, *told in rows(catalogs.VIEWS)}
    spelled = {path: {name.lower(): name for name in names} for path, names in columns.items()}
    for schema, name, kind in rows(catalogs.RELATIONS):
        path = (schema, name)
        names = tuple(columns.get(path, ()))
        if path not in views:
            if kind != "VIEW" and names:
                yield Relation(path, RelationKind.TABLE, "", names)
            continue
        definition, definer, security = views[path]
        user, _, host = definer.rpartition("@")
        yield Relation(
            path=path,
            kind=RelationKind.VIEW,
            owner=name_of(user, host),
            columns=names,
            reads=tuple(_spelled(one, spelled) for one in reads_of(definition or "", schema)),
            as_owner=security == "DEFINER",
            definition=definition or "",
        )
    return spelled


def _spelled(read: Path, spelled: dict[Path, dict[str, str]]) -> Path:
    if len(read) < 3:
        return read
    return (*read[:2], spelled.get(read[:2], {}).get(read[2].lower(), read[2]))


def _databases(database: str) -> tuple[str, list[str]]:
    if database:
        return "BINARY t.TABLE_SCHEMA = %s", [database]
    return "t.TABLE_SCHEMA NOT IN (" + ", ".join(["%s"] * len(catalogs.SYSTEM)) + ")", list(catalogs.SYSTEM)
