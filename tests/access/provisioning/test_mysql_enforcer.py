"""Enforcement on a real MariaDB by an account that has exactly the rights that the page of a source lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pymysql
import pytest

from access.provisioning.adapter import PlanChanged, Statement, StepRefused
from access.provisioning.desired import Mask, MaskedColumn, Ours, Profile, Rules, Wanted
from access.provisioning.facts import DefaultRole, Privilege, Role
from access.provisioning.mysql.enforcer import MysqlEnforcer
from access.provisioning.mysql.quoting import quoted
from access.provisioning.mysql.service import service_grants
from access.provisioning.plan import Change, Plan, Step, make_plan
from connections.errors import ConnectorError
from connections.platforms import Platform
from connections.targets import Target
from connections.tls import TlsMode
from tests.access.provisioning import mariadb
from tests.servers.databases import MariadbServer

pytestmark = pytest.mark.mariadb

SALES = "sales_eu`s %"
DECOY = "salesXeu`s zz"
TABLE = "o`rders_% " + "ü" * 20
SERVICE = "en_service"
READER = "en`re'ader"
HOSTS = ("%", "127.0.0.1")
PASSWORD = "for tests"
RULES = Rules(mask_schema="en_masked", wraps=True)
GRANT_ONLY = Rules(profile=Profile.GRANT_ONLY, wraps=True)


@dataclass
class Notebook:
    """A journal in memory. `after` runs once a step is done: where a test lets something go wrong."""

    after: Callable[[Step], None] = lambda step: None
    intended: list[Step] = field(default_factory=list)
    finished: list[Step] = field(default_factory=list)
    taken_back: list[Step] = field(default_factory=list)

    def intend(self, steps: Sequence[tuple[Step, Sequence[Statement]]]) -> None:
        self.intended += [step for step, _ in steps]

    def done(self, steps: Sequence[Step]) -> None:
        self.finished += steps
        for step in steps:
            self.after(step)

    def undone(self, steps: Sequence[Step], reason: str) -> None:
        assert reason
        self.taken_back += steps


@pytest.fixture(params=[Profile.ROLE_MANAGING, Profile.GRANT_ONLY])
def rules(request: pytest.FixtureRequest) -> Rules:
    return RULES if request.param is Profile.ROLE_MANAGING else GRANT_ONLY


@pytest.fixture
def server(mariadb_server: MariadbServer) -> Iterator[MariadbServer]:
    """Databases with hostile names, a reader with two accounts, and nothing granted to anybody."""
    clear(mariadb_server)
    made = [f"CREATE USER {mariadb.account(READER, host)} IDENTIFIED BY '{PASSWORD}'" for host in HOSTS]
    made += [f"CREATE USER {mariadb.account(SERVICE, '%')} IDENTIFIED BY '{PASSWORD}'"]
    for database in (SALES, DECOY):
        made += [
            f"CREATE DATABASE {quoted(database)}",
            f"CREATE TABLE {quoted(database)}.{quoted(TABLE)} (id int, `e``mail` varchar(50), born date, paid decimal(9,2))",
            f"INSERT INTO {quoted(database)}.{quoted(TABLE)} VALUES (7, 'ann@example.org', '1984-05-06', 1234.5)",
        ]
    assert len(mariadb.run(mariadb_server, made)) == len(made)
    yield mariadb_server
    clear(mariadb_server)


def clear(server: MariadbServer) -> None:
    gone = [f"DROP DATABASE IF EXISTS {quoted(one)}" for one in (SALES, DECOY, "en_masked")]
    gone += [f"DROP USER IF EXISTS {mariadb.account(READER, host)}" for host in HOSTS]
    gone += [f"DROP USER IF EXISTS {mariadb.account(SERVICE, '%')}"]
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT User FROM mysql.user WHERE is_role = 'Y' AND (User LIKE 'dc\\_%' OR User LIKE 'en\\_%')")
        gone += [f"DROP ROLE {quoted(name)}" for (name,) in cursor.fetchall()]
    mariadb.run(server, gone)


@contextmanager
def enforcer(server: MariadbServer, rules: Rules) -> Iterator[MysqlEnforcer]:
    """As the service account with what its profile lists, and nothing else."""
    listed = service_grants(rules.profile, rules, f"{SERVICE}@%", [(SALES,)])
    assert mariadb.run(server, listed) == listed
    target = Target(
        platform=Platform.MYSQL,
        host=server.host,
        ip=server.host,
        port=server.port,
        username=SERVICE,
        secret=PASSWORD,
        tls=TlsMode.DISABLE,
    )
    with closing(MysqlEnforcer(target, rules)) as opened:
        yield opened


def wanted(grant_id: int = 1, columns: tuple[str, ...] = ("id",), **more) -> Wanted:
    return Wanted(grant_id, READER, 40 + grant_id, (SALES, TABLE), columns, **more)


class Keeper:
    """Plans and carries out as the reconciler does, and remembers what it made."""

    def __init__(self, opened: MysqlEnforcer, rules: Rules) -> None:
        self.opened, self.rules, self.ours = opened, rules, Ours()

    def plan(self, grants: Sequence[Wanted], leaving: Sequence[Wanted] = ()) -> Plan:
        return make_plan(grants, leaving, self.opened.inspect(), self.rules, self.ours)

    def settle(self, grants: Sequence[Wanted], leaving: Sequence[Wanted] = (), journal: Notebook | None = None) -> Plan:
        plan = self.plan(grants, leaving)
        journal = journal or Notebook()
        try:
            self.opened.carry_out(plan, lambda seen: make_plan(grants, leaving, seen, self.rules, self.ours), journal)
        finally:
            self._remember(journal)
        return plan

    def _remember(self, journal: Notebook) -> None:
        added = [step.fact for step in journal.intended if step.change is Change.ADD]
        roles = {fact.name for fact in added if isinstance(fact, Role)}
        views = {fact.path: "" for fact in added if hasattr(fact, "base")}
        privileges = {fact for fact in added if isinstance(fact, Privilege) and not self.rules.manages_roles}
        self.ours = Ours(self.ours.roles | roles, {**self.ours.views, **views}, self.ours.privileges | privileges)


def sees(server: MariadbServer, statement: str, *, local: bool = False) -> Any:
    """What the reader gets by logging in from 127.0.0.1, or by the socket from localhost; the error's number else."""
    way = {"unix_socket": server.socket} if local else {"host": server.host, "port": server.port}
    with closing(pymysql.connect(user=READER, password=PASSWORD, **way)) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except pymysql.MySQLError as error:
            return error.args[0]
        return cursor.fetchall()


def of_table(columns: str, database: str = SALES) -> str:
    return f"SELECT {columns} FROM {quoted(database)}.{quoted(TABLE)}"


DENIED, NO_COLUMN = 1142, 1143


@pytest.mark.parametrize("local", [False, True])
def test_granted_columns_are_read_and_no_others(server: MariadbServer, rules: Rules, local: bool) -> None:
    grants = [wanted(columns=("id", "e`mail"))]
    with enforcer(server, rules) as opened:
        keeper = Keeper(opened, rules)
        plan = keeper.settle(grants)
        assert opened.read_back(plan.readings.values()) == []
        assert keeper.plan(grants).steps == ()
        assert sees(server, of_table("id, `e``mail`"), local=local) == ((7, "ann@example.org"),)
        assert sees(server, of_table("born"), local=local) == NO_COLUMN
        assert sees(server, of_table("id", DECOY), local=local) == DENIED

        keeper.settle([], grants)
        assert opened.still_readable(plan.readings.values()) == []
        assert keeper.plan([]).steps == ()
        assert sees(server, of_table("id"), local=local) == DENIED
    left = mariadb.facts(server)
    assert not [one for one in left if getattr(one, "grantee", "").startswith((READER, "dc_"))]
    assert not [one for one in left if isinstance(one, Role) and one.name.startswith("dc_")]


def test_a_whole_table_is_read_and_columns_remain_when_that_ends(server: MariadbServer, rules: Rules) -> None:
    whole, columns = wanted(1, ()), wanted(2, ("id",))
    with enforcer(server, rules) as opened:
        keeper = Keeper(opened, rules)
        keeper.settle([whole, columns])
        assert sees(server, of_table("*")) != DENIED
        keeper.settle([columns], [whole])
        assert sees(server, of_table("id")) == ((7,),)
        assert sees(server, of_table("born")) == NO_COLUMN
        assert keeper.plan([columns]).steps == ()


def test_masked_columns_are_shown_masked(server: MariadbServer) -> None:
    masks = (
        MaskedColumn("e`mail", Mask.PARTIAL),
        MaskedColumn("born", Mask.GENERALISE, "date"),
        MaskedColumn("paid", Mask.GENERALISE, "decimal"),
        MaskedColumn("id", Mask.HASH, "integer"),
    )
    grants = [wanted(1, ("id", "e`mail", "born", "paid"), masks=masks)]
    with enforcer(server, RULES) as opened:
        keeper = Keeper(opened, RULES)
        plan = keeper.settle(grants)
        assert opened.read_back(plan.readings.values()) == []
        assert keeper.plan(grants).steps == ()
        (view,) = [step.fact.path for step in plan.steps if hasattr(step.fact, "base")]
        ((hashed, mail, born, paid),) = sees(server, f"SELECT * FROM {quoted(view[0])}.{quoted(view[1])}")
        assert (mail, str(born), float(paid)) == ("***********.org", "1984-01-01", 1000.0)
        assert len(hashed) == 64
        assert sees(server, of_table("`e``mail`")) == DENIED
        assert sees(server, "SELECT salt FROM en_masked.dc_salt") == DENIED

        other = [wanted(1, ("id", "born"), masks=(MaskedColumn("born", Mask.NULL, "date"),))]
        keeper.settle(other, grants)
        assert keeper.plan(other).steps == ()
        assert sees(server, of_table("id")) == ((7,),)
        assert sees(server, f"SELECT * FROM {quoted(view[0])}.{quoted(view[1])}") == DENIED


def test_a_view_of_the_same_name_inherits_no_rights_of_the_dropped_one(server: MariadbServer) -> None:
    grants = [wanted(1, ("born",), masks=(MaskedColumn("born", Mask.NULL, "date"),))]
    with enforcer(server, RULES) as opened:
        keeper = Keeper(opened, RULES)
        plan = keeper.settle(grants)
        keeper.settle([], grants)
        (view,) = [step.fact.path for step in plan.steps if hasattr(step.fact, "base")]
    mariadb.run(server, [f"CREATE VIEW {quoted(view[0])}.{quoted(view[1])} AS {of_table('*')}"])
    assert not [one for one in mariadb.facts(server) if getattr(one, "path", ()) == view and hasattr(one, "right")]


def test_a_default_role_that_somebody_has_goes_on_and_comes_back(server: MariadbServer) -> None:
    accounts = [mariadb.account(READER, host) for host in HOSTS]
    theirs = ["CREATE ROLE en_theirs", f"GRANT SELECT (born) ON {quoted(SALES)}.{quoted(TABLE)} TO en_theirs"]
    theirs += [f"GRANT en_theirs TO {one}" for one in accounts]
    theirs += [f"SET DEFAULT ROLE en_theirs FOR {one}" for one in accounts]
    theirs += [f"GRANT en_theirs TO {mariadb.account(SERVICE, '%')} WITH ADMIN OPTION"]
    assert mariadb.run(server, theirs) == theirs
    with enforcer(server, RULES) as opened:
        keeper = Keeper(opened, RULES)
        keeper.settle([wanted()])
        assert keeper.plan([wanted()]).steps == ()
        assert sees(server, of_table("id, born")) != NO_COLUMN
        keeper.settle([], [wanted()])
        assert sees(server, of_table("born")) != NO_COLUMN
        assert sees(server, of_table("id")) == NO_COLUMN
    assert {DefaultRole(f"{READER}@{host}", "en_theirs") for host in HOSTS} <= mariadb.facts(server)


def test_a_table_that_was_dropped_keeps_no_rights_for_the_next_of_its_name(server: MariadbServer, rules: Rules) -> None:
    with enforcer(server, rules) as opened:
        keeper = Keeper(opened, rules)
        keeper.settle([wanted()])
        mariadb.run(server, [f"DROP TABLE {quoted(SALES)}.{quoted(TABLE)}"])
        assert keeper.plan([wanted()]).problems
        keeper.settle([wanted()])
        mariadb.run(server, [f"CREATE TABLE {quoted(SALES)}.{quoted(TABLE)} (id int, secret int)"])
        assert sees(server, of_table("id")) == DENIED


def test_what_somebody_else_granted_stays(server: MariadbServer, rules: Rules) -> None:
    theirs = [f"GRANT SELECT (born) ON {quoted(SALES)}.{quoted(TABLE)} TO {mariadb.account(READER, '%')}"]
    assert mariadb.run(server, theirs) == theirs
    with enforcer(server, rules) as opened:
        keeper = Keeper(opened, rules)
        keeper.settle([wanted()])
        keeper.settle([], [wanted()])
    assert sees(server, of_table("born"), local=True) != NO_COLUMN


def test_a_plan_for_another_state_is_refused(server: MariadbServer) -> None:
    with enforcer(server, RULES) as opened:
        plan = make_plan([wanted()], [], opened.inspect(), RULES, Ours())
        journal = Notebook()
        with pytest.raises(PlanChanged):
            opened.carry_out(plan, lambda seen: make_plan([wanted(2)], [], seen, RULES, Ours()), journal)
        assert journal.intended == []


def test_a_refused_step_takes_back_what_was_given(server: MariadbServer) -> None:
    """The account may not set default roles: the last step fails after all others were carried out."""
    with enforcer(server, RULES) as opened:
        mariadb.run(server, [f"REVOKE UPDATE ON mysql.* FROM {mariadb.account(SERVICE, '%')}"])
        before = mariadb.facts(server)
        keeper, journal = Keeper(opened, RULES), Notebook()
        with pytest.raises(StepRefused, match="SET DEFAULT ROLE"):
            keeper.settle([wanted()], journal=journal)
        assert mariadb.facts(server) == before
        assert {step.key for step in journal.taken_back} >= {step.key for step in journal.finished}


def test_a_connection_lost_between_statements_leaves_nothing_given(server: MariadbServer, rules: Rules) -> None:
    grants = [wanted(columns=("id", "born"))]
    with enforcer(server, rules) as opened:
        before = mariadb.facts(server)
        steps = len(Keeper(opened, rules).plan(grants).steps)
    for at in range(1, steps):
        with enforcer(server, rules) as opened:
            keeper = Keeper(opened, rules)
            journal = Notebook()
            journal.after = partial(cut_after, server, journal, at)
            with pytest.raises(ConnectorError):
                keeper.settle(grants, journal=journal)
            assert mariadb.facts(server) == before, at
            assert sees(server, of_table("id")) == DENIED
            keeper.settle(grants)
            assert sees(server, of_table("id, born")) != DENIED
            keeper.settle([], grants)
            assert mariadb.facts(server) == before, at


def cut_after(server: MariadbServer, journal: Notebook, at: int, step: Step) -> None:
    if len(journal.finished) == at:
        cut(server)


def cut(server: MariadbServer) -> None:
    """End the service's sessions from outside, as a restart of the server or a firewall does."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", [SERVICE])
        for (number,) in cursor.fetchall():
            cursor.execute(f"KILL CONNECTION {number}")


def test_what_is_over_is_taken_although_something_else_fails(server: MariadbServer) -> None:
    over, new = wanted(1, ("id",)), wanted(2, ("born",), masks=(MaskedColumn("born", Mask.NULL, "date"),))
    with enforcer(server, RULES) as opened:
        keeper = Keeper(opened, RULES)
        keeper.settle([over])
        mariadb.run(server, [f"REVOKE CREATE VIEW ON `en\\_masked`.* FROM {mariadb.account(SERVICE, '%')}"])
        with pytest.raises(StepRefused, match="CREATE SQL SECURITY DEFINER VIEW"):
            keeper.settle([new], [over])
        assert sees(server, of_table("id")) == DENIED


def test_open_sessions_of_somebody_who_lost_access_are_ended(server: MariadbServer) -> None:
    with enforcer(server, RULES) as opened:
        keeper = Keeper(opened, RULES)
        keeper.settle([wanted()])
        session = pymysql.connect(user=READER, password=PASSWORD, host=server.host, port=server.port)
        with closing(session), session.cursor() as cursor:
            cursor.execute(of_table("id"))
            keeper.settle([], [wanted()])
            assert opened.end_sessions([READER]).ended == 1
            with pytest.raises(pymysql.MySQLError):
                cursor.execute("SELECT 1")
        mariadb.run(server, [f"REVOKE CONNECTION ADMIN ON *.* FROM {mariadb.account(SERVICE, '%')}"])
    with (
        enforcer(server, GRANT_ONLY) as opened,
        closing(pymysql.connect(user=READER, password=PASSWORD, host=server.host, port=server.port)),
    ):
        mariadb.run(server, [f"REVOKE CONNECTION ADMIN ON *.* FROM {mariadb.account(SERVICE, '%')}"])
        assert "GRANT CONNECTION ADMIN" in opened.end_sessions([READER]).left


def test_an_inspection_takes_a_fixed_number_of_statements(server: MariadbServer) -> None:
    def statements() -> int:
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Com_select'")
            return int(cursor.fetchone()[1])

    with enforcer(server, RULES) as opened:
        opened.inspect()
        began = statements()
        opened.inspect()
        few = statements() - began
        more = [f"CREATE TABLE {quoted(SALES)}.more_{number} (id int)" for number in range(20)]
        more += [
            f"GRANT SELECT ON {quoted(SALES)}.more_{number} TO {mariadb.account(READER, '%')}" for number in range(20)
        ]
        assert mariadb.run(server, more) == more
        began = statements()
        opened.inspect()
        assert statements() - began == few
