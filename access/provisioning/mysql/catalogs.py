"""The statements that read the privilege tables of MariaDB and MySQL, which keep roles in different places.

`information_schema.table_privileges` leaves out whoever holds columns only, so the tables of the `mysql` database are
read. `{databases}` stands for a condition whose values are parameters. MySQL's are not run by the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")

SESSION = "SELECT VERSION(), CURRENT_USER()"

DATABASE_RIGHTS = """
SELECT User, Host, Db, Select_priv = 'Y', Grant_priv = 'Y' FROM mysql.db
"""

TABLE_RIGHTS = """
SELECT User, Host, Db, Table_name, FIND_IN_SET('Select', Table_priv) > 0, FIND_IN_SET('Grant', Table_priv) > 0
FROM mysql.tables_priv WHERE Table_priv <> '' OR NOT FIND_IN_SET('Select', Column_priv)
"""

COLUMN_RIGHTS = """
SELECT User, Host, Db, Table_name, Column_name FROM mysql.columns_priv WHERE FIND_IN_SET('Select', Column_priv)
"""

RELATIONS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE FROM information_schema.TABLES t WHERE {databases}
"""

COLUMNS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.COLUMN_NAME FROM information_schema.COLUMNS t WHERE {databases}
ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME, t.ORDINAL_POSITION
"""

VIEWS = """
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.VIEW_DEFINITION, t.DEFINER, t.SECURITY_TYPE
FROM information_schema.VIEWS t WHERE {databases}
"""

SESSIONS = "SELECT ID, USER FROM information_schema.PROCESSLIST"


@dataclass(frozen=True, slots=True)
class Catalogs:
    """Where a product keeps accounts (user, host, reads all, may grant, is a role), roles' members (role's user and
    host, member's user and host, may grant), default roles (user, host, role's user and host) and locked accounts.
    """

    accounts: str
    members: str
    default_roles: str
    locked: str


MARIADB = Catalogs(
    accounts="SELECT User, Host, Select_priv = 'Y', Grant_priv = 'Y', is_role = 'Y' FROM mysql.user",
    members="SELECT Role, '', User, Host, Admin_option = 'Y' FROM mysql.roles_mapping",
    default_roles="SELECT User, Host, default_role, '' FROM mysql.user WHERE default_role <> ''",
    # The one table that tells it holds hashes of passwords too, so not every catalog's account may read it.
    locked="SELECT User, Host FROM mysql.global_priv WHERE JSON_VALUE(Priv, '$.account_locked') IN ('1', 'true')",
)

MYSQL = Catalogs(
    accounts="SELECT User, Host, Select_priv = 'Y', Grant_priv = 'Y', FALSE FROM mysql.user",
    members="SELECT FROM_USER, FROM_HOST, TO_USER, TO_HOST, WITH_ADMIN_OPTION = 'Y' FROM mysql.role_edges",
    default_roles="SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles",
    locked="SELECT User, Host FROM mysql.user WHERE account_locked = 'Y'",
)
