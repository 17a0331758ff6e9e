"""Recertification: the list of campaigns, beginning one after a look at what it holds, and answering."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from access.actions import check_due, decide_items, mask_items, start_campaign, stop_campaign
from access.agreements import domains_one_may_bind
from access.campaigns import item_rows, progress_of, with_progress
from access.confirming import ask, next_of, tabs_of
from access.forms import CampaignForm, ItemsForm, StoppingForm
from access.models import Campaign, CampaignItem, Policy
from access.permissions import can_run_campaign, check_can_run_campaign
from access.recertifying import preview_of, reviewers_of
from access.stopping import stop_of
from accounts.authentication import principal_of
from accounts.models import Principal
from catalog.models import Source
from classification.queries import levels
from common.components import Column, Crumb
from common.errors import NotFound
from common.pagination import page_of

ITEM_COLUMNS = [
    Column("Choose", hidden=True), Column("Who"), Column("What"), Column("Level"), Column("Since"),
    Column("If nobody answers"), Column("Outcome"),
]  # fmt: skip


@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    rows = with_progress(Campaign.objects.visible_to(principal)).select_related("started_by__user")
    return render(
        request,
        "access/campaigns.html",
        {
            "page": page_of(rows, order=("-id",), cursor=request.GET.get("cursor")),
            "columns": [Column("Recertification"), Column("Progress"), Column("Due"), Column("State")],
            "may_start": principal.is_administrator or bool(domains_one_may_bind(principal)),
            "tabs": tabs_of(principal, "campaigns"),
        },
    )


@require_http_methods(["GET", "POST"])
def campaign_add(request: HttpRequest) -> HttpResponse:
    """A form, what would be looked at, and only then the beginning."""
    principal = principal_of(request)
    domains = domains_one_may_bind(principal)
    if not domains:
        check_can_run_campaign(principal, None)
    form = CampaignForm(
        request.POST or None,
        domains=domains,
        sources=Source.objects.visible_to(principal),
        anywhere=principal.is_administrator,
    )
    preview, differs = None, False
    if request.method == "POST" and form.is_valid():
        check_can_run_campaign(principal, form.chosen.domain)
        differs = "start" in request.POST and request.POST.get("seen") != form.choice
        if "start" in request.POST and not differs:
            made = form.attempt(
                lambda: start_campaign(
                    name=form.cleaned_data["name"], chosen=form.chosen, due_at=form.due_at, by=principal
                )
            )
            if made is not None:
                messages.success(request, "Begun. Those who answer for the data are asked.")
                return redirect("access:campaign", made.pk)
        elif form.attempt(lambda: check_due(form.due_at)):
            preview = preview_of(form.chosen)
    return render(
        request,
        "access/campaign_form.html",
        {
            "form": form,
            "preview": preview,
            "differs": differs,
            "reviewers": reviewers_of(preview.reviewer_ids) if preview else (),
            "crumbs": [Crumb("Recertification", reverse("access:campaigns")), Crumb("New")],
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """How far it is, and what is in it; whoever may decide ticks grants and keeps, masks or removes them."""
    principal = principal_of(request)
    found = _campaign(principal, campaign_id)
    items = CampaignItem.objects.filter(campaign=found).visible_to(principal)
    only_open = request.GET.get("show") != "all"
    listed = items.open() if only_open else items
    page = page_of(
        listed.select_related("grant__principal__user", "grant__dataset", "decided_by__user"),
        order=("id",),
        cursor=request.GET.get("cursor"),
    )
    rows = item_rows(page.rows, principal, levels())
    form = ItemsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        chosen = list(items.filter(pk__in=values["item"]))
        done = form.attempt(
            lambda: (
                mask_items(items=chosen, reason=values["reason"], by=principal)
                if values["action"] == "mask"
                else decide_items(items=chosen, keep=values["action"] == "keep", reason=values["reason"], by=principal)
            )
        )
        if done is not None:
            word = {"keep": "kept", "mask": "masked", "remove": "removed"}[values["action"]]
            ended = len(chosen) - done
            left = f" {ended} of them ended meanwhile." if ended else ""
            messages.success(request, f"{done} {'grant' if done == 1 else 'grants'} {word}.{left}")
            return redirect(next_of(request) or reverse("access:campaign", args=[found.pk]))
    return render(
        request,
        "access/campaign.html",
        {
            "campaign": found,
            "progress": progress_of(found),
            "stop_told": stop_of(found),
            "rows": rows,
            "page": page,
            "form": form,
            "only_open": only_open,
            "may_decide": any(row.may_decide for row in rows),
            "may_mask": any(row.may_mask for row in rows),
            "policy_url": _policy_url(principal, found),
            "may_stop": found.is_open and can_run_campaign(principal, found.domain),
            "stop": StoppingForm(auto_id="stop_%s"),
            "columns": ITEM_COLUMNS,
            "crumbs": [Crumb("Recertification", reverse("access:campaigns")), Crumb(found.name)],
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def campaign_stop(request: HttpRequest, campaign_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _campaign(principal, campaign_id)
    check_can_run_campaign(principal, found.domain)
    if request.method == "GET" and not found.is_open:
        messages.info(request, "It is closed already.")
        return redirect("access:campaign", found.pk)
    form = StoppingForm(request.POST or None)
    return ask(
        request,
        form,
        lambda: stop_campaign(campaign=found, reason=form.cleaned_data["reason"], by=principal),
        told="Stopped. What was decided stays; what nobody answered has no effect.",
        back=reverse("access:campaign", args=[found.pk]),
        title=f"Stop “{found.name}”?",
        text="What was decided stays. Grants on which nobody has decided stay as they are.",
        confirm_label="Stop it",
        danger=True,
    )


def _policy_url(principal: Principal, campaign: Campaign) -> str:
    """The page of the policy that began it, for whoever may see it."""
    version = campaign.policy_version
    if version is None or not Policy.objects.visible_to(principal).filter(pk=version.policy_id).exists():
        return ""
    return f"{reverse('access:policy', args=[version.policy_id])}?version={version.number}"


def _campaign(principal: Principal, campaign_id: int) -> Campaign:
    rows = Campaign.objects.visible_to(principal).select_related("domain", "policy_version", "started_by__user")
    found: Campaign | None = rows.filter(pk=campaign_id).first()
    if found is None:
        raise NotFound("There is no such recertification, or you may not see it.")
    return found
