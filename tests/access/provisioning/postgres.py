"""Real PostgreSQL servers of several majors with an account of the catalog's in a scratch database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from access.provisioning.adapter import Statement
from access.provisioning.desired import Inspection, Ours, Profile, Rules, Wanted, without_grantor
from access.provisioning.facts import Path, Privilege, Relation, Role
from access.provisioning.plan import Change, MaskedView, Plan, Step, make_plan
from access.provisioning.postgres.enforcer import PostgresEnforcer
from access.provisioning.postgres.service import service_grants
from connections.platforms import Platform
from connections.targets import Target
from connections.tls import TlsMode

PASSWORD = "of the test"


@dataclass
class Cluster:
    """A server reached as its superuser."""

    host: str
    port: int
    superuser: str
    password: str

    def connect(self, database: str = "postgres", user: str = "", password: str = "") -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=user or self.superuser,
            password=password or self.password,
            autocommit=True,
        )


@dataclass
class MemoryJournal:
    """What an engine noted, kept as the catalog keeps it: a role or view is ours from the intent on."""

    roles: set[str] = field(default_factory=set)
    views: dict[Path, str] = field(default_factory=dict)
    privileges: set[Privilege] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)

    def intend(self, steps: Sequence[tuple[Step, Sequence[Statement]]]) -> None:
        for step, statements in steps:
            self.texts += [statement.text for statement in statements]
            if step.change is Change.ADD:
                fact = step.fact
                if isinstance(fact, Role):
                    self.roles.add(fact.name)
                if isinstance(fact, MaskedView):
                    self.views[fact.path] = ""
                if isinstance(fact, Privilege):
                    self.privileges.add(without_grantor(fact))

    def done(self, steps: Any) -> None:
        made = {step.fact.path for step in steps if isinstance(step.fact, MaskedView)}
        for step in steps:
            if step.change is Change.REMOVE and isinstance(step.fact, Role):
                self.roles.discard(step.fact.name)
            if step.change is Change.REMOVE and isinstance(step.fact, Relation) and step.fact.path not in made:
                self.views.pop(step.fact.path, None)

    def undone(self, steps: Any, reason: str) -> None:
        pass

    def seen(self, inspection: Inspection) -> None:
        """Keep the definitions of views right after they were made."""
        for path in self.views:
            if not self.views[path] and path in inspection.relations:
                self.views[path] = inspection.relations[path].definition

    @property
    def ours(self) -> Ours:
        return Ours(frozenset(self.roles), dict(self.views), frozenset(self.privileges))


@dataclass
class Warehouse:
    """A scratch database with people's logins, and the catalog's account with what its profile needs."""

    cluster: Cluster
    database: str
    account: str
    rules: Rules
    logins: list[str]
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    def owner(self, *statements: str) -> None:
        with self.cluster.connect(self.database) as connection:
            for statement in statements:
                connection.execute(statement)

    def as_login(self, login: str) -> psycopg.Connection[Any]:
        return self.cluster.connect(self.database, login, PASSWORD)

    def target(self, port: int = 0) -> Target:
        return Target(
            platform=Platform.POSTGRES,
            host=self.cluster.host,
            ip=self.cluster.host,
            port=port or self.cluster.port,
            database=self.database,
            username=self.account,
            secret=PASSWORD,
            tls=TlsMode.DISABLE,
        )

    def allow_service(self) -> None:
        """Run what the profile's page lists, for every schema that is there."""
        with self.cluster.connect(self.database) as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
                " AND nspname <> %s",
                [self.rules.mask_schema],
            )
            schemas = [(name,) for (name,) in found.fetchall()]
            for statement in service_grants(self.rules.profile, self.rules, self.account, schemas):
                connection.execute(statement)

    @contextmanager
    def enforcer(self) -> Iterator[PostgresEnforcer]:
        enforcer = PostgresEnforcer(self.target(), self.rules)
        try:
            yield enforcer
        finally:
            enforcer.close()

    def reconcile(self, grants: Sequence[Wanted], leaving: Sequence[Wanted] = ()) -> Plan:
        """Carry out what these grants want; the plan that did it."""
        with self.enforcer() as enforcer:

            def replan(inspection: Inspection) -> Plan:
                return make_plan(grants, leaving, inspection, self.rules, self.journal.ours)

            plan = replan(enforcer.inspect())
            after = enforcer.carry_out(plan, replan, self.journal)
            self.journal.seen(after)
            second = replan(after)
            assert not second.steps, second.steps
            return plan

    def reads(self, login: str, query: str) -> Any:
        """All rows that a login gets, or the SQLSTATE with which it is refused."""
        try:
            with self.as_login(login) as connection:
                return connection.execute(query).fetchall()
        except psycopg.Error as error:
            return error.sqlstate


@contextmanager
def warehouse(cluster: Cluster, profile: Profile, *, superuser: bool = False, people: int = 3) -> Iterator[Warehouse]:
    """A database of its own. Roles are of the whole server, so their names are of this test alone."""
    mark = secrets.token_hex(4)
    database, account = f"test_{mark}", f"svc_{mark}"
    logins = [f"{name}_{mark}" for name in ("ada", "bob", "eve")[:people]]
    # Prefixes are of this test alone too, so that what it leaves can be found.
    place = Warehouse(cluster, database, account, Rules(profile, f"dc{mark}_", f"dc_masked_{mark}"), logins)
    with cluster.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(database)))
        for login in (account, *logins):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), sql.Literal(PASSWORD))
            )
        if superuser:
            connection.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(account)))
    try:
        yield place
    finally:
        with cluster.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
            # The account goes last: it granted the others.
            found = "SELECT rolname FROM pg_roles WHERE strpos(rolname, %s) > 0 ORDER BY rolname = %s"
            left = connection.execute(found, [mark, account]).fetchall()
            for (name,) in left:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
