"""How grants are carried out in sources: the setting, the plan, logins, findings, the journal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.actions import (
    accept_finding,
    adopt_finding,
    ask_comparison,
    confirm_plan,
    name_login,
    set_enforcement,
)
from access.confirming import ask, tabs_of
from access.enforcement.logins import lacking_since, own_login
from access.enforcement.queries import enforced_sources, enforcement_of, overviews
from access.forms import AcceptForm, AdoptForm, EnforcementForm, LoginForm
from access.models import DatabaseLogin, Enforcement, Finding, Reconciliation
from access.permissions import (
    can_enforce_grants,
    can_see_enforcement,
    check_can_accept,
    check_can_adopt,
    check_can_enforce_grants,
    check_can_see_enforcement,
    check_can_see_finding,
)
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from accounts.recent import check_signed_in_recently
from catalog.models import Source
from common.components import Column, Crumb
from common.errors import Conflict, Forbidden, NotFound
from common.templatetags.formats import moment


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """The sources whose enforcement the reader may read."""
    principal = principal_of(request)
    return render(
        request,
        "access/enforcement_list.html",
        {
            "overviews": overviews(list(enforced_sources(principal)[:500])),
            "columns": [
                Column("Source"),
                Column("Enforcement"),
                Column("Active", align="end"),
                Column("On the way", align="end"),
                Column("Failing", align="end"),
                Column("Findings", align="end"),
                Column("Compared"),
            ],
            "tabs": tabs_of(principal, "enforcement_list"),
        },
    )


@require_safe
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    """One source: what is done, what waits, what was done, what nobody approved."""
    principal = principal_of(request)
    return _page(request, principal, _readable(principal, source_id))


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest, source_id: int) -> HttpResponse:
    found = _source(principal_of(request), source_id)
    present = Enforcement.objects.filter(source=found).first()
    form = EnforcementForm.of(present, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
        done = form.attempt(lambda: set_enforcement(source=found, by=principal_of(request), **form.values))
        if done is not None:
            messages.success(request, f"Set: {done.get_mode_display()}. The source is compared within seconds.")
            return redirect("access:enforcement", found.pk)
    return render(
        request,
        "access/enforcement_form.html",
        {"form": form, "source": found, "crumbs": _crumbs(found, "Settings")},
        status=422 if form.errors else 200,
    )


@require_POST
def compare(request: HttpRequest, source_id: int) -> HttpResponse:
    found = _source(principal_of(request), source_id)
    form = ActionForm({})
    form.is_valid()
    form.attempt(lambda: ask_comparison(source=found, by=principal_of(request)))
    if form.errors:
        messages.error(request, " ".join(map(str, form.non_field_errors())))
    else:
        messages.success(request, "The source is compared within seconds. Reload to see what came of it.")
    return redirect("access:enforcement", found.pk)


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, source_id: int, plan_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _source(principal, source_id)
    plan = Reconciliation.objects.filter(pk=plan_id, source=found).first()
    if plan is None:
        raise NotFound("There is no such plan. Look at the newest.")
    if request.method == "POST":
        check_signed_in_recently(request)
    return ask(
        request,
        ActionForm(request.POST if request.method == "POST" else None),
        lambda: confirm_plan(reconciliation=plan, plan_hash=request.POST.get("hash", plan.plan_hash), by=principal),
        told="Confirmed. It is carried out within seconds, unless the source changed meanwhile.",
        back=reverse("access:enforcement", args=[found.pk]),
        title=f"Carry out {plan.steps} changes in {found}?",
        text="Exactly the statements of this plan run, in one transaction where the source has one.",
        confirm_label="Carry them out",
        danger=plan.revokes > 0,
    )


@require_http_methods(["GET", "POST"])
def login(request: HttpRequest, source_id: int) -> HttpResponse:
    """As whom somebody logs in."""
    principal = principal_of(request)
    found = _source(principal, source_id)
    form = LoginForm(request.POST if request.method == "POST" else None, initial=dict(request.GET.items()))
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
        values = form.cleaned_data
        done = form.attempt(lambda: _name(found, values["person"], values["name"], principal))
        if done is not None:
            _tell_named(request, found, values["person"], values["name"])
            return redirect("access:enforcement", found.pk)
    return render(
        request,
        "access/login_form.html",
        {
            "form": form,
            "source": found,
            "own": own_login(principal, found).may_change,
            "crumbs": _crumbs(found, "Login"),
        },
        status=422 if form.errors else 200,
    )


def _tell_named(request: HttpRequest, source: Source, person: Principal, name: str) -> None:
    """What becomes of the grants of somebody whose login was named, as far as the source was seen."""
    since = lacking_since(source, name) if name else None
    if since is None:
        messages.success(request, f"Noted. Grants of {person} follow within seconds.")
    else:
        messages.warning(
            request,
            f"Noted, but {source.name} had no login {name} when it was last read, {moment(since)}. Grants of {person} wait"
            " until there is one: create it there, or name another here.",
        )


def _name(source: Source, person: Principal, name: str, by: Principal) -> tuple[DatabaseLogin | None]:
    try:
        return (name_login(source=source, principal=person, name=name, by=by),)
    except Forbidden as error:
        # The form stays, with what was typed: another login or person may be theirs to name.
        raise Conflict(error.message) from None


@require_http_methods(["GET", "POST"])
def finding_accept(request: HttpRequest, finding_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _finding(principal, finding_id)
    check_can_accept(principal, found)
    if request.method == "GET" and found.resolution:
        return _judged(request, principal, found)
    form = AcceptForm(request.POST if request.method == "POST" else None)
    return ask(
        request,
        form,
        lambda: accept_finding(finding=found, note=form.cleaned_data["note"], by=principal),
        told="Accepted. It is no work any more, and stays listed with your reason.",
        back=reverse("access:enforcement", args=[found.source_id]),
        title="Accept this as it is?",
        text=found.sentence,
        confirm_label="Accept it",
    )


@require_http_methods(["GET", "POST"])
def finding_adopt(request: HttpRequest, finding_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _finding(principal, finding_id)
    check_can_adopt(principal, found)
    if request.method == "GET" and found.resolution:
        return _judged(request, principal, found)
    form = AdoptForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
    return ask(
        request,
        form,
        lambda: adopt_finding(
            finding=found, days=form.cleaned_data["days"], note=form.cleaned_data["note"], by=principal
        ),
        told="Adopted. It is a grant now, with an end.",
        back=_after(principal, found),
        title="Adopt this as a grant?",
        text=f"{found.sentence} As a grant it has an author, a reason and an end.",
        confirm_label="Adopt it",
    )


def _page(request: HttpRequest, principal: Principal, found: Source) -> HttpResponse:
    shown = enforcement_of(found, principal)
    may_change = can_enforce_grants(principal, found)
    return render(
        request,
        "access/enforcement.html",
        {
            "source": found,
            "shown": shown,
            "may_change": may_change,
            "enforcement": shown.overview.enforcement,
            "plan": shown.plan,
            "is_waiting": shown.plan is not None and shown.plan.state == Reconciliation.State.WAITING,
            "plan_columns": [Column("Why"), Column("Statements"), Column("Risk")],
            "journal_columns": [Column("When"), Column("Statements"), Column("Why"), Column("State")],
            "run_columns": [Column("When"), Column("State"), Column("Changes", align="end"), Column("What")],
            "login_columns": [Column("Who"), Column("Login"), Column("Change", hidden=True)][: 3 if may_change else 2],
            "crumbs": _crumbs(found),
        },
    )


def _readable(principal: Principal, source_id: int) -> Source:
    found = Source.objects.visible_to(principal).select_related("connection").filter(pk=source_id).first()
    if found is None:
        raise NotFound("There is no such source, or you may not see it.")
    check_can_see_enforcement(principal, found)
    return found


def _source(principal: Principal, source_id: int) -> Source:
    """One that the reader may change the enforcement of."""
    found = _readable(principal, source_id)
    check_can_enforce_grants(principal, found)
    return found


def _finding(principal: Principal, finding_id: int) -> Finding:
    found = Finding.objects.select_related("source", "dataset", "principal__user").filter(pk=finding_id).first()
    if found is None:
        raise NotFound("There is no such finding, or you may not see it.")
    check_can_see_finding(principal, found)
    return found


def _judged(request: HttpRequest, principal: Principal, finding: Finding) -> HttpResponse:
    """What an old link or a page that somebody left open leads to."""
    by = f", by {finding.resolved_by}" if finding.resolved_by else ""
    messages.info(request, f"“{finding.sentence}” is closed: {finding.get_resolution_display().lower()}{by}.")
    return redirect(_after(principal, finding))


def _after(principal: Principal, finding: Finding) -> str:
    """Where whoever judged a finding goes on: not everybody who may reads the source's page."""
    if can_see_enforcement(principal, finding.source):
        return reverse("access:enforcement", args=[finding.source_id])
    return reverse("access:inbox")


def _crumbs(found: Source, *more: str) -> list[Crumb]:
    crumbs = [Crumb("Enforcement", reverse("access:enforcement_list"))]
    if not more:
        return [*crumbs, Crumb(found.name)]
    return [*crumbs, Crumb(found.name, reverse("access:enforcement", args=[found.pk])), *map(Crumb, more)]
