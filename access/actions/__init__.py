"""Every write of requests and grants: authorise, move the state machine, record."""

from access.actions.grants import begin_grant, expire_grants, revoke_grant
from access.actions.requests import approve_request, cancel_request, deny_request, expire_requests, request_access
from access.actions.words import columns_in_words

__all__ = [
    "approve_request",
    "begin_grant",
    "cancel_request",
    "columns_in_words",
    "deny_request",
    "expire_grants",
    "expire_requests",
    "request_access",
    "revoke_grant",
]
