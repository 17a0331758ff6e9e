"""What matters most is done only by whoever has just shown who they are (OWASP ASVS 5.0, 7.5.1)."""

from __future__ import annotations

import time

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from accounts.models import ApiToken, Principal
from accounts.tokens import Scope
from common.errors import Forbidden


def signed_in_recently(request: HttpRequest) -> bool:
    """Whether this session's person showed within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds who they are.

    Somebody without a password and without a second factor here signs in elsewhere, and cannot be asked here.
    """
    # DRF puts whom it authenticated in the place of Django's user.
    user = request.user.user if isinstance(request.user, Principal) else request.user
    if user is None or not user.is_authenticated:
        return False
    if not get_reauthentication_flows(user):
        return True
    records = get_authentication_records(request, user)
    return bool(records) and time.time() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def minutes_of_a_sign_in(request: HttpRequest) -> int:
    """After so many minutes a sign-in is too long ago for what matters most; 0 for somebody who cannot be asked here."""
    return settings.ACCOUNT_REAUTHENTICATION_TIMEOUT // 60 if get_reauthentication_flows(request.user) else 0


def check_signed_in_recently(request: HttpRequest) -> None:
    """On a page: raises what sends the person to show once more who they are, and then does what they sent."""
    if not signed_in_recently(request):
        raise ReauthenticationRequired()


def check_may_decide_now(request: Request) -> None:
    """In REST: a token needs the scope `access:approve`, a session a sign-in that is not long ago."""
    if isinstance(request.auth, ApiToken):
        if Scope.ACCESS_APPROVE not in request.auth.scopes:
            raise Forbidden(f"This takes a token with the scope {Scope.ACCESS_APPROVE}. Create one, or use the page.")
    elif not signed_in_recently(request._request):
        raise Forbidden("Your sign-in is too long ago for this. Show once more who you are, then send it again.")
