"""Forms of requests and decisions, delegations, terms, emergencies and recertifications."""

from access.forms.campaigns import CampaignForm, ItemsForm, StoppingForm
from access.forms.delegations import DelegationForm
from access.forms.emergencies import EmergencyForm, VerdictForm
from access.forms.enforcement import AcceptForm, AdoptForm, EnforcementForm, LoginForm
from access.forms.parts import ReasonForm
from access.forms.requests import ApproveForm, RequestForm, decision_forms, first_values
from access.forms.terms import RevisionForm, TermsForm

__all__ = [
    "AcceptForm",
    "AdoptForm",
    "ApproveForm",
    "CampaignForm",
    "DelegationForm",
    "EmergencyForm",
    "EnforcementForm",
    "ItemsForm",
    "LoginForm",
    "ReasonForm",
    "RequestForm",
    "RevisionForm",
    "StoppingForm",
    "TermsForm",
    "VerdictForm",
    "decision_forms",
    "first_values",
]
