from __future__ import annotations

from accounts.models import Principal
from accounts.permissions import is_trusted
from common.errors import Forbidden


def can_manage_connections(by: Principal) -> bool:
    """Administrators and the application itself: whoever holds a connection can make the catalog log in
    somewhere.
    """
    return is_trusted(by)


def check_can_manage_connections(by: Principal) -> None:
    if not can_manage_connections(by):
        raise Forbidden("Only an administrator may set how a source is reached. Ask one of them.")
