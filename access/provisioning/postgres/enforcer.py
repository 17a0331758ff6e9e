"""Enforcement in PostgreSQL 15 and later: one transaction under an advisory lock, and everything read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql

from access.provisioning.adapter import (
    Check,
    Journal,
    PlanChanged,
    Replan,
    SessionsEnded,
    Statement,
    StepRefused,
    StoppedAnswering,
    Unreadable,
    unchecked,
)
from access.provisioning.desired import Inspection, Profile, Reading, Rules
from access.provisioning.facts import Fact, Path
from access.provisioning.plan import Plan, Step
from access.provisioning.postgres import inspection as catalogs
from access.provisioning.postgres.proofs import end_sessions, readable, unreadable
from access.provisioning.postgres.service import service_grants
from access.provisioning.postgres.statements import remedies_of, statements_of
from connections.engines import postgres as engines
from connections.errors import ConnectorError, FailureKind, without_secret
from connections.targets import Target

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('data catalog: enforcement'))"
_CONCURRENT = ("40P01", "40001", "XX000")
"""Somebody else changed the same access list at this moment ("tuple concurrently updated" is XX000): plan again."""

_BUSY = "55P03"


class PostgresEnforcer:
    """An `Enforcer`. Reads need no lock; only `carry_out` writes."""

    def __init__(self, target: Target, rules: Rules) -> None:
        self._target = target
        self._rules = rules
        self._connection = engines.connect(target, writes=True)
        self._connection.autocommit = True
        self._warnings: list[str] = []
        self._connection.add_notice_handler(self._notice)

    def close(self) -> None:
        self._connection.close()

    def inspect(self) -> Inspection:
        try:
            with self._connection.transaction():
                self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                return catalogs.inspect(self._connection, self._rules.mask_schema)
        except psycopg.Error as error:
            raise self._failure(error) from None

    def carry_out(self, plan: Plan, replan: Replan, journal: Journal, check: Check = unchecked) -> Inspection:
        try:
            with self._connection.transaction():
                self._connection.execute(_LOCK)
                inspection = catalogs.inspect(self._connection, self._rules.mask_schema)
                if replan(inspection).hash != plan.hash:
                    raise PlanChanged
                script = [(step, statements_of(step, sets_inherit=inspection.sets_inherit)) for step in plan.steps]
                journal.intend(script)
                for step, statements in script:
                    self._run(step, statements)
                check()  # a worker that stalled until its lease was another's rolls back
        except StepRefused as error:
            journal.undone(plan.steps, error.message)
            raise
        except psycopg.Error as error:
            # Whether a lost connection took the commit along, only the source knows: its next inspection tells.
            raise self._failure(error) from None
        journal.done(plan.steps)
        return self.inspect()

    def read_back(self, readings: Iterable[Reading]) -> Sequence[Unreadable]:
        try:
            return unreadable(self._connection, readings)
        except psycopg.Error as error:
            raise self._failure(error) from None

    def still_readable(self, readings: Iterable[Reading]) -> Sequence[int]:
        try:
            return readable(self._connection, readings)
        except psycopg.Error as error:
            raise self._failure(error) from None

    def end_sessions(self, logins: Iterable[str]) -> SessionsEnded:
        try:
            return end_sessions(self._connection, logins)
        except psycopg.Error as error:
            raise self._failure(error) from None

    def remedies(self, fact: Fact) -> Sequence[str]:
        return remedies_of(fact)

    def _run(self, step: Step, statements: Sequence[Statement]) -> None:
        self._warnings.clear()
        for statement in statements:
            try:
                self._connection.execute(sql.SQL(statement.text))  # composed and quoted by `statements`
            except psycopg.Error as error:
                state = error.sqlstate or ""
                if state in _CONCURRENT:
                    raise PlanChanged from None
                if engines.is_lost(error, self._connection):
                    raise
                detail = error.diag.message_primary or str(error).strip()
                raise StepRefused(step, self._told(statement, detail)) from None
            if self._warnings:
                # A grant that is given in part is a warning only.
                raise StepRefused(step, self._told(statement, "; ".join(self._warnings)))

    def _told(self, statement: Statement, detail: str) -> str:
        said = without_secret(detail, self._target.secret)
        return f"PostgreSQL refused “{statement.text}”: {said}. Compare the account's rights with the source's page."

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warnings.append(diagnostic.message_primary or "a warning without words")

    def _failure(self, error: psycopg.Error) -> ConnectorError:
        if error.sqlstate == _BUSY:
            return ConnectorError(
                "Another reconciliation of this server is at work. It is tried again shortly.", FailureKind.TIMEOUT
            )
        if isinstance(error, engines.Silent):
            return StoppedAnswering(self._target)
        if engines.is_lost(error, self._connection):
            return ConnectorError(
                f"The connection to {self._target.label} was lost. It is tried again shortly.", FailureKind.LOST
            )
        return engines.read_error(error, self._target)


class PostgresEngine:
    """PostgreSQL as an `Engine`."""

    wraps_logins = False

    def open(self, target: Target, rules: Rules) -> PostgresEnforcer:
        return PostgresEnforcer(target, rules)

    def path_of(self, native: Path) -> Path:
        """(schema, relation) of a dataset's native path (database, schema, relation)."""
        return native[-2:]

    def statements(self, step: Step, inspection: Inspection) -> Sequence[Statement]:
        return statements_of(step, sets_inherit=inspection.sets_inherit)

    def service_grants(self, profile: Profile, rules: Rules, account: str, schemas: Sequence[Path]) -> Sequence[str]:
        return service_grants(profile, rules, account, schemas)
