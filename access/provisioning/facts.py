"""What a source says of who may read what, as facts that PostgreSQL and MariaDB share. Pure: no Django, no driver.

A fact is what one row of the source's own catalogs tells. What the source allows now, what the approved grants want
and what was once seen are sets of the same facts; so a plan is a difference of sets, the reader of a column is a walk
over one, and history is facts with a time.

A path is the native path of an object, `("sales", "orders")`; of a whole schema or database its one part; `()` is the
server. Names are as the catalogs hold them, never quoted. A MariaDB account is written `user@host`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

Path: TypeAlias = tuple[str, ...]

PUBLIC = ""
"""The grantee that is everybody."""


class Right(StrEnum):
    """What a privilege allows. `all` is what an engine grants as one (MariaDB's `ALL`, a superuser's nothing)."""

    SELECT = "select"
    USAGE = "usage"
    CONNECT = "connect"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    CREATE = "create"
    EXECUTE = "execute"
    OTHER = "other"


class RelationKind(StrEnum):
    TABLE = "table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized_view"
    FOREIGN_TABLE = "foreign_table"


class Fact(msgspec.Struct, frozen=True, tag=True, omit_defaults=True, order=True):
    """One of the classes below. Hashable, ordered within its class, and JSON by `msgspec`, tagged with its class."""


class Role(Fact, frozen=True):
    """A role, user or account. `reads_all` is PostgreSQL's superuser; MariaDB's rights on everything are privileges."""

    name: str
    can_login: bool = False
    reads_all: bool = False
    bypasses_row_security: bool = False


class Member(Fact, frozen=True):
    """`member` is in `role`. Without `inherits` its rights count only after SET ROLE, which `may_set` allows."""

    role: str
    member: str
    grantor: str = ""
    inherits: bool = True
    may_set: bool = True
    may_grant: bool = False


class DefaultRole(Fact, frozen=True):
    """The role that is active in a new session of an account (MariaDB has one, and needs it)."""

    account: str
    role: str


class Privilege(Fact, frozen=True):
    """A right on an object, or on one `column` of it. `grantee` is a role's name, or `PUBLIC`.

    `pattern` marks MariaDB's database rights, whose path is matched with `_` and `%` as wildcards.
    """

    right: Right
    path: Path
    grantee: str
    column: str = ""
    grantor: str = ""
    may_grant: bool = False
    pattern: bool = False


class SchemaOwner(Fact, frozen=True):
    """Who owns a schema."""

    path: Path
    owner: str


class Relation(Fact, frozen=True):
    """A table or view. `reads` are the relations that a view's definition reads; `as_owner` that it does so with its
    owner's rights whoever asks (a definer view). `oid` tells a table dropped and made anew from the old one ("": the
    engine has none). `comment` carries the catalog's mark on what it created.
    """

    path: Path
    kind: RelationKind
    owner: str
    columns: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()
    as_owner: bool = False
    row_security: bool = False
    definition: str = ""
    oid: str = ""
    comment: str = ""


class DefaultPrivilege(Fact, frozen=True):
    """What an object that `creator` will create in a schema (`()`: in any) is born with."""

    creator: str
    right: Right
    grantee: str
    path: Path = ()


AnyFact: TypeAlias = Role | Member | DefaultRole | Privilege | SchemaOwner | Relation | DefaultPrivilege
SourceState: TypeAlias = frozenset[AnyFact]
