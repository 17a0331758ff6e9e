"""Terms to accept: the list, one of them with its versions, and publishing."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from access.actions import publish_terms, retire_terms, revise_terms
from access.agreements import can_publish, check_can_publish, domains_one_may_bind, may_see_who_accepted
from access.confirming import ask, tabs_of
from access.forms import RevisionForm, TermsForm
from access.models import Terms, TermsAcceptance
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from classification.models import Level
from common.components import Column, Crumb
from common.errors import NotFound
from common.pagination import page_of


@require_safe
def terms_list(request: HttpRequest) -> HttpResponse:
    """What is in force, and what was. Everybody reads it: whoever asks must accept it."""
    principal = principal_of(request)
    newest = Terms.objects.select_related("level", "domain", "published_by__user").order_by("slug", "-number")
    return render(
        request,
        "access/terms_list.html",
        {
            "terms": newest.distinct("slug"),
            "columns": [Column("Terms"), Column("About"), Column("Version"), Column("State")],
            "may_publish": principal.is_administrator or bool(domains_one_may_bind(principal)),
            "tabs": tabs_of(principal, "terms"),
        },
    )


@require_http_methods(["GET", "POST"])
def terms_add(request: HttpRequest) -> HttpResponse:
    principal = principal_of(request)
    domains = domains_one_may_bind(principal)
    if not domains:
        check_can_publish(principal, None)
    levels = list(Level.objects.order_by("-rank")) if principal.is_administrator else []
    form = TermsForm(request.POST or None, levels=levels, domains=domains)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        made = form.attempt(
            lambda: publish_terms(
                name=values["name"], text=values["text"], level=form.level, domain=form.domain, by=principal
            )
        )
        if made is not None:
            messages.success(request, "Published. Whoever asks for this data from now on must accept it.")
            return redirect("access:terms_version", made.slug, made.number)
    return render(
        request,
        "access/terms_form.html",
        {
            "form": form,
            "title": "New terms",
            "text": "Whoever asks for this data from now on must accept them. What was granted stays.",
            "back": reverse("access:terms"),
            "crumbs": [Crumb("Terms", reverse("access:terms")), Crumb("New")],
        },
        status=422 if form.errors else 200,
    )


@require_safe
def terms_version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version, the others beside it, and who accepted it, for those who answer for the data."""
    principal = principal_of(request)
    found = _version(slug, number)
    page = None
    if may_see_who_accepted(principal, found):
        accepted = TermsAcceptance.objects.filter(terms=found).select_related("by__user", "request__dataset")
        page = page_of(accepted, order=("-id",), cursor=request.GET.get("cursor"))
    return render(
        request,
        "access/terms.html",
        {
            "terms": found,
            "versions": Terms.objects.filter(slug=slug).select_related("published_by__user").order_by("-number"),
            "page": page,
            "columns": [Column("Who"), Column("For"), Column("When")],
            "may_publish": found.valid_to is None and can_publish(principal, found.domain),
            "crumbs": [Crumb("Terms", reverse("access:terms")), Crumb(found.name)],
        },
    )


@require_http_methods(["GET", "POST"])
def terms_revise(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    principal = principal_of(request)
    found = _writable(principal, slug, number)
    if request.method == "GET" and found.valid_to is not None:
        return _to_the_newest(request, found)
    form = RevisionForm(request.POST or None, initial={"text": found.text})
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: revise_terms(terms=found, text=form.cleaned_data["text"], by=principal))
        if made is not None:
            messages.success(request, f"Version {made.number} is in force.")
            return redirect("access:terms_version", made.slug, made.number)
    return render(
        request,
        "access/terms_form.html",
        {
            "form": form,
            "title": f"A new version of “{found.name}”",
            "text": f"It replaces version {found.number} for everybody who asks from now on.",
            "back": reverse("access:terms_version", args=[slug, number]),
            "crumbs": [Crumb("Terms", reverse("access:terms")), Crumb(found.name)],
        },
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
def terms_retire(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    principal = principal_of(request)
    found = _writable(principal, slug, number)
    if request.method == "GET" and found.valid_to is not None:
        return _to_the_newest(request, found)
    form = ActionForm(request.POST if request.method == "POST" else None)
    return ask(
        request,
        form,
        lambda: retire_terms(terms=found, by=principal),
        told=f"Nobody has to accept “{found.name}” any more.",
        back=reverse("access:terms_version", args=[slug, number]),
        title=f"Retire “{found.name}”?",
        text="Nobody has to accept it any more. What was accepted stays on record.",
        confirm_label="Retire",
        danger=True,
    )


def _to_the_newest(request: HttpRequest, old: Terms) -> HttpResponse:
    """What leads to a version that is in force no more: an old link, or a page that somebody left open."""
    messages.info(request, f"Version {old.number} is not in force any more. This is the newest.")
    newest = Terms.objects.filter(slug=old.slug).order_by("-number").values_list("number", flat=True)[0]
    return redirect("access:terms_version", old.slug, newest)


def _version(slug: str, number: int) -> Terms:
    rows = Terms.objects.select_related("level", "domain", "published_by__user")
    found: Terms | None = rows.filter(slug=slug, number=number).first()
    if found is None:
        raise NotFound("There is no such version of these terms.")
    return found


def _writable(principal: Principal, slug: str, number: int) -> Terms:
    found = _version(slug, number)
    check_can_publish(principal, found.domain)
    return found
