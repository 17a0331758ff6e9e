"""The review: what detectors suggest, decided in groups."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import principal_of
from accounts.models import Principal
from catalog.models import Proposal
from catalog.queries.proposals import SHOWN, ProposalLine, lines_of
from classification.actions import accept, reject, relabel, undo
from classification.forms.review import ReviewForm
from classification.models import Category, Decision, Level
from classification.review import PAGE, Narrowed, chosen, disagreements, groups_of, last_decisions
from classification.withdrawing import Withdrawal, withdrawn_by
from common.components import Column
from common.errors import Conflict, Forbidden, Invalid, NotFound

_FILTERS = ("category", "source", "domain")


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest) -> HttpResponse:
    """Groups of suggestions that the reader may decide about; POST decides about those that were chosen."""
    principal = principal_of(request)
    narrowed = {name: request.GET.get(name, "").replace("\x00", "")[:60] for name in _FILTERS}
    form = ReviewForm(request.POST or None, initial={"action": "accept"})
    picked = request.POST.getlist("group")
    withdrawals: list[Withdrawal] | None = None
    if request.method == "POST" and form.is_valid() and form.cleaned_data["action"] == "preview":
        withdrawals = form.attempt(lambda: _preview(form, picked, principal))
    elif request.method == "POST" and form.is_valid():
        told = form.attempt(lambda: _decide(form, picked, principal))
        if told is not None:
            messages.success(request, told)
            query = urlencode({name: value for name, value in narrowed.items() if value})
            return redirect(reverse("classification:review") + (f"?{query}" if query else ""))
    start = _start(request)
    groups, more = groups_of(principal, Narrowed(**narrowed), start=start)
    return render(
        request,
        "classification/review.html",
        {
            "form": form,
            "groups": groups,
            "picked": picked,
            "withdrawals": withdrawals,
            "start": start,
            "next_start": start + PAGE if more else None,
            "previous_start": max(0, start - PAGE) if start else None,
            "filters": {name: value for name, value in narrowed.items() if value},
            "category": Category.objects.filter(slug=narrowed["category"]).first() if narrowed["category"] else None,
            "decisions": last_decisions(principal),
            "disagreements": disagreements(principal),
            "disagreement_columns": [Column("Column"), Column("Decided"), Column("Carried by lineage"), Column("")],
            "proposals": _proposals(principal),
            "of": Level.objects.count(),
        },
    )


@require_POST
def review_undo(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Take one of the reader's own decisions back."""
    principal = principal_of(request)
    decision = Decision.objects.filter(pk=decision_id, by=principal).first()
    if decision is None:
        raise NotFound("There is no such decision of yours.")
    try:
        count = undo(decision=decision, by=principal)
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, f"Undone. {_columns(count)} again {'waits' if count == 1 else 'wait'} for a decision."
        )
    return redirect("classification:review")


def _decide(form: ReviewForm, picked: list[str], by: Principal) -> str:
    """Do what the form says to the chosen groups; returns the sentence that tells it."""
    values = form.cleaned_data
    labels = chosen(by, picked)
    if not labels:
        raise Conflict("These were decided already. What waits now is below.")
    try:
        if values["action"] == "accept":
            return f"Accepted {_columns(accept(labels=labels, by=by, reason=values['reason']).count)}."
        if values["action"] == "reject":
            decision = reject(labels=labels, reason=values["reason"], as_rule=form.scope, by=by)
            return f"Rejected {_columns(decision.count)}."
        decision = relabel(
            labels=labels,
            category=form.categories.get(values["category"]),
            level=form.levels.get(values["level"]),
            reason=values["reason"],
            by=by,
        )
    except Forbidden as error:
        # The columns are the reader's to decide; it is the rule's scope that is too wide.
        raise Invalid(error.message, {"as_rule": [error.message]}) from None
    return f"Labelled {_columns(decision.count)} otherwise."


def _preview(form: ReviewForm, picked: list[str], by: Principal) -> list[Withdrawal]:
    """What rejecting the chosen groups would withdraw elsewhere."""
    labels = chosen(by, picked)
    if not labels:
        raise Conflict("These were decided already. What waits now is below.")
    if form.scope is None:
        return []
    try:
        return withdrawn_by(labels=labels, scope=form.scope, by=by)
    except Forbidden as error:
        raise Invalid(error.message, {"as_rule": [error.message]}) from None


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _proposals(principal: Principal) -> list[ProposalLine]:
    """What pipelines say they mask, where believing it lowers a level."""
    found = Proposal.objects.open().decidable_by(principal).filter(kind=Proposal.Kind.MASKING)
    rows = found.select_related("dataset", "told_by").order_by("-pk")[:SHOWN]
    return lines_of(principal, rows, may_decide=True)


def _start(request: HttpRequest) -> int:
    text = request.GET.get("from", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise Invalid("from is a number.", {"from": ["a number"]})
    return int(text)
