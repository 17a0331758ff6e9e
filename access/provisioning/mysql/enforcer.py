"""Enforcement in MariaDB, where each statement commits by itself: what fails halfway is compensated.

MySQL keeps its roles elsewhere (`catalogs.MYSQL`) and is inspected the same way; the tests run MariaDB only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql

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
from access.provisioning.identities import MYSQL
from access.provisioning.mysql import catalogs
from access.provisioning.mysql.inspecting import facts_of
from access.provisioning.mysql.service import service_grants
from access.provisioning.mysql.statements import remedies_of, statements_of
from access.provisioning.plan import Change, Plan, Step
from access.provisioning.readers import WHOLE, Readers
from connections.engines import mysql as engines
from connections.errors import ConnectorError, FailureKind, without_secret
from connections.targets import Target

_LOCK = "data catalog: enforcement"
_BATCH = 50
"""Steps that are noted at a time: the lease is asked about so often in a long plan."""

_NOT_THERE = (1141, 1147, 1269, 1396, 1959, 1962)
"""What a REVOKE or DROP ROLE says of what is gone already."""

_DENIED = (1142, 1143)
_NO_SUCH_THREAD = 1094


class MysqlEnforcer:
    """An `Enforcer`. `carry_out` holds a lock of the server's by name; reads need none."""

    def __init__(self, target: Target, rules: Rules) -> None:
        self._target = target
        self._rules = rules
        self._connection = engines.connect(target, writes=True)

    def close(self) -> None:
        self._connection._force_close()

    def inspect(self) -> Inspection:
        with self._told():
            ((version, account),) = self._rows(catalogs.SESSION)
            tables = catalogs.MARIADB if "mariadb" in version.lower() else catalogs.MYSQL
            facts = frozenset(facts_of(self._rows, tables, self._target.database, self._locked(tables)))
        return Inspection(account, facts, version, sets_inherit=False, tells_grantors=False, has_hosts=True)

    def statements(self, step: Step, inspection: Inspection) -> Sequence[Statement]:
        return statements_of(step, inspection)

    def carry_out(self, plan: Plan, replan: Replan, journal: Journal, check: Check = unchecked) -> Inspection:
        """As `Enforcer.carry_out`. Of a plan that fails halfway nothing stays that gives access; what it took stays
        taken, for nobody gets back what is over because something else went wrong. What is taken after all is given
        stood in for it: where the connection is lost by then, what was given is left, and the next run takes the rest.
        """
        with self._lock():
            inspection = self.inspect()
            if replan(inspection).hash != plan.hash:
                raise PlanChanged
            given: list[tuple[Step, Statement]] = []
            for start in range(0, len(plan.steps), _BATCH):
                script = [(step, self.statements(step, inspection)) for step in plan.steps[start : start + _BATCH]]
                journal.intend(script)
                for place, (step, statements) in enumerate(script):
                    try:
                        self._run(step, statements, given, check)
                    except StepRefused as error:
                        self._take_back(given, journal, error.message)
                        journal.undone([later for later, _ in script[place:]], error.message)
                        raise
                    except (pymysql.MySQLError, OSError) as error:
                        if given and step.change is Change.REMOVE:
                            raise self._failure(error) from None
                        self._reconnect(error)
                        reason = "The connection to the source was lost."
                        self._take_back(given, journal, reason)
                        raise self._failure(error) from None
                    journal.done([step])
        return self.inspect()

    def read_back(self, readings: Iterable[Reading]) -> Sequence[Unreadable]:
        """What the server's own privilege tables say now, walked as it does: it judges only for a session itself."""
        inspection = self.inspect()
        readers = Readers(inspection.facts, MYSQL)
        found = []
        for reading in readings:
            lacking = self._lacking(reading, inspection, readers)
            if lacking:
                found.append(Unreadable(reading.grant_id, lacking))
        return found

    def still_readable(self, readings: Iterable[Reading]) -> Sequence[int]:
        inspection = self.inspect()
        readers = Readers(inspection.facts, MYSQL)
        return sorted(
            {
                reading.grant_id
                for reading in readings
                for account in inspection.accounts_of(reading.login)
                if any(readers.can_read(account, path, column) for path, column in _asked(reading))
            }
        )

    def end_sessions(self, logins: Iterable[str]) -> SessionsEnded:
        """A session that set a role of its own keeps it after the REVOKE; sessions of these users are ended."""
        wanted, ended, left = set(logins), 0, Counter[str]()
        with self._told():
            open_sessions = [(number, user) for number, user in self._rows(catalogs.SESSIONS) if user in wanted]
            for number, user in open_sessions:
                try:
                    self._execute(f"KILL CONNECTION {int(number)}")
                except pymysql.MySQLError as error:
                    if error.args[0] != _NO_SUCH_THREAD:
                        left[user] += 1
                else:
                    ended += 1
        if not left:
            return SessionsEnded(ended)
        told = ", ".join(f"{count} of {user}" for user, count in sorted(left.items()))
        return SessionsEnded(
            ended,
            f"Open sessions that could not be ended: {told}. GRANT CONNECTION ADMIN and PROCESS to the catalog's"
            " account, or end them yourself.",
        )

    def remedies(self, fact: Fact) -> Sequence[str]:
        return remedies_of(fact)

    # One statement at a time

    def _run(
        self, step: Step, statements: Sequence[Statement], given: list[tuple[Step, Statement]], check: Check
    ) -> None:
        for statement in statements:
            check()  # what was given before goes on to whoever has the lease now, who finds it by the journal
            if step.change is Change.ADD:
                given.append((step, statement))  # before it runs: a lost connection does not tell whether it did
            try:
                self._execute(statement.text)
            except pymysql.MySQLError as error:
                if engines.is_lost(error):
                    raise
                if step.change is Change.REMOVE and error.args[0] in _NOT_THERE:
                    continue
                if step.change is Change.ADD:
                    given.pop()
                raise StepRefused(step, self._refusal(statement, error)) from None

    def _take_back(self, given: Sequence[tuple[Step, Statement]], journal: Journal, reason: str) -> None:
        """Undo what was given, the last first. What another has taken away meanwhile is gone already."""
        with self._told():
            for _, statement in reversed(given):
                try:
                    if statement.undo:
                        self._execute(statement.undo)
                except pymysql.MySQLError as error:
                    if engines.is_lost(error):
                        raise
                    if error.args[0] not in _NOT_THERE:
                        reason = f"{reason} {self._refusal(Statement(statement.undo), error)}"
        journal.undone(list(dict.fromkeys(step for step, _ in given)), reason)

    def _reconnect(self, error: Exception) -> None:
        """A new connection with the lock; raises what the loss means where there is none."""
        self.close()
        try:
            self._connection = engines.connect(self._target, writes=True)
            self._take_lock()
        except (ConnectorError, pymysql.MySQLError, OSError):
            raise self._failure(error) from None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with self._told():
            self._take_lock()
        try:
            yield
        finally:
            try:
                self._execute("DO RELEASE_LOCK(%s)", (_LOCK,))
            except (pymysql.MySQLError, OSError):
                self.close()  # the lock goes with the session

    def _take_lock(self) -> None:
        ((taken,),) = self._rows("SELECT GET_LOCK(%s, %s)", (_LOCK, self._target.lock_seconds))
        if not taken:
            raise ConnectorError(
                "Another reconciliation of this server is at work. It is tried again shortly.", FailureKind.TIMEOUT
            )

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def _execute(self, statement: str, values: Sequence[object] = ()) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def _locked(self, tables: catalogs.Catalogs) -> list[tuple[Any, ...]]:
        """Accounts that are locked, as far as the catalog's account may read that; others count as open."""
        try:
            return self._rows(tables.locked)
        except pymysql.MySQLError as error:
            if error.args[0] not in _DENIED:
                raise
            return []

    def _lacking(self, reading: Reading, inspection: Inspection, readers: Readers) -> str:
        """What somebody cannot read from each of the hosts that are let in, in words; empty where all can be read."""
        accounts = [one for one in inspection.accounts_of(reading.login) if inspection.roles[one].can_login]
        if not accounts:
            return f"There is no user {reading.login}, or every account of it is locked."
        for account in accounts:
            for path, column in _asked(reading):
                relation = inspection.relations.get(path)
                if relation is None or (column and column not in relation.columns):
                    return f"{'.'.join((*path, *([column] if column else [])))} is gone."
                if not readers.can_read(account, path, column):
                    return f"{account} cannot read {column or 'the whole'} of {'.'.join(path)}."
        return ""

    # What errors mean

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (pymysql.MySQLError, OSError) as error:
            raise self._failure(error) from None

    def _failure(self, error: Exception) -> ConnectorError:
        if engines.is_silent(error):
            return StoppedAnswering(self._target)
        return engines.driver_error(error, self._target)

    def _refusal(self, statement: Statement, error: pymysql.MySQLError) -> str:
        said = without_secret(str(error.args[-1]), self._target.secret)
        return f"The server refused “{statement.text}”: {said}. Compare the account's rights with the source's page."


def _asked(reading: Reading) -> Iterator[tuple[Path, str]]:
    if reading.whole:
        yield reading.path, WHOLE
    for column in reading.columns:
        yield reading.path, column
    for column in reading.view_columns:
        yield reading.view, column


class MysqlEngine:
    """MariaDB and MySQL as an `Engine`."""

    wraps_logins = True

    def open(self, target: Target, rules: Rules) -> MysqlEnforcer:
        return MysqlEnforcer(target, rules)

    def path_of(self, native: Path) -> Path:
        """(database, relation), which is a dataset's native path already."""
        return native

    def statements(self, step: Step, inspection: Inspection) -> Sequence[Statement]:
        return statements_of(step, inspection)

    def service_grants(self, profile: Profile, rules: Rules, account: str, schemas: Sequence[Path]) -> Sequence[str]:
        return service_grants(profile, rules, account, schemas)
