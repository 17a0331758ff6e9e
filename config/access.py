"""Doors of pages that no room owns."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse

from accounts.authentication import principal_of
from accounts.permissions import check_is_administrator

View = Callable[..., HttpResponse]


def for_administrators(view: View) -> View:
    """The view for administrators; others are told, the signed-out are asked to sign in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        check_is_administrator(principal_of(request))
        return view(request, *args, **kwargs)

    return guarded
