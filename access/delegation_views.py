"""Who decides in whose place: a list, a form, and an end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from access.actions import delegate_decisions, end_delegation
from access.confirming import ask, tabs_of
from access.forms import DelegationForm
from access.models import Delegation
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.recent import check_signed_in_recently
from common.components import Column
from common.errors import NotFound
from common.pagination import page_of


@require_http_methods(["GET", "POST"])
def delegations(request: HttpRequest) -> HttpResponse:
    """One's own, given and received, and for administrators everybody's; and a form for a new one."""
    principal = principal_of(request)
    form = DelegationForm(request.POST or None, administrator=principal.is_administrator)
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
        values = form.cleaned_data
        made = form.attempt(
            lambda: delegate_decisions(
                giver=values.get("giver") or principal,
                receiver=values["receiver"],
                valid_from=form.begins,
                valid_to=form.ends,
                reason=values["reason"],
                by=principal,
            )
        )
        if made is not None:
            first, last = values["first_day"], values["last_day"]
            begins = f" from {first:%d %b %Y}" if first > timezone.localdate() else ""
            messages.success(
                request,
                f"{made.receiver} decides in the place of {made.giver}{begins} until the end of {last:%d %b %Y}.",
            )
            return redirect("access:delegations")
    rows = Delegation.objects.visible_to(principal).select_related("giver__user", "receiver__user", "created_by__user")
    return render(
        request,
        "access/delegations.html",
        {
            "form": form,
            "page": page_of(rows, order=("-valid_to", "-id"), cursor=request.GET.get("cursor")),
            "columns": [Column("Who decides"), Column("In whose place"), Column("When"), Column("End", hidden=True)],
            "tabs": tabs_of(principal, "delegations"),
            "me": principal,
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def delegation_end(request: HttpRequest, delegation_id: int) -> HttpResponse:
    principal = principal_of(request)
    rows = Delegation.objects.visible_to(principal).select_related("giver__user", "receiver__user")
    found = rows.filter(pk=delegation_id).first()
    if found is None:
        raise NotFound("There is no such delegation, or you may not see it.")
    form = ActionForm(request.POST if request.method == "POST" else None)
    return ask(
        request,
        form,
        lambda: end_delegation(delegation=found, by=principal),
        told=f"Ended. {found.receiver} no longer decides in the place of {found.giver}.",
        back=reverse("access:delegations"),
        title="End this delegation?",
        text=f"{found.receiver} will not decide in the place of {found.giver} any more. What was decided stays.",
        confirm_label="End it",
        danger=True,
    )
