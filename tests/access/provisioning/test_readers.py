"""Who can read a column, by hand-made facts: which ways are told, in which words, and what is lacking."""

from access.provisioning.facts import (
    PUBLIC,
    DefaultPrivilege,
    DefaultRole,
    Member,
    Privilege,
    Relation,
    RelationKind,
    Right,
    Role,
)
from access.provisioning.identities import MYSQL, POSTGRES, Dialect
from access.provisioning.patterns import beats, escaped, matches, matches_host
from access.provisioning.readers import Lack, Readers, Way, born_with
from access.provisioning.telling import together, why

USERS = ("shop", "users")
TABLE = Relation(USERS, RelationKind.TABLE, "admin", ("id", "email"))
CONNECT = Privilege(Right.CONNECT, (), PUBLIC)
USAGE = Privilege(Right.USAGE, ("shop",), PUBLIC)
OPEN = (TABLE, CONNECT, USAGE, Role("admin"))


def login(name: str, **more) -> Role:
    return Role(name, can_login=True, **more)


def select(grantee: str, path: tuple[str, ...] = USERS, column: str = "") -> Privilege:
    return Privilege(Right.SELECT, path, grantee, column)


def told(*facts, column: str = "email", dialect: Dialect = POSTGRES) -> dict[str, list[str]]:
    """By reader the ways in words."""
    found = Readers([*OPEN, *facts], dialect).of_column(USERS, column)
    return {reader.name: [why(route) for route in reader.routes] for reader in found}


def test_a_grant_of_ones_own_is_told_with_its_column():
    assert told(login("ann"), select("ann", column="email")) == {
        "ann": ["ann holds SELECT on the column email of shop.users."]
    }
    assert told(login("ann"), select("ann", column="id")) == {}


def test_ways_that_differ_by_column_alone_are_told_together():
    facts = [*OPEN, login("ann"), select("ann", column="email"), select("ann", column="id")]
    (reader,) = Readers(facts, POSTGRES).of_relation(USERS)
    assert together(reader.routes) == ["ann holds SELECT on the columns email, id of shop.users."]


def test_a_chain_of_roles_is_told_link_by_link():
    chain = (login("ann"), Role("team"), Role("staff"), Member("team", "ann"), Member("staff", "team"), select("staff"))
    assert told(*chain)["ann"] == ["ann is in team, which is in staff, which holds SELECT on shop.users."]
    roles = Readers([*OPEN, *chain], POSTGRES).of_column(USERS, "email")
    assert {one.name: one.can_login for one in roles} == {"ann": True, "team": False, "staff": False}
    assert [one.routes[0].lacks for one in roles if one.name == "staff"] == [(Lack.LOGIN,)]


def test_rights_that_take_a_set_role_are_told_apart():
    facts = (login("ann"), Role("team"), Member("team", "ann", inherits=False), select("team"))
    (reader,) = [one for one in Readers([*OPEN, *facts], POSTGRES).of_column(USERS, "email") if one.name == "ann"]
    assert reader.is_open
    assert not reader.is_immediate
    assert told(*facts)["ann"] == ["After SET ROLE team: team holds SELECT on shop.users."]
    closed = (login("ann"), Role("team"), Member("team", "ann", inherits=False, may_set=False), select("team"))
    assert "ann" not in told(*closed)


def test_owners_superusers_and_everybody():
    assert told(login("boss"), Member("admin", "boss"), select("admin"))["boss"] == [
        "boss is in admin, which owns shop.users."
    ]
    assert told(login("root", reads_all=True))["root"] == ["root is a superuser and reads everything."]
    assert told(login("ann"), select(PUBLIC))["ann"] == ["Everybody holds SELECT on shop.users."]


def test_a_right_behind_a_closed_schema_opens_nothing_and_says_so():
    facts = [TABLE, CONNECT, login("ann"), select("ann")]
    (reader,) = Readers(facts, POSTGRES).of_column(USERS, "email")
    assert not reader.is_open
    assert why(reader.routes[0]) == (
        "ann holds SELECT on shop.users. It opens nothing, because ann has no USAGE on the schema."
    )
    (reader,) = Readers([TABLE, USAGE, login("ann"), select("ann")], POSTGRES).of_column(USERS, "email")
    assert reader.routes[0].lacks == (Lack.CONNECT,)


def test_a_definer_view_opens_what_its_owner_reads_and_an_invoker_view_does_not():
    view = Relation(("shop", "mails"), RelationKind.VIEW, "admin", ("email",), (("shop", "users", "email"),), True)
    reader = (login("ann"), select("ann", ("shop", "mails")))
    assert told(*reader, view, select("admin"))["ann"] == ["ann holds SELECT on shop.mails, which reads it."]
    assert told(*reader, view, select("admin"), column="id").get("ann") is None
    assert "lost the right" in told(*reader, view)["ann"][0]
    invoker = Relation(("shop", "mails"), RelationKind.VIEW, "admin", ("email",), (("shop", "users", "email"),), False)
    assert told(*reader, invoker, select("admin")).get("ann") is None


def test_a_view_over_a_view_is_followed_to_the_column():
    inner = Relation(("shop", "a"), RelationKind.VIEW, "admin", ("email",), (("shop", "users", "email"),), True)
    outer = Relation(("shop", "b"), RelationKind.VIEW, "admin", ("email",), (("shop", "a"),), True)
    facts = (login("ann"), select("ann", ("shop", "b")), inner, outer, select("admin"), select("admin", ("shop", "a")))
    (reader,) = [one for one in Readers([*OPEN, *facts], POSTGRES).of_column(USERS, "email") if one.name == "ann"]
    assert reader.routes[0].way is Way.VIEW
    assert reader.routes[0].views == (("shop", "b"), ("shop", "a"))
    assert reader.is_open


def test_a_copy_and_a_parent_need_no_right_of_their_owner():
    copy = Relation(("shop", "copy"), RelationKind.MATERIALIZED_VIEW, "gone", ("email",), (USERS,))
    assert told(login("ann"), select("ann", ("shop", "copy")), copy)["ann"]
    parent = Relation(("shop", "all"), RelationKind.TABLE, "gone", ("email",), (USERS,))
    assert told(login("ann"), select("ann", ("shop", "all")), parent)["ann"]


def test_row_security_is_mentioned_to_whom_it_filters():
    guarded = Relation(USERS, RelationKind.TABLE, "admin", ("id", "email"), row_security=True)
    facts = [
        guarded,
        CONNECT,
        USAGE,
        login("ann"),
        login("eve", bypasses_row_security=True),
        select("ann"),
        select("eve"),
    ]
    filtered = {one.name: one.routes[0].filtered for one in Readers(facts, POSTGRES).of_column(USERS, "email")}
    assert filtered == {"ann": True, "eve": False}


def test_all_hosts_of_a_user_are_one_reader_and_a_default_role_is_active():
    facts = (
        login("ann@%"),
        login("ann@localhost"),
        Role("team"),
        Member("team", "ann@%", inherits=False),
        DefaultRole("ann@%", "team"),
        select("team"),
        select("ann@localhost", column="id"),
    )
    found = told(*facts, dialect=MYSQL)
    assert found["ann"] == ["ann@% has the default role team, which holds SELECT on shop.users."]
    (by_host,) = Readers([*OPEN, *facts], MYSQL).of_reader("ann")
    assert set(by_host.ways) == {"", "id"}


def test_a_database_pattern_covers_more_than_it_seems():
    pattern = Privilege(Right.SELECT, ("sho_",), "ann@%", pattern=True)
    assert told(login("ann@%"), pattern, dialect=MYSQL)["ann"] == ["ann@% holds SELECT on databases like sho_."]
    strict = Privilege(Right.SELECT, ("sho\\_",), "ann@%", pattern=True)
    assert told(login("ann@%"), strict, dialect=MYSQL) == {}


def test_patterns():
    assert matches("sales\\_eu", "sales_eu")
    assert not matches("sales\\_eu", "salesXeu")
    assert matches("sales_eu", "salesXeu")
    assert matches(escaped("a_b%c\\d"), "a_b%c\\d")
    assert not matches(escaped("a_b"), "axb")
    assert matches_host("10.0.0.0/255.255.255.0", "10.0.0.7")
    assert not matches_host("10.0.0.0/255.255.255.0", "10.0.1.7")
    assert matches_host("%.Example.org", "db.example.ORG")
    assert beats("ab", "a%")
    assert beats("a__", "ab%")
    assert not beats("a%c_", "a_c%")
    assert not beats("a_c%", "a%c_")


def test_what_somebody_reads_is_listed_with_its_columns():
    orders = Relation(("shop", "orders"), RelationKind.TABLE, "admin", ("id",))
    facts = [*OPEN, orders, login("ann"), select("ann", column="email"), select("ann", ("shop", "orders"))]
    found = {one.relation.path: set(one.ways) for one in Readers(facts, POSTGRES).of_reader("ann")}
    assert found == {USERS: {"email"}, ("shop", "orders"): {""}}
    assert list(Readers(facts, POSTGRES).of_reader("nobody")) == []


def test_what_new_tables_are_born_with():
    everywhere = DefaultPrivilege("admin", Right.SELECT, "ann")
    here = DefaultPrivilege("admin", Right.SELECT, "team", ("shop",))
    elsewhere = DefaultPrivilege("admin", Right.SELECT, "team", ("other",))
    writing = DefaultPrivilege("admin", Right.INSERT, "team", ("shop",))
    assert born_with([everywhere, here, elsewhere, writing], "shop") == [everywhere, here]
