"""Open data in an emergency, and review what somebody opened."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from access.actions import close_emergency_review, open_in_emergency
from access.agreements import terms_for
from access.asking import ruling_for
from access.confirming import next_of
from access.effective import who_reads
from access.enforcement.offering import lacks_account, opening_of
from access.enforcement.preview import preview_of
from access.forms import EmergencyForm, VerdictForm
from access.models import EmergencyReview, Grant
from access.models.requests import MOST_EMERGENCY_HOURS
from access.permissions import can_explain, check_can_close_review, check_can_open_in_emergency
from access.queries import ASKED_COLUMNS, OTHERS_COLUMNS, offered_columns, review_of, visible_requests
from access.timeline import timeline_of
from accounts.authentication import principal_of
from accounts.recent import check_signed_in_recently, minutes_of_a_sign_in
from catalog.models import Dataset, Field
from common.components import Crumb
from common.errors import Forbidden, NotFound


@require_http_methods(["GET", "POST"])
def emergency_open(request: HttpRequest, dataset_id: int) -> HttpResponse:
    """A form; whoever sends it has just shown who they are."""
    principal = principal_of(request)
    dataset: Dataset | None = Dataset.objects.standing().visible_to(principal).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it.")
    check_can_open_in_emergency(principal, dataset, ())
    form = EmergencyForm(
        request.POST or None, columns=offered_columns(principal, dataset) or (), terms=terms_for(dataset, ())
    )
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
        try:
            grant = form.attempt(
                lambda: open_in_emergency(
                    dataset=dataset,
                    fields=list(Field.objects.filter(dataset=dataset, pk__in=form.field_ids)),
                    reason=form.cleaned_data["reason"],
                    hours=form.cleaned_data["hours"],
                    accepts=form.accepts,
                    by=principal,
                )
            )
        except Forbidden as refused:
            # What was typed is worth keeping: other columns may be free.
            grant = None
            form.add_error(None, refused.message)
        if grant is not None:
            messages.success(request, "Opened. Those who answer for the dataset are told, and somebody will review it.")
            return redirect("access:request", grant.request_id)
    return render(
        request,
        "access/emergency_form.html",
        {
            "form": form,
            "dataset": dataset,
            "opened": Grant.objects.live().filter(principal=principal, dataset=dataset, is_emergency=True).first(),
            "most_hours": MOST_EMERGENCY_HOURS,
            "asked_after": minutes_of_a_sign_in(request),
            "opening": opening_of(dataset),
            "of_all": ruling_for(principal, dataset, ()),
            "lacks_account": lacks_account(principal, dataset),
            "crumbs": [
                Crumb(dataset.name, reverse("portal:dataset_tab", args=[dataset.pk, "access"])),
                Crumb("Open in an emergency"),
            ],
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def emergency_review(request: HttpRequest, review_id: int) -> HttpResponse:
    """What was opened, by whom, why and until when, and the form that says whether it had to be."""
    principal = principal_of(request)
    found = EmergencyReview.objects.select_related("request__dataset", "requester__user").filter(pk=review_id).first()
    asked = visible_requests(principal).filter(pk=found.request_id).first() if found else None
    if found is None or asked is None:
        raise NotFound("There is no such review, or you may not see it.")
    check_can_close_review(principal, found)
    back = reverse("access:request", args=[asked.pk])
    if not found.is_open:
        messages.info(request, "Somebody has closed this review already. Here is what they found.")
        return redirect(back)
    form = VerdictForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        closed = form.attempt(
            lambda: close_emergency_review(
                review=found,
                justified=form.cleaned_data["verdict"] == EmergencyReview.Verdict.JUSTIFIED,
                reason=form.cleaned_data["reason"],
                by=principal,
            )
        )
        if closed is not None:
            messages.success(request, "Closed. What you found is on record.")
            return redirect(next_of(request) or back)
    review = review_of(principal, asked)
    return render(
        request,
        "access/emergency_review.html",
        {
            "form": form,
            "review": review,
            "asked": asked,
            "preview": preview_of(asked),
            "who": who_reads(asked.dataset, None) if can_explain(principal, asked.dataset) else None,
            "timeline": timeline_of(review),
            "asked_columns": ASKED_COLUMNS,
            "grant_columns": OTHERS_COLUMNS,
            "back": back,
            "crumbs": [
                Crumb("Access", reverse("access:inbox")),
                Crumb(f"Request {asked.pk}", back),
                Crumb("Review of an emergency"),
            ],
        },
        status=422 if form.errors else 200,
    )
