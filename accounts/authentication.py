"""Find the principal of a request: a session's person, or the owner of a bearer token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission

from accounts.bearers import digest_in, touch
from accounts.models import ApiToken, Principal
from accounts.tokens import Scope
from common.errors import Forbidden, NotSignedIn

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

_IDLE = dt.timedelta(minutes=1)


def token_of(authorization: str) -> ApiToken | None:
    """The usable token in an Authorization header's value, with its principal; None for any other."""
    digest = digest_in(authorization)
    if digest is None:
        return None
    token = ApiToken.objects.usable().select_related("principal__user").filter(digest=digest).first()
    if token is not None and (token.last_used_at is None or timezone.now() - token.last_used_at > _IDLE):
        touch(token.pk)
    return token


def check_scope(token: ApiToken, scope: Scope) -> None:
    """Raises `Forbidden`, which names the scope, where the token lacks it."""
    if str(scope) not in token.scopes:
        raise Forbidden(f"The token {token.name} lacks the scope {scope}. Create one with it.")


def principal_of(request: HttpRequest) -> Principal:
    """The principal of a request; raises `NotSignedIn` where there is none."""
    principal = getattr(request, "principal", None)
    if principal is None:
        raise NotSignedIn("Sign in, or send a bearer token.")
    return cast(Principal, principal)


def rest_principal(request: Request) -> Principal:
    """The principal of a REST request, as authentication put it there; raises `NotSignedIn` where there is none."""
    if not isinstance(request.user, Principal):
        raise NotSignedIn("Sign in, or send a bearer token.")
    return request.user


class PrincipalMiddleware:
    """Sets `request.principal` for the signed-in person, or None.

    What is answered to somebody is kept by nobody, unless the view says otherwise: neither by a cache between, nor by the
    browser, in which the next person would go back to it (OWASP ASVS 5.0, 14.3.2).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        request.principal = None  # type: ignore[attr-defined]
        if user.is_authenticated:
            principal = Principal.objects.filter(user_id=user.pk).first() or Principal.objects.for_user(user)
            principal.user = user
            request.principal = principal  # type: ignore[attr-defined]
        response = self.get_response(request)
        # Authentication by a token sets it too.
        if request.principal is not None and not response.has_header("Cache-Control"):  # type: ignore[attr-defined]
            response["Cache-Control"] = "private, no-store"
        return response


class BearerAuthentication(BaseAuthentication):
    """DRF: `Authorization: Bearer dcat_…`."""

    def authenticate(self, request: Request) -> tuple[Principal, ApiToken] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        token = token_of(header)
        if token is None:
            raise AuthenticationFailed("The token is unknown, expired or revoked. Ask its owner for a new one.")
        request._request.principal = token.principal  # type: ignore[attr-defined]
        return token.principal, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="catalog"'


class PersonSession(SessionAuthentication):
    """DRF: the browser's session, with CSRF protection; the request's user is the principal."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        return principal_of(request._request), None


class HasScope(BasePermission):
    """A token needs the view's scope: `scope_read` for safe methods, `scope_write` for others. Sessions have them all."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, Principal):
            return False
        if not isinstance(request.auth, ApiToken):
            return True
        safe = request.method in ("GET", "HEAD", "OPTIONS")
        read = getattr(view, "scope_read", Scope.CATALOG_READ)
        write = getattr(view, "scope_write", Scope.CATALOG_WRITE)
        check_scope(request.auth, read if safe else write)
        return True
