"""The two state machines of access. Pure: no Django models.

A request is what a person asks and others decide; a grant is what follows from an approval. Each machine is
one table; states that are not a key of it are terminal and never move.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from common.errors import Conflict


class RequestState(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class GrantState(StrEnum):
    """`recorded` is a grant that holds in this catalog and is not applied in the source.

    Others than `recorded` and the ends are those of a grant that is carried out in its source: `active` means that
    the privilege was read back there, and an end that it was read back as gone. `expiring` and `revoking` grants are
    over, and their privileges on the way out; `revoke_failed` says that the source did not let them go yet. A recorded
    grant has no privilege to read, so is never `active`.
    """

    SCHEDULED = "scheduled"
    PROVISIONING = "provisioning"
    PROVISION_FAILED = "provision_failed"
    RECORDED = "recorded"
    ACTIVE = "active"
    DRIFTED = "drifted"
    SUSPENDED = "suspended"
    EXPIRING = "expiring"
    REVOKING = "revoking"
    REVOKE_FAILED = "revoke_failed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


def choices(states: type[StrEnum]) -> list[tuple[str, str]]:
    """The states of a machine as a model's choices."""
    return [(state.value, state.value.replace("_", " ").capitalize()) for state in states]


REQUEST_TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.DRAFT: frozenset({RequestState.PENDING, RequestState.CANCELLED}),
    RequestState.PENDING: frozenset(
        {RequestState.APPROVED, RequestState.DENIED, RequestState.EXPIRED, RequestState.CANCELLED}
    ),
}

_G = GrantState
_OVER = frozenset({_G.EXPIRING, _G.REVOKING})

GRANT_TRANSITIONS: Mapping[GrantState, frozenset[GrantState]] = {
    _G.RECORDED: frozenset({_G.SCHEDULED, _G.PROVISIONING, _G.SUSPENDED, _G.EXPIRED, _G.REVOKED, _G.SUPERSEDED}),
    _G.SCHEDULED: frozenset({_G.RECORDED, _G.PROVISIONING, _G.SUSPENDED, _G.EXPIRED, _G.REVOKED, _G.SUPERSEDED}),
    _G.PROVISIONING: _OVER | {_G.ACTIVE, _G.PROVISION_FAILED, _G.SUSPENDED},
    _G.PROVISION_FAILED: _OVER | {_G.ACTIVE, _G.PROVISIONING, _G.SUSPENDED},
    _G.ACTIVE: _OVER | {_G.DRIFTED, _G.SUSPENDED},
    _G.DRIFTED: _OVER | {_G.ACTIVE, _G.SUSPENDED},
    _G.SUSPENDED: _OVER | {_G.PROVISIONING, _G.RECORDED},
    _G.EXPIRING: frozenset({_G.REVOKE_FAILED, _G.EXPIRED}),
    _G.REVOKING: frozenset({_G.REVOKE_FAILED, _G.REVOKED, _G.SUPERSEDED}),
    _G.REVOKE_FAILED: frozenset({_G.EXPIRED, _G.REVOKED, _G.SUPERSEDED}),
}
"""Recorded and scheduled grants gave nothing in a source, so they end at once; others end when that was read back."""

GRANT_ENDED = frozenset({GrantState.REVOKED, GrantState.EXPIRED, GrantState.SUPERSEDED})
"""Terminal: the principal's access by this grant is over."""

GRANT_CARRIED_OUT = frozenset(GrantState) - GRANT_ENDED - {GrantState.RECORDED, GrantState.SCHEDULED}
"""The source holds, or may hold, something for these."""

GRANT_ENDING = frozenset({GrantState.EXPIRING, GrantState.REVOKING, GrantState.REVOKE_FAILED})
"""Over, and on the way out of the source."""

GRANT_WANTED = GRANT_CARRIED_OUT - GRANT_ENDING - {GrantState.SUSPENDED}
"""The source should let the holder read by these."""

GRANT_LEAVING = GRANT_CARRIED_OUT - GRANT_WANTED
"""What the source still lets the holder read by these is to be taken away."""

GRANT_LIVE = frozenset(GrantState) - GRANT_ENDED
"""Everything between approval and its end: at most one of these per principal and dataset at any time."""

GRANT_ALLOWS = GRANT_WANTED | {GrantState.RECORDED, GrantState.SCHEDULED}
"""States in which a grant, within its time, lets its holder read by decision; what is on its way out does not."""


def check_request_moves(state: str, to: RequestState) -> None:
    """Raises `Conflict` where the machine of requests has no such transition."""
    if to not in REQUEST_TRANSITIONS.get(RequestState(state), frozenset()):
        raise Conflict(f"This request is {state} already. Reload the page to see what happened.")


def check_grant_moves(state: str, to: GrantState) -> None:
    """Raises `Conflict` where the machine of grants has no such transition."""
    if to not in GRANT_TRANSITIONS.get(GrantState(state), frozenset()):
        raise Conflict(f"This grant is {state.replace('_', ' ')} already. Reload the page to see what happened.")


def way_to(state: str, end: GrantState) -> GrantState:
    """The state of a grant that is over: its end, or on the way there where the source still holds something for it."""
    if state not in GRANT_CARRIED_OUT:
        return end
    return GrantState.EXPIRING if end is GrantState.EXPIRED else GrantState.REVOKING


def check_ends(state: str, end: GrantState) -> None:
    """Raises `Conflict` where a grant has ended already, or is about to."""
    check_grant_moves(state, way_to(state, end))
