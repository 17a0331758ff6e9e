"""Requests, grants, and what carries them out."""

from access.models.grants import Grant, Validity
from access.models.requests import DECIDE_WITHIN, AccessRequest

__all__ = ["DECIDE_WITHIN", "AccessRequest", "Grant", "Validity"]
