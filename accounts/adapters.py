from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators (or an identity provider), never by whoever finds the page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
