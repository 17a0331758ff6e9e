"""Requests, grants, and what carries them out."""

from access.models.enforcement import (
    DatabaseLogin,
    Enforcement,
    Finding,
    JournalEntry,
    ManagedObject,
    Reconciliation,
)
from access.models.grants import Grant, Validity
from access.models.observations import ObservedFact, Watch
from access.models.policies import EngineCatalog, Policy, PolicyVersion, PrincipalAttribute, Purpose
from access.models.requests import DECIDE_WITHIN, AccessRequest
from access.models.steps import ApprovalStep, Delegation, Vote

__all__ = [
    "DECIDE_WITHIN",
    "AccessRequest",
    "ApprovalStep",
    "DatabaseLogin",
    "Delegation",
    "Enforcement",
    "EngineCatalog",
    "Finding",
    "Grant",
    "JournalEntry",
    "ManagedObject",
    "ObservedFact",
    "Policy",
    "PolicyVersion",
    "PrincipalAttribute",
    "Purpose",
    "Reconciliation",
    "Validity",
    "Vote",
    "Watch",
]
