"""Reads of tokens."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import ApiToken, Principal
from accounts.permissions import is_trusted


def visible_tokens(principal: Principal) -> QuerySet[ApiToken]:
    """One's own tokens, and for administrators everybody's; what they open is never part of it."""
    tokens = ApiToken.objects.select_related("principal__user", "created_by__user")
    return tokens.all() if is_trusted(principal) else tokens.filter(principal=principal)
