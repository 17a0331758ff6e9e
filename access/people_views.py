"""Who holds what, and the end of it all when somebody leaves; for administrators."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from access.actions import deactivate_person
from access.confirming import ask, tabs_of
from access.forms import ReasonForm
from access.leaving import leaving_of
from access.queries import GRANT_COLUMNS
from access.states import GRANT_LIVE
from accounts.actions import reopen_account
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from common.components import Column, Crumb
from common.errors import Conflict, NotFound
from common.pagination import page_of


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with an account, by name, and how many live grants they hold."""
    principal = principal_of(request)
    check_is_administrator(principal)
    text = request.GET.get("q", "").strip()[:150].replace("\x00", "")
    rows = Principal.objects.filter(kind=Principal.Kind.PERSON).select_related("user")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(user__username__icontains=text) | Q(user__email__icontains=text))
    live = Q(grants__state__in=GRANT_LIVE, grants__valid_to__gt=timezone.now())
    rows = rows.annotate(live_grants=Count("grants", filter=live))
    return render(
        request,
        "access/people.html",
        {
            "page": page_of(rows, order=("name", "id"), cursor=request.GET.get("cursor")),
            "columns": [Column("Person"), Column("User name"), Column("Grants", align="end"), Column("Account")],
            "text": text,
            "tabs": tabs_of(principal, "people"),
        },
    )


@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, principal_id: int) -> HttpResponse:
    """What somebody holds: at once the preview of what closing the account ends, and the form that closes it."""
    by = principal_of(request)
    found = _person(by, principal_id)
    form = ReasonForm(request.POST or None, auto_id="close_%s")
    if request.method == "POST" and form.is_valid():
        left = form.attempt(lambda: deactivate_person(person=found, reason=form.cleaned_data["reason"], by=by))
        if left is not None:
            messages.success(
                request,
                f"Closed. {left.person} lost {left.grants} grants, {left.delegations} delegations and "
                f"{left.requests} open requests, and is signed out everywhere.",
            )
            return redirect("access:person", found.pk)
    return render(
        request,
        "access/person.html",
        {
            "person": found,
            "leaving": leaving_of(found),
            "form": form,
            "may_close": found.is_active and found.pk != by.pk,
            "grant_columns": [Column("Dataset"), *GRANT_COLUMNS],
            "crumbs": [Crumb("People", reverse("access:people")), Crumb(found.name)],
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def person_reopen(request: HttpRequest, principal_id: int) -> HttpResponse:
    by = principal_of(request)
    found = _person(by, principal_id)
    if found.is_active:
        raise Conflict("This account is open.")
    form = ActionForm(request.POST if request.method == "POST" else None)

    def reopen() -> str:
        reopen_account(person=found, by=by)
        return f"{found} may sign in again. Nothing that they had came back."

    return ask(
        request,
        form,
        reopen,
        told="",
        back=reverse("access:person", args=[found.pk]),
        title=f"Open the account of {found} again?",
        text="They may sign in again. Grants, tokens and delegations that ended do not come back.",
        confirm_label="Open it",
    )


def _person(by: Principal, principal_id: int) -> Principal:
    check_is_administrator(by)
    rows = Principal.objects.filter(kind=Principal.Kind.PERSON).select_related("user")
    found = rows.filter(pk=principal_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found
