"""Pages of policies: what they say, drafts with a preview of who gains and loses, history."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.actions.policies import (
    discard_draft,
    draft_policy,
    edit_policy,
    end_policy,
    publish_policy,
)
from access.confirming import tabs_of
from access.forms.policies import EndForm, PolicyForm, PublishForm
from access.models import Policy, PolicyVersion
from access.permissions import (
    check_can_edit_policies,
    check_can_edit_policy,
    check_can_see_policies,
    may_edit_policy,
)
from access.policies.rules import Effect
from access.policies.words import rule_in_words
from access.policy_queries import (
    changes_between,
    count_in_force_everywhere,
    count_to_compare,
    current_of,
    draft_of,
    etag_of_policy,
    names_in,
    policy_rows,
    visible_policies,
)
from access.previewing import preview_of
from access.vocabulary_views import vocabulary_tabs
from accounts.authentication import principal_of
from accounts.models import Principal
from accounts.permissions import is_trusted
from accounts.recent import check_signed_in_recently
from catalog.models import Domain
from catalog.visibility import scope_of
from common.components import Column, Crumb
from common.errors import Conflict, NotFound


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy that the reader may see, with what it says in a line."""
    principal = principal_of(request)
    check_can_see_policies(principal)
    return render(
        request,
        "access/policy_list.html",
        {
            "rows": policy_rows(visible_policies(principal)),
            "columns": [Column("Policy"), Column("What it does"), Column("Whom"), Column("What"), Column("State")],
            "own_domains": _domains_of(principal),
            "may_add": is_trusted(principal),
            "unseen_in_force": 0 if is_trusted(principal) else count_in_force_everywhere(),
            "tabs": tabs_of(principal, "policies"),
            "vocabulary": vocabulary_tabs("policies")[1:],
            "crumbs": [Crumb("Access", reverse("access:inbox")), Crumb("Policies")],
        },
    )


@require_safe
def policy_detail(request: HttpRequest, policy_id: int) -> HttpResponse:
    """What a policy says, its draft with the difference, and its history. `?version=3&compare=2` shows others."""
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    versions = list(policy.versions.all())
    draft = draft_of(policy)
    shown = _chosen(versions, request.GET.get("version")) or current_of(policy) or draft or versions[0]
    against = _chosen(versions, request.GET.get("compare"))
    if against is None:
        older = [one for one in versions if one.number < shown.number and one.state != PolicyVersion.State.DISCARDED]
        against = older[0] if older else None
    return render(
        request,
        "access/policy.html",
        {
            "policy": policy,
            "versions": versions,
            "shown": shown,
            "against": against,
            "words": rule_in_words(shown.contents, names_in([shown.contents])),
            "changes": changes_between(against, shown) if against is not None else [],
            "draft": draft,
            "is_in_force": any(version.holds for version in versions),
            "to_compare": count_to_compare() if any(version.is_being_compared for version in versions) else 0,
            "may_edit": may_edit_policy(principal, policy),
            "end": EndForm(auto_id="end_%s"),
            "version_columns": [Column("Version"), Column("State"), Column("From"), Column("Until"), Column("Why")],
            "crumbs": [*_crumbs(), Crumb(policy.name)],
        },
    )


@require_http_methods(["GET", "POST"])
def policy_add(request: HttpRequest) -> HttpResponse:
    """A new policy; `?domain=teaching` for one of a domain's own."""
    principal = principal_of(request)
    slug = request.GET.get("domain", "")
    domain = Domain.objects.filter(slug=slug).first() if slug else None
    if slug and domain is None:
        raise NotFound("There is no such domain.")
    check_can_edit_policies(principal, domain)
    form = PolicyForm(request.POST or None, domain=domain)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(
            lambda: draft_policy(
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                rule=form.cleaned_data["rule"],
                reason=form.cleaned_data["reason"],
                domain=domain,
                by=principal,
            )
        )
        if made is not None:
            return redirect("access:policy_preview", made.policy_id)
    return _form_page(request, form, f"New policy of {domain}" if domain else "New policy", reverse("access:policies"))


@require_http_methods(["GET", "POST"])
def policy_edit(request: HttpRequest, policy_id: int) -> HttpResponse:
    """The policy's draft, which begins as what it says now; `?like=2` begins it as an older version said."""
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    check_can_edit_policy(principal, policy)
    like = _chosen(list(policy.versions.all()), request.GET.get("like"))
    begun = draft_of(policy) or like or current_of(policy) or policy.versions.all()[0]
    initial = {
        "name": policy.name,
        "description": policy.description,
        "reason": begun.reason,
        "seen": etag_of_policy(policy),
    }
    form = PolicyForm(request.POST or None, rule=begun.contents, domain=policy.domain, initial=initial)
    if request.method == "POST" and form.is_valid():
        edited = form.attempt(
            lambda: edit_policy(
                policy=policy,
                seen=form.cleaned_data["seen"],
                like=begun,
                rule=form.cleaned_data["rule"],
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                reason=form.cleaned_data["reason"],
                by=principal,
            )
        )
        if edited is not None:
            return redirect("access:policy_preview", policy.pk)
    return _form_page(request, form, f"Edit {policy.name}", reverse("access:policy", args=[policy.pk]))


@require_safe
def policy_preview(request: HttpRequest, policy_id: int) -> HttpResponse:
    """What the draft would change, and the button that puts it into force."""
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    check_can_edit_policy(principal, policy)
    draft = _draft(policy)
    return render(
        request,
        "access/policy_preview.html",
        {
            "policy": policy,
            "draft": draft,
            "preview": preview_of(policy, draft.contents),
            "changes": changes_between(current_of(policy), draft),
            "publish": PublishForm(
                initial={"seen": etag_of_policy(policy)}, denies=draft.contents.effect is Effect.DENY
            ),
            "sample_columns": [Column("Who"), Column("Dataset")],
            "standing_columns": [Column("Who"), Column("Dataset"), Column("What changes")],
            "crumbs": [*_crumbs(), Crumb(policy.name, reverse("access:policy", args=[policy.pk])), Crumb("Preview")],
        },
    )


@require_http_methods(["GET", "POST"])
def policy_publish(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Put the draft into force that the preview showed; whoever did not come from there is sent there."""
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    check_can_edit_policy(principal, policy)
    if request.method == "GET":
        return redirect("access:policy_preview", policy.pk)
    draft = _draft(policy)
    form = PublishForm(request.POST, denies=draft.contents.effect is Effect.DENY)
    if form.is_valid():
        check_signed_in_recently(request)
        values = form.cleaned_data
        made = form.attempt(
            lambda: publish_policy(
                version=draft,
                valid_from=values["valid_from"],
                seen=values["seen"],
                ends_refused=values.get("refused") != "ask",
                by=principal,
            )
        )
        if made is not None:
            messages.success(request, f"Published. Decisions go by version {made.number} from then on.")
            return redirect("access:policy", policy.pk)
    return _ask(
        request,
        form,
        title=f"Put version {draft.number} of {policy.name} into force?",
        text="What it said before ends then. Any version can be published again.",
        confirm_label="Publish",
        cancel_url=reverse("access:policy_preview", args=[policy.pk]),
    )


@require_http_methods(["GET", "POST"])
def policy_end(request: HttpRequest, policy_id: int) -> HttpResponse:
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    check_can_edit_policy(principal, policy)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)
        reason = form.cleaned_data["reason"]
        if form.attempt(lambda: end_policy(policy=policy, reason=reason, by=principal)) is not None:
            messages.success(request, "Ended. It says nothing any more; publish a version to bring it back.")
            return redirect("access:policy", policy.pk)
    return _ask(
        request,
        form,
        title=f"Take “{policy.name}” out of force?",
        text="From now on it says nothing. Any version of it can be published again.",
        confirm_label="End it",
        cancel_url=reverse("access:policy", args=[policy.pk]),
        danger=True,
    )


@require_POST
def policy_discard(request: HttpRequest, policy_id: int) -> HttpResponse:
    principal = principal_of(request)
    policy = _policy(principal, policy_id)
    discard_draft(version=_draft(policy), by=principal)
    messages.success(request, "The draft is discarded.")
    return redirect("access:policy", policy.pk)


def _ask(request: HttpRequest, form: PublishForm | EndForm, **values: object) -> HttpResponse:
    status = 422 if form.errors else 200
    return render(request, "components/confirm_page.html", {"form": form, **values}, status=status)


def _form_page(request: HttpRequest, form: PolicyForm, title: str, cancel: str) -> HttpResponse:
    return render(
        request,
        "access/policy_form.html",
        {"form": form, "title": title, "cancel": cancel, "crumbs": [*_crumbs(), Crumb(title)]},
        status=422 if form.errors else 200,
    )


def _crumbs() -> list[Crumb]:
    return [Crumb("Access", reverse("access:inbox")), Crumb("Policies", reverse("access:policies"))]


def _policy(principal: Principal, policy_id: int) -> Policy:
    found = visible_policies(principal).filter(pk=policy_id).first()
    if found is None:
        raise NotFound("There is no such policy, or you may not see it.")
    return found


def _draft(policy: Policy) -> PolicyVersion:
    draft = draft_of(policy)
    if draft is None:
        raise Conflict("This policy has no draft. Edit it to make one.")
    return draft


def _chosen(versions: list[PolicyVersion], number: str | None) -> PolicyVersion | None:
    return next((version for version in versions if str(version.number) == number), None)


def _domains_of(principal: Principal) -> list[Domain]:
    """The domains for which the reader may write policies of their own."""
    scope = scope_of(principal)
    if scope.everything:
        return []
    return list(Domain.objects.filter(pk__in=[one for one, roles in scope.roles_of_domain.items() if "owner" in roles]))
