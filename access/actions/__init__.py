"""Every write of requests and grants: authorise, move the state machine, record."""

from access.actions.delegations import delegate_decisions, end_delegation
from access.actions.grants import begin_grant, expire_grants, revoke_grant
from access.actions.requests import approve_request, cancel_request, deny_request, expire_requests, request_access
from access.actions.steps import escalate_due
from access.actions.words import columns_in_words

__all__ = [
    "approve_request",
    "begin_grant",
    "cancel_request",
    "columns_in_words",
    "delegate_decisions",
    "deny_request",
    "end_delegation",
    "escalate_due",
    "expire_grants",
    "expire_requests",
    "request_access",
    "revoke_grant",
]
