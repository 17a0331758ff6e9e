"""What the catalog's own account needs in MariaDB, as exact statements."""

from __future__ import annotations

from collections.abc import Sequence

from access.provisioning.desired import Profile, Rules
from access.provisioning.facts import Path
from access.provisioning.mysql.quoting import quoted, whom
from access.provisioning.patterns import escaped

_READ = (
    ("Host, User, Select_priv, Grant_priv, is_role, default_role", "user"),
    ("Host, Db, User, Select_priv, Grant_priv", "db"),
)
_READ_WHOLE = ("tables_priv", "columns_priv", "roles_mapping")


def service_grants(profile: Profile, rules: Rules, account: str, schemas: Sequence[Path]) -> list[str]:
    """For an administrator to run once. `account` is `user@host`.

    The privilege tables are read without the columns that hold hashes of passwords. UPDATE on the `mysql` database is
    what the server asks of whoever sets another account's default role; whoever may not give that takes the grant-only
    profile.
    """
    service = whom(account)
    made = [f"GRANT SELECT ({columns}) ON `mysql`.{quoted(table)} TO {service}" for columns, table in _READ]
    made += [f"GRANT SELECT ON `mysql`.{quoted(table)} TO {service}" for table in _READ_WHOLE]
    for path in schemas:
        database = quoted(escaped(path[0]))
        made.append(f"GRANT SELECT, SHOW VIEW ON {database}.* TO {service} WITH GRANT OPTION")
    if profile is Profile.ROLE_MANAGING:
        masks = quoted(escaped(rules.mask_schema))
        made += [
            f"CREATE DATABASE IF NOT EXISTS {quoted(rules.mask_schema)}",
            f"GRANT SELECT, INSERT, CREATE, CREATE VIEW, DROP, SHOW VIEW ON {masks}.* TO {service} WITH GRANT OPTION",
            f"GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO {service}",
            f"GRANT UPDATE ON `mysql`.* TO {service}",
        ]
    return made
