"""PostgreSQL 15 and 18: what a login can read is what was granted, by logging in as it."""

from collections.abc import Iterator

import psycopg
import pytest

from access.provisioning.adapter import PlanChanged, StepRefused
from access.provisioning.desired import Mask, MaskedColumn, Profile, Wanted, role_name, view_path
from access.provisioning.facts import Member, Relation, Role
from access.provisioning.plan import Change, make_plan
from access.provisioning.postgres.enforcer import PostgresEngine
from tests.access.provisioning.postgres import PASSWORD, Cluster, Warehouse, warehouse

ORDERS = ("sales", "orders")
REFUSED = "42501"


def filled(place: Warehouse) -> Warehouse:
    place.owner(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id int, email text, phone text, born date, pay numeric)",
        "INSERT INTO sales.orders VALUES (1, 'ada@example.org', '+61 400 123 456', '1984-05-17', 91234.5),"
        " (2, NULL, NULL, NULL, NULL)",
        "CREATE TABLE sales.secrets (id int)",
    )
    place.allow_service()
    return place


@pytest.fixture
def managing(cluster: Cluster) -> Iterator[Warehouse]:
    with warehouse(cluster, Profile.ROLE_MANAGING) as place:
        yield filled(place)


@pytest.fixture(params=list(Profile))
def place(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Warehouse]:
    with warehouse(cluster, request.param) as place:
        yield filled(place)


def test_a_login_reads_the_granted_columns_and_no_others(place: Warehouse):
    ada, bob, _ = place.logins
    grant = Wanted(1, ada, 7, ORDERS, ("id", "email"))
    place.reconcile([grant])
    assert place.reads(ada, "SELECT id, email FROM sales.orders ORDER BY id")[0] == (1, "ada@example.org")
    assert place.reads(ada, "SELECT phone FROM sales.orders") == REFUSED
    assert place.reads(ada, "SELECT * FROM sales.secrets") == REFUSED
    assert place.reads(bob, "SELECT id FROM sales.orders") == REFUSED
    place.reconcile([], [grant])
    assert place.reads(ada, "SELECT id FROM sales.orders") == REFUSED


def test_narrowing_and_widening_leave_exactly_what_is_granted(place: Warehouse):
    ada = place.logins[0]
    whole, some = Wanted(1, ada, 7, ORDERS), Wanted(2, ada, 7, ORDERS, ("id", "pay"))
    place.reconcile([whole])
    assert len(place.reads(ada, "SELECT * FROM sales.orders")) == 2
    place.reconcile([some], [whole])
    assert place.reads(ada, "SELECT * FROM sales.orders") == REFUSED
    assert len(place.reads(ada, "SELECT id, pay FROM sales.orders")) == 2
    place.reconcile([whole], [some])
    assert len(place.reads(ada, "SELECT * FROM sales.orders")) == 2


def test_nothing_of_the_catalogs_is_left_when_all_is_over(managing: Warehouse):
    ada, bob, _ = managing.logins
    grants = [Wanted(1, ada, 7, ORDERS, ("id",)), Wanted(2, bob, 7, ORDERS, masks=(MaskedColumn("email", Mask.HASH),))]
    with managing.enforcer() as enforcer:
        before = enforcer.inspect()
    managing.reconcile(grants)
    managing.reconcile([], grants)
    with managing.enforcer() as enforcer:
        after = enforcer.inspect()
    salt = {fact for fact in after.facts if getattr(fact, "path", ())[-1:] == ("dc_salt",)}
    # Roles are of the whole server, on which other tests run.
    mark = managing.account.removeprefix("svc_")
    new = {fact for fact in after.facts - before.facts if mark in repr(fact)}
    assert new == salt


def test_masked_columns_show_masked_values_only(managing: Warehouse):
    ada = managing.logins[0]
    masks = (
        MaskedColumn("email", Mask.HASH),
        MaskedColumn("phone", Mask.PARTIAL),
        MaskedColumn("born", Mask.GENERALISE, "date"),
        MaskedColumn("pay", Mask.GENERALISE, "decimal"),
    )
    grant = Wanted(1, ada, 7, ORDERS, masks=masks)
    managing.reconcile([grant])
    view = psycopg.sql.Identifier(*view_path(managing.rules, grant)).as_string(None)
    first, second = managing.reads(ada, f"SELECT id, email, phone, born::text, pay::int FROM {view} ORDER BY id")
    assert first[0] == 1 and len(first[1]) == 64
    assert first[2:] == ("*********** 456", "1984-01-01", 10000)
    assert second == (2, None, None, None, None)
    assert managing.reads(ada, "SELECT email FROM sales.orders") == REFUSED
    assert managing.reads(ada, "SELECT id FROM sales.orders ORDER BY id") == [(1,), (2,)]
    salt = psycopg.sql.Identifier(managing.rules.mask_schema, "dc_salt").as_string(None)
    assert managing.reads(ada, f"SELECT salt FROM {salt}") == REFUSED


def test_a_masked_view_that_somebody_changed_is_made_anew(managing: Warehouse):
    ada = managing.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, masks=(MaskedColumn("email", Mask.NULL),))
    managing.reconcile([grant])
    view = psycopg.sql.Identifier(*view_path(managing.rules, grant)).as_string(None)
    managing.owner(f"CREATE OR REPLACE VIEW {view} AS SELECT id, email, phone, born, pay FROM sales.orders")
    assert managing.reads(ada, f"SELECT email FROM {view} WHERE id = 1") == [("ada@example.org",)]
    managing.reconcile([grant])
    assert managing.reads(ada, f"SELECT email FROM {view} WHERE id = 1") == [(None,)]


def test_a_column_that_came_is_shown_by_the_view_of_a_whole_dataset(managing: Warehouse):
    ada = managing.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, masks=(MaskedColumn("email", Mask.NULL),))
    managing.reconcile([grant])
    managing.owner("ALTER TABLE sales.orders ADD note text DEFAULT 'new'")
    managing.reconcile([grant])
    view = psycopg.sql.Identifier(*view_path(managing.rules, grant)).as_string(None)
    assert managing.reads(ada, f"SELECT DISTINCT note FROM {view}") == [("new",)]


def test_a_table_dropped_and_made_anew_is_granted_again(place: Warehouse):
    ada = place.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, ("id",))
    place.reconcile([grant])
    place.owner("DROP TABLE sales.orders", "CREATE TABLE sales.orders (id int)")
    assert place.reads(ada, "SELECT id FROM sales.orders") == REFUSED
    place.reconcile([grant])
    assert place.reads(ada, "SELECT id FROM sales.orders") == []


def test_a_table_renamed_away_takes_no_access_with_it(managing: Warehouse):
    """Privileges follow the table, not the name: a table put in its place has none, the old one still has them."""
    ada = managing.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, ("id",))
    managing.reconcile([grant])
    managing.owner("ALTER TABLE sales.orders RENAME TO old", "CREATE TABLE sales.orders (id int)")
    managing.allow_service()
    assert managing.reads(ada, "SELECT id FROM sales.old ORDER BY id") == [(1,), (2,)]
    managing.reconcile([grant])
    assert managing.reads(ada, "SELECT id FROM sales.old") == REFUSED
    assert managing.reads(ada, "SELECT id FROM sales.orders") == []


def test_what_others_granted_is_never_touched(place: Warehouse):
    ada = place.logins[0]
    place.owner(f"GRANT SELECT ON sales.secrets TO {ada}", f"GRANT USAGE ON SCHEMA sales TO {ada}")
    grant = Wanted(1, ada, 7, ORDERS, ("id",))
    place.reconcile([grant])
    place.reconcile([], [grant])
    assert place.reads(ada, "SELECT * FROM sales.secrets") == []


@pytest.mark.parametrize("profile", list(Profile))
def test_a_superuser_as_account_grants_as_the_owner_and_takes_only_its_own(cluster: Cluster, profile: Profile):
    with warehouse(cluster, profile, superuser=True) as place:
        filled(place)
        ada, bob, _ = place.logins
        place.owner(f"GRANT SELECT ON sales.secrets TO {bob}", f"GRANT USAGE ON SCHEMA sales TO {bob}")
        grants = [Wanted(1, ada, 7, ORDERS, ("id",)), Wanted(2, bob, 7, ORDERS, ("id",))]
        place.reconcile(grants)
        assert len(place.reads(bob, "SELECT id FROM sales.orders")) == 2
        place.reconcile([grants[1]], [grants[0]])
        assert place.reads(ada, "SELECT id FROM sales.orders") == REFUSED
        assert place.reads(bob, "SELECT * FROM sales.secrets") == []


def test_a_right_that_the_account_may_not_pass_on_is_refused_and_nothing_stays(managing: Warehouse):
    ada = managing.logins[0]
    managing.owner(f"REVOKE GRANT OPTION FOR SELECT ON sales.orders FROM {managing.account}")
    with pytest.raises(StepRefused, match="PostgreSQL refused “GRANT SELECT"):
        managing.reconcile([Wanted(1, ada, 7, ORDERS, ("id",))])
    assert managing.reads(ada, "SELECT id FROM sales.orders") == REFUSED
    with managing.enforcer() as enforcer:
        assert not any(name.startswith(managing.rules.prefix) for name in enforcer.inspect().roles)


def test_a_plan_that_the_source_outran_is_refused(managing: Warehouse):
    grants = [Wanted(1, managing.logins[0], 7, ORDERS, ("id",))]

    def replan(inspection):
        return make_plan(grants, [], inspection, managing.rules, managing.journal.ours)

    with managing.enforcer() as enforcer:
        plan = replan(enforcer.inspect())
        managing.owner("ALTER TABLE sales.orders DROP COLUMN id")
        with pytest.raises(PlanChanged):
            enforcer.carry_out(plan, replan, managing.journal)
    assert managing.journal.texts == []


def test_reading_back_names_what_stands_in_the_way(managing: Warehouse):
    ada = managing.logins[0]
    grants = [Wanted(1, ada, 7, ORDERS, ("id",))]
    plan = managing.reconcile(grants)
    with managing.enforcer() as enforcer:
        assert enforcer.read_back(plan.readings.values()) == []
        assert enforcer.still_readable(plan.readings.values()) == [1]
        role = role_name(managing.rules, grants[0])
        managing.owner(f"REVOKE {role} FROM {ada} GRANTED BY {managing.account}")
        (found,) = enforcer.read_back(plan.readings.values())
        assert "may not use the schema of sales.orders" in found.reason
        assert enforcer.still_readable(plan.readings.values()) == []


def test_open_sessions_lose_what_is_over(managing: Warehouse):
    """An open cursor outlives a REVOKE; the end of its session does not."""
    ada = managing.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, ("id",))
    managing.reconcile([grant])
    with managing.as_login(ada) as session:
        session.execute("BEGIN")
        session.execute("DECLARE c CURSOR FOR SELECT id FROM sales.orders")
        managing.reconcile([], [grant])
        assert session.execute("FETCH 1 FROM c").fetchall() == [(1,)]
        with managing.enforcer() as enforcer:
            ended = enforcer.end_sessions([ada])
        assert (ended.ended, ended.left) == (1, "")
        with pytest.raises(psycopg.OperationalError):
            session.execute("FETCH 1 FROM c")


def test_sessions_that_may_not_be_ended_are_told(cluster: Cluster):
    with warehouse(cluster, Profile.GRANT_ONLY) as place:
        filled(place)
        ada = place.logins[0]
        with place.as_login(ada) as session, place.enforcer() as enforcer:
            told = enforcer.end_sessions([ada])
            assert session.execute("SELECT 1").fetchone() == (1,)
    assert told.ended == 0
    assert f"1 of {ada}" in told.left and "pg_signal_backend" in told.left


HOSTILE = ['a"b', "x'; DROP TABLE sales.secrets; --", "under_score%", "ünï cödé", "n" * 63, "{}", "%s", "$1"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_identifiers_are_names_and_nothing_else(place: Warehouse, name: str):
    quoted = psycopg.sql.Identifier(name).as_string(None)
    ada = place.logins[0]
    place.owner(f"CREATE SCHEMA {quoted}", f"CREATE TABLE {quoted}.{quoted} ({quoted} text, other text)")
    place.allow_service()
    manages = place.rules.manages_roles
    plain = Wanted(1, ada, 7, (name, name), (name,))
    grant = Wanted(1, ada, 7, (name, name), (name, "other"), (MaskedColumn(name, Mask.PARTIAL),)) if manages else plain
    place.reconcile([grant])
    if manages:
        view = psycopg.sql.Identifier(*view_path(place.rules, grant)).as_string(None)
        assert place.reads(ada, f"SELECT {quoted} FROM {view}") == []
        assert place.reads(ada, f"SELECT {quoted} FROM {quoted}.{quoted}") == REFUSED
    else:
        assert place.reads(ada, f"SELECT {quoted} FROM {quoted}.{quoted}") == []
        assert place.reads(ada, f"SELECT other FROM {quoted}.{quoted}") == REFUSED
    place.reconcile([], [grant])
    assert place.reads(ada, f"SELECT {quoted} FROM {quoted}.{quoted}") == REFUSED


def test_memberships_do_not_let_anybody_set_role_where_that_can_be_told(managing: Warehouse):
    ada = managing.logins[0]
    grant = Wanted(1, ada, 7, ORDERS, ("id",))
    managing.reconcile([grant])
    with managing.enforcer() as enforcer:
        inspection = enforcer.inspect()
    (member,) = [one for one in inspection.facts if isinstance(one, Member) and one.member == ada]
    assert member.inherits and member.may_set is not inspection.sets_inherit


def test_inspection_tells_views_with_whose_rights_they_read(managing: Warehouse):
    managing.owner(
        "CREATE VIEW sales.plain AS SELECT id, email FROM sales.orders",
        "CREATE VIEW sales.careful WITH (security_invoker = true) AS SELECT id FROM sales.orders",
    )
    with managing.enforcer() as enforcer:
        relations = enforcer.inspect().relations
    assert relations["sales", "plain"].as_owner and not relations["sales", "careful"].as_owner
    assert ("sales", "orders", "email") in relations["sales", "plain"].reads
    assert isinstance(relations[ORDERS], Relation) and relations[ORDERS].columns == (
        "id",
        "email",
        "phone",
        "born",
        "pay",
    )


def test_a_login_that_does_not_inherit_is_found_out_by_reading_back(machine_cluster: Cluster):
    with warehouse(machine_cluster, Profile.ROLE_MANAGING) as place:
        filled(place)
        ada = place.logins[0]
        place.owner(f"ALTER ROLE {ada} NOINHERIT")
        plan = place.reconcile([Wanted(1, ada, 7, ORDERS, ("id",))])
        with place.enforcer() as enforcer:
            (found,) = enforcer.read_back(plan.readings.values())
    assert "may not use the schema" in found.reason


def test_undoing_statements_undo(managing: Warehouse):
    ada = managing.logins[0]
    with managing.enforcer() as enforcer:
        before = enforcer.inspect()
        plan = make_plan([Wanted(1, ada, 7, ORDERS, ("id",))], [], before, managing.rules, managing.journal.ours)
        undo = [PostgresEngine().statements(step, before)[-1].undo for step in plan.steps]
        managing.reconcile([Wanted(1, ada, 7, ORDERS, ("id",))])
        with psycopg.connect(
            host=managing.cluster.host,
            port=managing.cluster.port,
            dbname=managing.database,
            user=managing.account,
            password=PASSWORD,
        ) as connection:
            for statement in reversed(undo):
                connection.execute(statement)
        assert enforcer.inspect().facts == before.facts
    assert {type(step.fact) for step in plan.steps if step.change is Change.ADD} >= {Role, Member}
