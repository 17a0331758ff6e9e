"""Requests, grants, and what carries them out."""

from access.models.campaigns import Campaign, CampaignItem
from access.models.emergencies import EmergencyReview
from access.models.enforcement import (
    PROFILES,
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
from access.models.terms import Terms, TermsAcceptance

__all__ = [
    "DECIDE_WITHIN",
    "PROFILES",
    "AccessRequest",
    "ApprovalStep",
    "Campaign",
    "CampaignItem",
    "DatabaseLogin",
    "Delegation",
    "EmergencyReview",
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
    "Terms",
    "TermsAcceptance",
    "Validity",
    "Vote",
    "Watch",
]
