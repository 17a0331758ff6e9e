"""The statements of a step. Names are quoted by psycopg; no name is ever text of a statement."""

from __future__ import annotations

from typing import assert_never

from psycopg import sql

from access.provisioning.adapter import Statement
from access.provisioning.desired import MaskedView
from access.provisioning.facts import (
    PUBLIC,
    DefaultPrivilege,
    DefaultRole,
    Fact,
    Member,
    Path,
    Privilege,
    Relation,
    Right,
    Role,
)
from access.provisioning.plan import Change, Step
from access.provisioning.postgres.masking import shown

_ROLE_COMMENT = "Made and dropped by the data catalog; do not edit."
_SALT = "dc_salt"

_RIGHTS = {Right.SELECT: sql.SQL("SELECT"), Right.USAGE: sql.SQL("USAGE")}


def statements_of(step: Step, *, sets_inherit: bool) -> tuple[Statement, ...]:
    """What carries out a step, in order. `sets_inherit`: memberships have options of their own (16 and later)."""
    forward, backward = _script(step, sets_inherit), _script(step.inverse, sets_inherit)
    undo = "; ".join(backward)
    return tuple(Statement(text, undo if place == len(forward) - 1 else "") for place, text in enumerate(forward))


def remedies_of(fact: Fact) -> tuple[str, ...]:
    """What ends a finding about this fact, for a superuser to run in one session."""
    composed: sql.Composed | None = None
    match fact:
        case Privilege(right=Right.SELECT):
            # A REVOKE takes only what its own role gave. That of a table takes its columns along.
            revoke = _privilege(Privilege(fact.right, fact.path, fact.grantee), adds=False).as_string(None)
            role = sql.SQL("SET ROLE {}").format(sql.Identifier(fact.grantor)).as_string(None)
            return (role, revoke, "RESET ROLE") if fact.grantor else (revoke,)
        case Member():
            composed = _member(fact, adds=False, sets_inherit=True)
            if fact.grantor:
                composed += sql.SQL(" GRANTED BY {}").format(sql.Identifier(fact.grantor))
        case Role(reads_all=True):
            composed = sql.SQL("ALTER ROLE {} NOSUPERUSER").format(sql.Identifier(fact.name))
        case DefaultPrivilege():
            where = sql.SQL(" IN SCHEMA {}").format(sql.Identifier(*fact.path)) if fact.path else sql.SQL("")
            composed = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {}{} REVOKE SELECT ON TABLES FROM {}").format(
                sql.Identifier(fact.creator), where, _whom(fact.grantee)
            )
        case Relation(as_owner=True):
            composed = sql.SQL("ALTER VIEW {} SET (security_invoker = true)").format(sql.Identifier(*fact.path))
    return (composed.as_string(None),) if composed is not None else ()


def _whom(grantee: str) -> sql.Composable:
    return sql.Identifier(grantee) if grantee != PUBLIC else sql.SQL("PUBLIC")


def _script(step: Step, sets_inherit: bool) -> list[str]:
    adds = step.change is Change.ADD
    fact = step.fact
    match fact:
        case Role(name=name):
            composed = _role(name, adds)
        case Member():
            composed = [_member(fact, adds, sets_inherit)]
        case Privilege():
            composed = [_privilege(fact, adds)]
        case MaskedView():
            composed = _masked_view(fact) if adds else [_drop_view(fact.path)]
        case Relation():
            composed = [_view_again(fact)] if adds else [_drop_view(fact.path)]
        case DefaultRole():
            raise ValueError("PostgreSQL has no default roles.")
        case _:
            assert_never(fact)
    return [one.as_string(None) for one in composed]


def _role(name: str, adds: bool) -> list[sql.Composed]:
    role = sql.Identifier(name)
    if not adds:
        return [sql.SQL("DROP ROLE {}").format(role)]
    return [
        sql.SQL("CREATE ROLE {} NOLOGIN").format(role),
        sql.SQL("COMMENT ON ROLE {} IS {}").format(role, sql.Literal(_ROLE_COMMENT)),
    ]


def _member(fact: Member, adds: bool, sets_inherit: bool) -> sql.Composed:
    role, member = sql.Identifier(fact.role), sql.Identifier(fact.member)
    if not adds:
        return sql.SQL("REVOKE {} FROM {}").format(role, member)
    # A session that cannot SET ROLE loses its rights with the membership, at its next statement.
    options = sql.SQL(" WITH INHERIT TRUE, SET FALSE" if sets_inherit else "")
    return sql.SQL("GRANT {} TO {}{}").format(role, member, options)


def _privilege(fact: Privilege, adds: bool) -> sql.Composed:
    right: sql.Composable = _RIGHTS[fact.right]
    if fact.column:
        right = sql.SQL("{} ({})").format(right, sql.Identifier(fact.column))
    thing = sql.SQL("SCHEMA" if fact.right is Right.USAGE else "TABLE")
    template = "GRANT {} ON {} {} TO {}" if adds else "REVOKE {} ON {} {} FROM {}"
    return sql.SQL(template).format(right, thing, sql.Identifier(*fact.path), _whom(fact.grantee))


def _masked_view(view: MaskedView) -> list[sql.Composed]:
    salt = sql.Identifier(*view.path[:-1], _SALT)
    columns = sql.SQL(", ").join(shown(column, salt) for column in view.columns)
    name = sql.Identifier(*view.path)
    return [
        sql.SQL("CREATE TABLE IF NOT EXISTS {} (salt text NOT NULL)").format(salt),
        sql.SQL(
            "INSERT INTO {} SELECT gen_random_uuid()::text || gen_random_uuid()::text WHERE NOT EXISTS (SELECT FROM {})"
        ).format(salt, salt),
        sql.SQL("CREATE VIEW {} WITH (security_barrier = true) AS SELECT {} FROM {}").format(
            name, columns, sql.Identifier(*view.base)
        ),
        sql.SQL("COMMENT ON VIEW {} IS {}").format(name, sql.Literal(_ROLE_COMMENT)),
    ]


def _view_again(view: Relation) -> sql.Composed:
    definition = sql.SQL(view.definition.rstrip().rstrip(";"))  # as pg_get_viewdef wrote it
    return sql.SQL("CREATE VIEW {} WITH (security_barrier = true) AS {}").format(sql.Identifier(*view.path), definition)


def _drop_view(path: Path) -> sql.Composed:
    return sql.SQL("DROP VIEW {}").format(sql.Identifier(*path))
