"""What every page of access has in common: its tabs, and a page that asks before something is done."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from access.permissions import may_see_policies
from accounts.forms import ActionForm
from accounts.models import Principal
from common.components import Tab

_TABS = (
    ("inbox", "Inbox", "inbox"),
    ("own", "Yours", "lock-open"),
    ("delegations", "Delegations", "arrows-exchange"),
    ("campaigns", "Recertification", "refresh"),
    ("terms", "Terms", "file-text"),
    ("enforcement_list", "Enforcement", "database-cog"),
)


def tabs_of(principal: Principal, current: str) -> list[Tab]:
    """The pages of access, `current` being the name of one; people are administrators' business, policies curators' too."""
    named = list(_TABS)
    if may_see_policies(principal):
        named.append(("policies", "Policies", "scale"))
    if principal.is_administrator:
        named.append(("people", "People", "users"))
    return [Tab(label, reverse(f"access:{name}"), name == current, icon=icon) for name, label, icon in named]


def ask(
    request: HttpRequest,
    form: ActionForm,
    action: Callable[[], object],
    *,
    told: str,
    back: str,
    title: str,
    text: str,
    confirm_label: str,
    danger: bool = False,
) -> HttpResponse:
    """Ask on a page of its own, act on POST, and go back to where the reader came from.

    Without `told` the action's own result is the sentence that says what was done.
    """
    if request.method == "POST" and form.is_valid() and (done := form.attempt(action)) is not None:
        messages.success(request, told or str(done))
        return redirect(next_of(request) or back)
    values = {
        "title": title,
        "text": text,
        "confirm_label": confirm_label,
        "danger": danger,
        "cancel_url": next_of(request) or back,
        "next": next_of(request),
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "components/confirm_page.html", values, status=status)


def next_of(request: HttpRequest) -> str:
    """The page of ours that the form named, or the link to it; empty for none and for any other."""
    target = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if target and safe else ""
