from __future__ import annotations

from accounts.models import Principal
from common.errors import Forbidden


def is_trusted(principal: Principal) -> bool:
    """The application itself and active administrators: they may do what nobody else's role covers."""
    return principal.kind == Principal.Kind.SYSTEM or principal.is_administrator


def check_is_administrator(by: Principal) -> None:
    if not is_trusted(by):
        raise Forbidden("Only an administrator may do this. Ask one of them.")


def can_manage_tokens_of(by: Principal, principal: Principal) -> bool:
    """One's own tokens, and as an administrator those of anybody."""
    return is_trusted(by) or (by.pk == principal.pk and principal.kind == Principal.Kind.PERSON)


def check_can_manage_tokens_of(by: Principal, principal: Principal) -> None:
    if not can_manage_tokens_of(by, principal):
        raise Forbidden("You may manage your own tokens only. Ask an administrator for one of a pipeline or service.")
