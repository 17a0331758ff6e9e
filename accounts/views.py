"""Pages about tokens. Signing in and out are allauth's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actions import create_token, pipeline_principal, revoke_token
from accounts.authentication import principal_of
from accounts.forms import TokenForm
from accounts.permissions import is_trusted
from accounts.queries import visible_tokens
from accounts.recent import check_signed_in_recently
from accounts.tokens import Issued, Scope
from common.components import Column, Crumb
from common.errors import NotFound
from common.pagination import page_of


def _crumbs(last: str) -> list[Crumb]:
    return [Crumb("Tokens", reverse("accounts:token_list")), Crumb(last)]


@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """One's own tokens; an administrator sees everybody's."""
    principal = principal_of(request)
    page = page_of(visible_tokens(principal), order=("-id",), cursor=request.GET.get("cursor"))
    columns = [
        Column("Token"),
        Column("Acts for"),
        Column("Allows"),
        Column("Last used"),
        Column("Expires"),
        Column("Revoke", hidden=True),
    ]
    return render(
        request,
        "accounts/token_list.html",
        {"page": page, "columns": columns, "sees_all": is_trusted(principal)},
    )


@never_cache
@require_http_methods(["GET", "POST"])
def token_add(request: HttpRequest) -> HttpResponse:
    """A form for a new token; its text is in the one answer that creates it and nowhere else."""
    principal = principal_of(request)
    form = TokenForm(request.POST or None, administrator=is_trusted(principal))
    issued: Issued | None = None
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        if Scope.ACCESS_APPROVE in values["scopes"]:
            check_signed_in_recently(request)
        pipeline = values.get("pipeline", "").strip()
        issued = form.attempt(
            lambda: create_token(
                principal=pipeline_principal(pipeline) if pipeline else principal,
                name=values["name"],
                scopes=values["scopes"],
                namespaces=values["namespaces"],
                expires_at=form.expires_at,
                by=principal,
            )
        )
    if issued is None:
        return render(request, "accounts/token_form.html", {"form": form, "crumbs": _crumbs("New token")})
    shown = {"issued": issued, "crumbs": _crumbs(issued.token.name)}
    return render(request, "accounts/token_created.html", shown)


@require_http_methods(["GET", "POST"])
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Asks, then ends a token."""
    principal = principal_of(request)
    token = visible_tokens(principal).filter(pk=token_id).first()
    if token is None:
        raise NotFound("There is no such token, or it is not yours.")
    if request.method == "POST":
        revoke_token(token=token, by=principal)
        messages.success(request, f"The token {token.name} is revoked. What used it is refused from now on.")
        return redirect("accounts:token_list")
    return render(
        request,
        "components/confirm_page.html",
        {
            "title": f"Revoke {token.name}?",
            "text": "Whatever uses this token is refused at once. A revoked token cannot be brought back.",
            "confirm_label": "Revoke",
            "danger": True,
            "cancel_url": reverse("accounts:token_list"),
        },
    )
