"""What approved grants want a source to hold, as the facts that an inspection would then tell. Pure.

People are put into managed group roles, one per dataset and distinct set of columns and masks: thousands of direct
grantees on one table do not fit into PostgreSQL's catalog row. Where the catalog may not make roles, logins get the
privileges themselves. Masked columns are read through a view of the mask schema, the others from the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

import msgspec

from access.policies.masking import Mask
from access.provisioning.facts import (
    DefaultRole,
    Fact,
    Member,
    Path,
    Privilege,
    Relation,
    Right,
    Role,
    SourceState,
)


class Profile(StrEnum):
    """What the catalog's account may do in a source: see docs/enforcement.md for the exact statements."""

    GRANT_ONLY = "grant_only"
    ROLE_MANAGING = "role_managing"


class MaskedColumn(Fact, frozen=True):
    """A column of a masked view; without a mask it is shown as it is. `value_type` is a `catalog.snapshots.FieldType`."""

    name: str
    mask: Mask | None = None
    value_type: str = "string"


class MaskedView(Fact, frozen=True):
    """A view that shows columns of `base`, some of them masked. Its name tells which: a changed set is another view."""

    path: Path
    base: Path
    columns: tuple[MaskedColumn, ...]


WantedFact: TypeAlias = Role | Member | DefaultRole | Privilege | MaskedView


class Wanted(msgspec.Struct, frozen=True):
    """An approved grant as a source understands it. No columns: the whole dataset. `masks` are of columns of it."""

    grant_id: int
    login: str
    dataset_id: int
    path: Path
    columns: tuple[str, ...] = ()
    masks: tuple[MaskedColumn, ...] = ()

    @property
    def digest(self) -> str:
        """Tells sets of columns and masks apart, whatever their order."""
        return _digest(self.columns, self.masks)


@lru_cache(maxsize=4_096)  # thousands of grants share a few sets, and each is asked for its names several times a plan
def _digest(columns: tuple[str, ...], masks: tuple[MaskedColumn, ...]) -> str:
    told = msgspec.json.encode((sorted(columns), sorted((one.name, str(one.mask)) for one in masks)))
    return hashlib.sha256(told).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a source is enforced. `wraps` says that a login holds its roles through one of its own (MariaDB, where one
    role alone is active by default).
    """

    profile: Profile = Profile.ROLE_MANAGING
    prefix: str = "dc_"
    mask_schema: str = "dc_masked"
    revoke_limit: int = 50
    wraps: bool = False

    @property
    def manages_roles(self) -> bool:
        return self.profile is Profile.ROLE_MANAGING


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a source told at one moment.

    `account` is the catalog's own login there. `grantors` names, by path of a relation or schema, as whom its grants
    are recorded where that is not the account itself (PostgreSQL records the owner for a superuser), and
    `grants_roles_as` the same of memberships. `sets_inherit` says that a membership itself tells whether it is
    inherited (PostgreSQL from 16 on).
    `tells_grantors`: rights of several grantors stand beside each other; where not, whoever grants takes their place.
    `has_hosts`: a login is a user with an account for each host, written `user@host` (MariaDB).
    """

    account: str
    facts: SourceState
    version: str = ""
    sets_inherit: bool = True
    tells_grantors: bool = True
    has_hosts: bool = False
    grantors: Mapping[Path, str] = field(default_factory=dict)
    grants_roles_as: str = ""
    relations: Mapping[Path, Relation] = field(init=False, compare=False)
    roles: Mapping[str, Role] = field(init=False, compare=False)
    _accounts: Mapping[str, tuple[str, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not self.grants_roles_as:
            object.__setattr__(self, "grants_roles_as", self.account)
        object.__setattr__(self, "relations", {one.path: one for one in self.facts if isinstance(one, Relation)})
        object.__setattr__(self, "roles", {one.name: one for one in self.facts if isinstance(one, Role)})
        accounts: dict[str, tuple[str, ...]] = {}
        for name in sorted(self.roles) if self.has_hosts else ():
            user, _, host = name.rpartition("@")
            if host and user:
                accounts[user] = (*accounts.get(user, ()), name)
        object.__setattr__(self, "_accounts", accounts)

    def grants_as(self, path: Path) -> str:
        """As whom a GRANT of the catalog on this object is recorded."""
        return self.grantors.get(path, self.account) if self.tells_grantors else ""

    def login_of(self, role: str) -> str:
        """The login that a role is an account of: the user where accounts have hosts, else the role itself."""
        user, _, host = role.rpartition("@")
        return user if self.has_hosts and host else role

    def accounts_of(self, login: str) -> tuple[str, ...]:
        """The roles that somebody logs in as: the login's own, or every account of the user; none where it is unknown."""
        if not self.has_hosts:
            return (login,) if login in self.roles else ()
        return self._accounts.get(login, ())


@dataclass(frozen=True, slots=True)
class Ours:
    """What the catalog made in a source, by its journal: the only things that it ever takes away.

    `views` holds each view's definition as the source told it right after it was made ("": not read yet).
    `privileges` are those that logins got themselves, without grantors.
    """

    roles: frozenset[str] = frozenset()
    views: Mapping[Path, str] = field(default_factory=dict)
    privileges: frozenset[Privilege] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a login must be able to read by one grant, and what is proved after an apply: columns of `path`, and of the
    masked view. No columns: the whole relation.
    """

    grant_id: int
    login: str
    path: Path
    columns: tuple[str, ...] = ()
    whole: bool = False
    view: Path = ()
    view_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """The facts wanted, each with the grants that it serves; what each login may then read; and why some grants cannot
    be carried out, or not wholly, as sentences by grant.
    """

    facts: Mapping[WantedFact, frozenset[int]]
    readings: Mapping[int, Reading]
    problems: Mapping[int, str]


def role_name(rules: Rules, wanted: Wanted) -> str:
    return f"{rules.prefix}{wanted.dataset_id}_{wanted.digest}"


def wrapper_name(rules: Rules, login: str) -> str:
    """The role of one login's own. Names are short enough for MariaDB's 80 letters, and for PostgreSQL's 63 bytes."""
    return f"{rules.prefix}u_{hashlib.sha256(login.encode()).hexdigest()[:16]}"


def view_path(rules: Rules, wanted: Wanted) -> Path:
    """The masked view of a grant: the table's own name, cut to fit, with what tells it from others."""
    suffix = f"_{wanted.dataset_id}_{wanted.digest}"
    room = 63 - len(suffix)
    return (rules.mask_schema, wanted.path[-1].encode()[:room].decode(errors="ignore") + suffix)


def desired(grants: Iterable[Wanted], inspection: Inspection, rules: Rules, ours: Ours = Ours()) -> Desired:
    """The facts that these grants want of a source as it is now; a grant with a problem that forbids it wants none."""
    serves: dict[WantedFact, set[int]] = {}
    readings: dict[int, Reading] = {}
    problems: dict[int, str] = {}
    for wanted in grants:
        problem = _forbidding(wanted, inspection, rules, ours)
        if problem:
            problems[wanted.grant_id] = problem
            continue
        relation = inspection.relations[wanted.path]
        reading, view, missing = _reading(wanted, relation, rules)
        if missing:
            problems[wanted.grant_id] = _gone_words(wanted.path, missing)
        readings[wanted.grant_id] = reading
        for fact in _facts_of(wanted, reading, view, inspection, rules):
            serves.setdefault(fact, set()).add(wanted.grant_id)
    return Desired({fact: frozenset(ids) for fact, ids in serves.items()}, readings, problems)


def _forbidding(wanted: Wanted, inspection: Inspection, rules: Rules, ours: Ours) -> str:
    """Why nothing can be done for a grant, as a sentence; empty where it can."""
    where = ".".join(wanted.path)
    accounts = inspection.accounts_of(wanted.login)
    if not wanted.login:
        return "No login of this source is known for the holder. Name it under the source's logins."
    if not accounts:
        return f"The source has no login {wanted.login}. Create it there, or correct it under the source's logins."
    if inspection.account in accounts or wanted.login in ours.roles:
        return f"The login {wanted.login} is the catalog's own. Correct it under the source's logins."
    if wanted.path not in inspection.relations:
        return f"{where} is not in the source now. Crawl the source to see what became of it."
    if wanted.masks and not rules.manages_roles:
        return "Masked columns take views, which the grant-only profile cannot make. Choose the role-managing profile."
    if rules.manages_roles and inspection.has_hosts and _is_mysql(inspection.version):
        return "MySQL manages roles in another way than MariaDB. Choose the grant-only profile for this source."
    if rules.manages_roles:
        name = role_name(rules, wanted)
        if name in inspection.roles and name not in ours.roles:
            return f"A role {name} is there that the catalog did not make. Drop it, or choose another prefix."
        view = view_path(rules, wanted) if wanted.masks else ()
        if view in inspection.relations and view not in ours.views:
            return f"A view {'.'.join(view)} is there that the catalog did not make. Drop it."
    return ""


def _is_mysql(version: str) -> bool:
    return bool(version) and "mariadb" not in version.lower()


def _reading(wanted: Wanted, relation: Relation, rules: Rules) -> tuple[Reading, MaskedView | None, list[str]]:
    present = set(relation.columns)
    asked = wanted.columns or (relation.columns if wanted.masks else ())
    missing = [name for name in asked if name not in present]
    kept = tuple(name for name in asked if name in present)
    masks = {one.name: one for one in wanted.masks if one.mask is not None and one.name in kept}
    plain = tuple(name for name in kept if name not in masks)
    view = None
    if masks:
        columns = tuple(masks.get(name, MaskedColumn(name)) for name in relation.columns if name in set(kept))
        view = MaskedView(view_path(rules, wanted), wanted.path, columns)
    reading = Reading(
        grant_id=wanted.grant_id,
        login=wanted.login,
        path=wanted.path,
        columns=plain,
        whole=not asked,
        view=view.path if view else (),
        view_columns=tuple(one.name for one in view.columns) if view else (),
    )
    return reading, view, missing


def _facts_of(
    wanted: Wanted, reading: Reading, view: MaskedView | None, inspection: Inspection, rules: Rules
) -> Iterable[WantedFact]:
    accounts = inspection.accounts_of(wanted.login)
    for grantee in (role_name(rules, wanted),) if rules.manages_roles else accounts:
        yield from _privileges_of(wanted, reading, view, grantee, inspection, rules)
    if view is not None:
        yield view
    if not rules.manages_roles:
        return
    managed = role_name(rules, wanted)
    yield Role(managed)
    if not rules.wraps:
        yield Member(managed, wanted.login)
        return
    wrapper = wrapper_name(rules, wanted.login)
    yield Role(wrapper)
    yield Member(managed, wrapper)
    for account in accounts:
        yield Member(wrapper, account)
        yield DefaultRole(account, wrapper)


def _privileges_of(
    wanted: Wanted, reading: Reading, view: MaskedView | None, grantee: str, inspection: Inspection, rules: Rules
) -> Iterable[Privilege]:
    def select(path: Path, column: str = "") -> Privilege:
        return Privilege(Right.SELECT, path, grantee, column, inspection.grants_as(path))

    def usage(schema: Path) -> Privilege:
        return Privilege(Right.USAGE, schema, grantee, "", inspection.grants_as(schema))

    if reading.whole:
        yield select(wanted.path)
    for column in reading.columns:
        yield select(wanted.path, column)
    if not rules.wraps and (reading.whole or reading.columns):
        yield usage(wanted.path[:-1])
    if view is not None:
        yield select(view.path)
        if not rules.wraps:
            yield usage(view.path[:-1])


def _gone_words(path: Path, missing: list[str]) -> str:
    named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    verb = "is" if len(missing) == 1 else "are"
    return f"{named} {verb} gone from {'.'.join(path)}; the other columns can be read."


def without_grantor(fact: Privilege) -> Privilege:
    """What a privilege allows, whoever gave it."""
    return Privilege(fact.right, fact.path, fact.grantee, fact.column)
