"""Every write of requests and grants: authorise, move the state machine, record."""

from access.actions.campaigns import (
    check_due,
    close_due_campaigns,
    decide_items,
    mask_items,
    settle_ended_items,
    start_campaign,
    stop_campaign,
)
from access.actions.comparing import compare_grants_with_policies, compare_where_late
from access.actions.delegations import delegate_decisions, end_delegation
from access.actions.drafts import save_draft
from access.actions.emergencies import close_emergency_review, escalate_reviews, open_in_emergency
from access.actions.enforcement import (
    accept_finding,
    adopt_finding,
    ask_comparison,
    confirm_plan,
    name_login,
    set_enforcement,
)
from access.actions.grants import begin_grant, end_grants, expire_grants, revoke_grant
from access.actions.leaving import deactivate_person, take_from_the_closed
from access.actions.requests import approve_request, cancel_request, deny_request, expire_requests, request_access
from access.actions.steps import escalate_due
from access.actions.terms import publish_terms, retire_terms, revise_terms
from access.actions.words import columns_in_words

__all__ = [
    "accept_finding",
    "adopt_finding",
    "approve_request",
    "ask_comparison",
    "begin_grant",
    "cancel_request",
    "check_due",
    "close_due_campaigns",
    "close_emergency_review",
    "columns_in_words",
    "compare_grants_with_policies",
    "compare_where_late",
    "confirm_plan",
    "deactivate_person",
    "decide_items",
    "delegate_decisions",
    "deny_request",
    "end_delegation",
    "end_grants",
    "escalate_due",
    "escalate_reviews",
    "expire_grants",
    "expire_requests",
    "mask_items",
    "name_login",
    "open_in_emergency",
    "publish_terms",
    "request_access",
    "retire_terms",
    "revise_terms",
    "revoke_grant",
    "save_draft",
    "set_enforcement",
    "settle_ended_items",
    "start_campaign",
    "stop_campaign",
    "take_from_the_closed",
]
