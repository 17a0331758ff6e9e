"""The statements of a step in MariaDB and MySQL, each with the one that undoes it, for each commits by itself."""

from __future__ import annotations

from typing import assert_never

from access.provisioning.adapter import Statement
from access.provisioning.desired import Inspection, Mask, MaskedView
from access.provisioning.facts import DefaultRole, Fact, Member, Path, Privilege, Relation, Right, Role
from access.provisioning.mysql.masking import shown
from access.provisioning.mysql.quoting import place, quoted, whom
from access.provisioning.plan import Change, Step

_SALT = "dc_salt"
_NONE = "NONE"


def statements_of(step: Step, inspection: Inspection) -> tuple[Statement, ...]:
    """What carries out a step in a source as it was inspected, in order."""
    adds = step.change is Change.ADD
    match step.fact:
        case Role(name=name):
            both = (f"CREATE ROLE {quoted(name)}", f"DROP ROLE {quoted(name)}")
            return (_one(both, adds),)
        case Member() as fact:
            both = (
                f"GRANT {whom(fact.role)} TO {whom(fact.member)}",
                f"REVOKE {whom(fact.role)} FROM {whom(fact.member)}",
            )
            return (_one(both, adds),)
        case Privilege() as fact:
            return (_one(_privilege(fact), adds),)
        case DefaultRole() as fact:
            return _becomes_default(fact, inspection) if adds else _ends_default(fact, inspection)
        case MaskedView() as view:
            return _masked_view(view) if adds else _drop_view(view.path, inspection)
        case Relation() as view:
            return _view_again(view) if adds else _drop_view(view.path, inspection)
        case _:
            assert_never(step.fact)


def remedies_of(fact: Fact) -> tuple[str, ...]:
    """What ends a finding about this fact, for an administrator to run; none where no statement does."""
    match fact:
        case Privilege(right=Right.SELECT, path=()):
            return (f"REVOKE SELECT ON *.* FROM {whom(fact.grantee)}",)
        case Privilege(right=Right.SELECT, pattern=True):
            return (f"REVOKE SELECT ON {quoted(fact.path[0])}.* FROM {whom(fact.grantee)}",)
        case Privilege(right=Right.SELECT):
            return (_privilege(fact)[1],)
        case Member():
            return (f"REVOKE {whom(fact.role)} FROM {whom(fact.member)}",)
        case DefaultRole():
            return (f"SET DEFAULT ROLE NONE FOR {whom(fact.account)}",)
        case Relation(as_owner=True) if fact.definition:
            owner = whom(fact.owner)
            return (f"ALTER DEFINER = {owner} SQL SECURITY INVOKER VIEW {place(fact.path)} AS {fact.definition}",)
    return ()


def _one(both: tuple[str, str], adds: bool) -> Statement:
    forward, backward = both if adds else both[::-1]
    return Statement(forward, backward)


def _privilege(fact: Privilege) -> tuple[str, str]:
    """The statements that give and take a right on a relation, or on a column."""
    right = f"SELECT ({quoted(fact.column)})" if fact.column else "SELECT"
    return (
        f"GRANT {right} ON {place(fact.path)} TO {whom(fact.grantee)}",
        f"REVOKE {right} ON {place(fact.path)} FROM {whom(fact.grantee)}",
    )


def _becomes_default(fact: DefaultRole, inspection: Inspection) -> tuple[Statement, ...]:
    """An account has one default role, so the one that it had goes on through the new one."""
    had = [one.role for one in inspection.facts if isinstance(one, DefaultRole) and one.account == fact.account]
    former = next((role for role in had if role != fact.role), "")
    keeps = [_keeps(former, fact.role)] if former else []
    return (*keeps, _default(fact.account, fact.role, former))


def _ends_default(fact: DefaultRole, inspection: Inspection) -> tuple[Statement, ...]:
    """The role that the account had before is its default again: of those passed on, the one that it holds itself."""
    passed_on = {one.role for one in inspection.facts if isinstance(one, Member) and one.member == fact.role}
    own = {one.role for one in inspection.facts if isinstance(one, Member) and one.member == fact.account}
    former = min(passed_on & own, default="")
    return (_default(fact.account, former, fact.role),)


def _keeps(former: str, role: str) -> Statement:
    return Statement(f"GRANT {whom(former)} TO {whom(role)}", f"REVOKE {whom(former)} FROM {whom(role)}")


def _default(account: str, role: str, former: str) -> Statement:
    def become(name: str) -> str:
        return f"SET DEFAULT ROLE {whom(name) if name else _NONE} FOR {whom(account)}"

    return Statement(become(role), become(former))


def _masked_view(view: MaskedView) -> tuple[Statement, ...]:
    salt = place((*view.path[:-1], _SALT))
    columns = ", ".join(shown(column, salt) for column in view.columns)
    made = Statement(
        f"CREATE SQL SECURITY DEFINER VIEW {place(view.path)} AS SELECT {columns} FROM {place(view.base)}",
        f"DROP VIEW IF EXISTS {place(view.path)}",
    )
    if not any(column.mask is Mask.HASH for column in view.columns):
        return (made,)
    return (
        Statement(f"CREATE TABLE IF NOT EXISTS {salt} (salt varchar(64) NOT NULL)"),
        Statement(
            f"INSERT INTO {salt} SELECT HEX(RANDOM_BYTES(32)) FROM DUAL WHERE NOT EXISTS (SELECT salt FROM {salt})"
        ),
        made,
    )


def _view_again(view: Relation) -> tuple[Statement, ...]:
    return (
        Statement(
            f"CREATE SQL SECURITY DEFINER VIEW {place(view.path)} AS {view.definition}",
            f"DROP VIEW IF EXISTS {place(view.path)}",
        ),
    )


def _drop_view(path: Path, inspection: Inspection) -> tuple[Statement, ...]:
    """Rights on a view outlive it here, and would open whatever takes its name: they go first."""
    rights = {
        Privilege(Right.SELECT, one.path, one.grantee, one.column)
        for one in inspection.facts
        if isinstance(one, Privilege) and one.path == path and one.right is Right.SELECT
    }
    # Taking a right on the whole takes those on columns along.
    whole = {one.grantee for one in rights if not one.column}
    taken = [one for one in sorted(rights) if not one.column or one.grantee not in whole]
    undone = inspection.relations.get(path)
    again = _view_again(undone)[0].text if undone is not None and undone.definition else ""
    return (
        *(_one(_privilege(one), adds=False) for one in taken),
        Statement(f"DROP VIEW IF EXISTS {place(path)}", again),
    )
