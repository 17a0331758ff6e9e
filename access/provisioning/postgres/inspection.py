"""What PostgreSQL's catalogs say of who may read what, as facts. Eight statements, however large the database.

`pg_catalog` is readable by every role, where `information_schema` shows a role its own grants only. Rights that a NULL
access list stands for come from `acldefault`. Only rights to read are facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from access.provisioning.desired import Inspection
from access.provisioning.facts import (
    PUBLIC,
    AnyFact,
    DefaultPrivilege,
    Member,
    Path,
    Privilege,
    Relation,
    RelationKind,
    Right,
    Role,
    SchemaOwner,
)

_SEPARATE_OPTIONS = 160_000
"""From 16 on a membership itself says whether it is inherited and whether SET ROLE is allowed."""

_ACCOUNT = """
SELECT current_user, current_setting('server_version_num')::int, rolsuper, pg_get_userbyid(10)
FROM pg_roles WHERE rolname = current_user
"""
_ROLES = """
SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, pg_has_role(current_user, oid, 'USAGE') FROM pg_roles
"""
_MEMBERS = """
SELECT r.rolname, m.rolname, pg_get_userbyid(a.grantor), a.inherit_option, a.set_option, a.admin_option
FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
"""
_MEMBERS_BEFORE_16 = """
SELECT r.rolname, m.rolname, '', m.rolinherit, true, a.admin_option
FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
"""
# Rights on the database, on schemas, on relations and on columns, in one shape.
_PRIVILEGES = """
WITH namespaces AS (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_(toast|temp)' AND nspname NOT IN ('pg_catalog', 'information_schema')
), relations AS (
    SELECT c.oid, n.nspname, c.relname, c.relowner, c.relacl
    FROM pg_class c JOIN namespaces n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
), rights AS (
    SELECT ARRAY[]::text[] AS path, '' AS col, (aclexplode(coalesce(datacl, acldefault('d', datdba)))).*
    FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT ARRAY[nspname::text], '', (aclexplode(coalesce(nspacl, acldefault('n', nspowner)))).* FROM namespaces
    UNION ALL
    SELECT ARRAY[nspname::text, relname::text], '', (aclexplode(coalesce(relacl, acldefault('r', relowner)))).*
    FROM relations
    UNION ALL
    SELECT ARRAY[r.nspname::text, r.relname::text], a.attname::text, (aclexplode(a.attacl)).*
    FROM pg_attribute a JOIN relations r ON r.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
)
SELECT path, col, privilege_type, coalesce(e.rolname, ''), coalesce(g.rolname, ''), is_grantable
FROM rights LEFT JOIN pg_roles e ON e.oid = grantee LEFT JOIN pg_roles g ON g.oid = grantor
WHERE privilege_type IN ('SELECT', 'USAGE', 'CONNECT') AND (grantee = 0 OR e.oid IS NOT NULL)
"""
_SCHEMAS = """
SELECT nspname, pg_get_userbyid(nspowner), pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace
WHERE nspname !~ '^pg_(toast|temp)' AND nspname NOT IN ('pg_catalog', 'information_schema')
"""
_RELATIONS = """
SELECT n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner), c.oid::text, c.relrowsecurity,
       pg_has_role(current_user, c.relowner, 'USAGE'),
       c.relkind IN ('v', 'm') AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)
           AND NOT coalesce(c.reloptions @> '{security_invoker=on}', false),
       coalesce(obj_description(c.oid, 'pg_class'), ''),
       CASE WHEN c.relkind = 'v' AND n.nspname = %(schema)s THEN pg_get_viewdef(c.oid) ELSE '' END,
       coalesce(k.names, '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT attrelid, array_agg(attname::text ORDER BY attnum) AS names FROM pg_attribute
           WHERE attnum > 0 AND NOT attisdropped GROUP BY attrelid) k ON k.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_(toast|temp)' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
# What the rule behind each view depends on (without a column it is the relation as a whole), and a parent's children:
# whoever reads the parent is asked for no right on them.
_READS = """
SELECT DISTINCT r.ev_class::text, n.nspname, t.relname, coalesce(a.attname, '')
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class t ON t.oid = d.refobjid AND t.oid <> r.ev_class AND t.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT i.inhparent::text, n.nspname, t.relname, ''
FROM pg_inherits i JOIN pg_class t ON t.oid = i.inhrelid AND t.relkind IN ('r', 'p', 'f')
JOIN pg_namespace n ON n.oid = t.relnamespace
"""
_DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole), coalesce(e.rolname, ''), coalesce(n.nspname, '')
FROM pg_default_acl d CROSS JOIN LATERAL aclexplode(d.defaclacl) x
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace LEFT JOIN pg_roles e ON e.oid = x.grantee
WHERE d.defaclobjtype = 'r' AND x.privilege_type = 'SELECT' AND (x.grantee = 0 OR e.oid IS NOT NULL)
"""

_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.TABLE,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW,
    "f": RelationKind.FOREIGN_TABLE,
}
_READS_EVERYTHING = "pg_read_all_data"


def inspect(connection: psycopg.Connection[Any], mask_schema: str) -> Inspection:
    """Everything, within the transaction of the caller. Definitions are read of views in `mask_schema` alone."""
    ((account, version, is_superuser, bootstrap),) = _rows(connection, _ACCOUNT)
    facts: set[AnyFact] = set()
    mine: set[str] = set()
    for name, can_login, reads_all, bypasses, is_mine in _rows(connection, _ROLES):
        facts.add(Role(name, can_login, reads_all, bypasses))
        if is_mine:
            mine.add(name)
        if name == _READS_EVERYTHING:
            facts.add(Privilege(Right.SELECT, (), name))
            facts.add(Privilege(Right.USAGE, (), name))
    separate = version >= _SEPARATE_OPTIONS
    facts.update(Member(*row) for row in _rows(connection, _MEMBERS if separate else _MEMBERS_BEFORE_16))
    as_owner: dict[Path, str] = {}
    for name, owner, is_mine in _rows(connection, _SCHEMAS):
        facts.add(SchemaOwner((name,), owner))
        if is_mine:
            as_owner[(name,)] = owner
    for relation, is_mine in _relations(connection, mask_schema):
        facts.add(relation)
        if is_mine:
            as_owner[relation.path] = relation.owner
    through: dict[Path, str] = {}
    for path, column, right, grantee, grantor, may_grant in _rows(connection, _PRIVILEGES):
        place = tuple(path)
        facts.add(Privilege(Right(right.lower()), place, grantee, column, grantor, may_grant))
        if may_grant and grantee in mine and not column and (grantee == account or place not in through):
            through[place] = grantee
    for creator, grantee, schema in _rows(connection, _DEFAULTS):
        facts.add(DefaultPrivilege(creator, Right.SELECT, grantee or PUBLIC, (schema,) if schema else ()))
    return Inspection(
        account=account,
        facts=frozenset(facts),
        version=f"{version // 10_000}.{version % 10_000}",
        sets_inherit=separate,
        # As the server chooses whom it records: the owner where the account has its rights, else whoever of the
        # account's roles may grant.
        grantors={**through, **as_owner},
        grants_roles_as=bootstrap if is_superuser and separate else account,
    )


def _relations(connection: psycopg.Connection[Any], mask_schema: str) -> Iterator[tuple[Relation, bool]]:
    reads: dict[str, list[Path]] = {}
    for oid, schema, name, column in _rows(connection, _READS):
        reads.setdefault(oid, []).append((schema, name, column) if column else (schema, name))
    for schema, name, kind, owner, oid, rls, is_mine, as_owner, comment, definition, columns in connection.execute(
        _RELATIONS, {"schema": mask_schema}
    ):
        relation = Relation(
            path=(schema, name),
            kind=_KINDS[kind],
            owner=owner,
            columns=tuple(columns),
            reads=tuple(sorted(reads.get(oid, ()))),
            as_owner=as_owner,
            row_security=rls,
            definition=definition,
            oid=oid,
            comment=comment,
        )
        yield relation, is_mine


def _rows(connection: psycopg.Connection[Any], statement: str) -> Sequence[tuple[Any, ...]]:
    return connection.execute(statement).fetchall()
