"""Names as MariaDB and MySQL take them in statements, quoted by SQLAlchemy's dialect."""

from __future__ import annotations

from sqlalchemy.dialects import mysql as dialects

from access.provisioning.facts import PUBLIC, Path
from access.provisioning.identities import host_of, user_of

# Named parameters keep the preparer from doubling percent signs for a driver that will not see them.
_PREPARER = dialects.dialect(paramstyle="named").identifier_preparer


def quoted(name: str) -> str:
    return str(_PREPARER.quote_identifier(name))


def place(path: Path) -> str:
    """A database and relation; on this level of GRANT no part is a pattern."""
    return ".".join(quoted(part) for part in path)


def whom(grantee: str) -> str:
    """A role, an account with its host, or everybody, as `inspecting.name_of` names them."""
    if grantee == PUBLIC:
        return "PUBLIC"
    if "@" not in grantee:
        return quoted(grantee)
    user, host = user_of(grantee), host_of(grantee)
    return f"{quoted(user)}@{quoted(host)}" if host else quoted(user)
