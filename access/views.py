"""The inbox, the request form, and the page of one request; decisions are made on each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from access.actions import approve_request, cancel_request, deny_request, request_access, revoke_grant
from access.forms import ApproveForm, ReasonForm, RequestForm, decision_forms
from access.models import AccessRequest, Grant
from access.permissions import check_can_cancel, check_can_review, check_can_revoke
from access.queries import (
    GRANT_COLUMNS,
    RequestRow,
    inbox_of,
    offered_columns,
    review_of,
    visible_grants,
    visible_requests,
)
from access.reviewing import duration_for, steps_for
from access.timeline import timeline_of
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from catalog.models import Dataset, Field
from catalog.queries.proposals import waiting_for as proposals_for
from classification.limits import LONGEST_GRANT_DAYS
from classification.queries import levels_by_rank
from common.components import Column, Crumb
from common.errors import Conflict, NotFound

_REQUEST_COLUMNS = [Column("Request"), Column("Columns"), Column("Level"), Column("When")]


@dataclass(frozen=True, slots=True)
class Acting:
    """A request in a list with the forms to decide it in place."""

    row: RequestRow
    approve: ApproveForm
    deny: ReasonForm


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for me, what I asked for, what I was granted."""
    principal = principal_of(request)
    found = inbox_of(principal)
    waiting = [Acting(row, *decision_forms(row.request, longest=row.duration.days)) for row in found.waiting]
    return render(
        request,
        "access/inbox.html",
        {
            "waiting": waiting,
            "inbox": found,
            "proposals": proposals_for(principal),
            "waiting_columns": [*_REQUEST_COLUMNS, Column("Decide", hidden=True)],
            "request_columns": [*_REQUEST_COLUMNS, Column("State")],
            "grant_columns": [Column("Dataset"), *GRANT_COLUMNS],
        },
    )


@require_http_methods(["GET", "POST"])
def request_create(request: HttpRequest) -> HttpResponse:
    """`?dataset=17`, and `&field=3&field=4` for columns that begin ticked."""
    principal = principal_of(request)
    dataset = _dataset(principal, request.GET.get("dataset", ""))
    columns = offered_columns(principal, dataset)
    ticked = request.GET.getlist("field")
    longest_days = duration_for(dataset, ()).days
    form = RequestForm(
        request.POST or None,
        columns=columns,
        whole_days=longest_days,
        initial={"chosen": ticked, "extent": "some" if ticked else "all"},
    )
    if request.method == "POST" and form.is_valid():
        made = form.attempt(
            lambda: request_access(
                dataset=dataset,
                fields=list(Field.objects.filter(dataset=dataset, pk__in=form.field_ids)),
                purpose=form.cleaned_data["purpose"],
                days=form.cleaned_data["days"],
                by=principal,
            )
        )
        if made is not None:
            messages.success(request, "Asked. You see here what became of it.")
            return redirect("access:request", made.pk)
    return render(
        request,
        "access/request_form.html",
        {
            "form": form,
            "dataset": dataset,
            "level": levels_by_rank().get(dataset.level or 0),
            "longest_days": longest_days,
            "approvals": sum(step.needed for step in steps_for(dataset, ())),
            "most_days": LONGEST_GRANT_DAYS,
            "crumbs": [Crumb("Access", reverse("access:inbox")), Crumb("New request")],
        },
    )


@require_safe
def request_detail(request: HttpRequest, request_id: int) -> HttpResponse:
    """One request: its way, what an approver weighs, and the forms of whoever may act."""
    principal = principal_of(request)
    found = _request(principal, request_id)
    review = review_of(principal, found)
    approve, deny = decision_forms(found, longest=review.row.duration.days)
    grant = review.grant
    return render(
        request,
        "access/request.html",
        {
            "review": review,
            "access_request": found,
            "timeline": timeline_of(review),
            "approve": approve,
            "deny": deny,
            "revoke": ReasonForm(auto_id="revoke_%s"),
            "may_cancel": found.is_pending and found.requester_id == principal.pk,
            "may_end": grant is not None and grant.is_live and review.may_end,
            "grant_columns": [Column("Who"), Column("Columns"), Column("Until")],
            "asked_columns": [Column("Column"), Column("Type"), Column("Level")],
            "crumbs": [Crumb("Access", reverse("access:inbox")), Crumb(f"Request {found.pk}")],
        },
    )


@require_http_methods(["GET", "POST"])
def request_approve(request: HttpRequest, request_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _pending(principal, request_id)
    check_can_review(principal, found)
    chosen = list(Field.objects.filter(pk__in=found.field_ids))
    longest = min(found.days, duration_for(found.dataset, chosen).days)
    form = ApproveForm(request.POST or None, longest=longest)

    def approve() -> str:
        values = form.cleaned_data
        if approve_request(request=found, by=principal, reason=values["reason"], days=values["days"]) is None:
            return "Approved. The grant begins when the others whose approval it needs have given theirs."
        return f"Approved. The grant of {found.requester} is recorded; it is not applied in the source."

    return _ask(
        request,
        form,
        approve,
        told="",
        back=reverse("access:request", args=[found.pk]),
        title=f"Approve the request of {found.requester}?",
        text="The grant begins with the last approval that it needs. It is recorded here and not applied in the source.",
        confirm_label="Approve",
    )


@require_http_methods(["GET", "POST"])
def request_deny(request: HttpRequest, request_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _pending(principal, request_id)
    check_can_review(principal, found)
    form = ReasonForm(request.POST or None)
    return _ask(
        request,
        form,
        lambda: deny_request(request=found, by=principal, reason=form.cleaned_data["reason"]),
        told=f"Refused. {found.requester} sees your reason.",
        back=reverse("access:request", args=[found.pk]),
        title=f"Refuse the request of {found.requester}?",
        text="A refused request stays refused; the requester may ask anew.",
        confirm_label="Refuse",
        danger=True,
    )


@require_http_methods(["GET", "POST"])
def request_cancel(request: HttpRequest, request_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _pending(principal, request_id)
    check_can_cancel(principal, found)
    form = ActionForm(request.POST if request.method == "POST" else None)
    return _ask(
        request,
        form,
        lambda: cancel_request(request=found, by=principal),
        told="Withdrawn.",
        back=reverse("access:request", args=[found.pk]),
        title="Withdraw this request?",
        text="Nobody can decide on it any more. You may ask anew.",
        confirm_label="Withdraw",
        danger=True,
    )


@require_http_methods(["GET", "POST"])
def grant_revoke(request: HttpRequest, grant_id: int) -> HttpResponse:
    principal = principal_of(request)
    grant: Grant | None = visible_grants(principal).filter(pk=grant_id).first()
    if grant is None:
        raise NotFound("There is no such grant, or you may not see it.")
    check_can_revoke(principal, grant)
    form = ReasonForm(request.POST or None)
    back = reverse("access:request", args=[grant.request_id]) if grant.request_id else reverse("access:inbox")
    return _ask(
        request,
        form,
        lambda: revoke_grant(grant=grant, by=principal, reason=form.cleaned_data["reason"]),
        told=f"Ended. The grant of {grant.principal} no longer holds.",
        back=back,
        title=f"End the grant of {grant.principal}?",
        text=f"Access to {grant.dataset.name} ends now instead of at its time.",
        confirm_label="End it",
        danger=True,
    )


def _ask(
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
        return redirect(_next(request) or back)
    values = {
        "title": title,
        "text": text,
        "confirm_label": confirm_label,
        "danger": danger,
        "cancel_url": back,
        "form": form,
    }
    status = 422 if form.errors else 200
    return render(request, "components/confirm_page.html", values, status=status)


def _next(request: HttpRequest) -> str:
    """The page of ours that the form named; empty for none and for any other."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if target and safe else ""


def _request(principal: Principal, request_id: int) -> AccessRequest:
    found: AccessRequest | None = visible_requests(principal).filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request, or you may not see it.")
    return found


def _pending(principal: Principal, request_id: int) -> AccessRequest:
    found = _request(principal, request_id)
    if not found.is_pending:
        raise Conflict(f"This request is {found.state} already. Look at its page to see what happened.")
    return found


def _dataset(principal: Principal, text: str) -> Dataset:
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    dataset: Dataset | None = Dataset.objects.standing().visible_to(principal).filter(pk=pk).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it. Ask from its page.")
    return dataset
