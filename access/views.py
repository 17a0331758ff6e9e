"""The inbox, the request form, and the page of one request; decisions are made on each of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from access.actions import (
    approve_request,
    cancel_request,
    deny_request,
    request_access,
    revoke_grant,
    save_draft,
)
from access.agreements import terms_for
from access.asking import ruling_for
from access.confirming import ask, tabs_of
from access.effective import who_reads
from access.enforcement.offering import cannot_mask, is_carried_out, lacks_account
from access.enforcement.preview import preview_of
from access.forms import (
    AcceptForm,
    AdoptForm,
    ApproveForm,
    ReasonForm,
    RequestForm,
    VerdictForm,
    decision_forms,
    first_values,
)
from access.inbox import DEEPEST, SHOWN, Waiting, counted_list
from access.models import AccessRequest, Grant, Purpose
from access.permissions import can_explain, check_can_cancel, check_can_review, check_can_revoke, may_close_review
from access.queries import (
    ASKED_COLUMNS,
    GRANT_COLUMNS,
    OTHERS_COLUMNS,
    draft_of,
    masked_names,
    offered_columns,
    own_of,
    review_of,
    rows_in_words,
    visible_grants,
    visible_requests,
)
from access.states import GrantState
from access.timeline import timeline_of
from accounts.authentication import principal_of
from accounts.forms import ActionForm
from accounts.models import Principal
from accounts.recent import check_signed_in_recently
from catalog.models import Dataset, Field
from classification.limits import LONGEST_GRANT_DAYS
from classification.queries import levels_by_rank
from common.components import Column, Crumb
from common.errors import Conflict, Forbidden, NotFound

_REQUEST_COLUMNS = [Column("Request"), Column("Columns"), Column("Level"), Column("When")]


def _forms_for(items: Sequence[Waiting]) -> dict[str, ActionForm]:
    """The forms by which these are decided in place, by what each does: one for all of a kind."""
    forms: dict[str, ActionForm] = {}
    kinds = {item.kind for item in items}
    if "request" in kinds:
        forms |= {
            "approve": ApproveForm(longest=LONGEST_GRANT_DAYS, auto_id="approve_%s"),
            "deny": ReasonForm(auto_id="deny_%s"),
        }
    if "emergency" in kinds:
        forms["close"] = VerdictForm(auto_id="verdict_%s")
    if "recertification" in kinds:
        forms["remove"] = ReasonForm(auto_id="remove_%s")
    if "finding" in kinds:
        forms |= {"adopt": AdoptForm(auto_id="adopt_%s"), "accept": AcceptForm(auto_id="accept_%s")}
    return forms


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """Everything that waits for the reader's decision, in one list that acts in place."""
    principal = principal_of(request)
    skip = _skipped(request.GET.get("skip", ""))
    # One more than is shown tells whether there is more.
    items, count = counted_list(principal, skip=skip, most=SHOWN + 1)
    request.nav_counted = {"access": count}  # type: ignore[attr-defined]
    waiting = items[:SHOWN]
    return render(
        request,
        "access/inbox.html",
        {
            "waiting": waiting,
            "forms": _forms_for(waiting),
            "first": skip + 1,
            "last": skip + len(waiting),
            "earlier": _address(request, skip - SHOWN) if skip else "",
            "later": _address(request, skip + SHOWN) if len(items) > SHOWN and skip + SHOWN <= DEEPEST else "",
            "columns": [Column("What"), Column("Level"), Column("Since"), Column("Decide", hidden=True)],
            "tabs": tabs_of(principal, "inbox"),
        },
    )


def _skipped(sent: str) -> int:
    """How much of the list is passed over; nothing where what was sent is no number."""
    return min(int(sent), DEEPEST) if sent.isascii() and sent.isdigit() and len(sent) < 6 else 0


def _address(request: HttpRequest, skip: int) -> str:
    return f"{request.path}?skip={skip}" if skip > 0 else request.path


@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """What the reader asked for and was granted."""
    principal = principal_of(request)
    return render(
        request,
        "access/own.html",
        {
            "own": own_of(principal),
            "request_columns": [*_REQUEST_COLUMNS, Column("State")],
            "grant_columns": [Column("Dataset"), *GRANT_COLUMNS],
            "tabs": tabs_of(principal, "own"),
        },
    )


@require_http_methods(["GET", "POST"])
def request_create(request: HttpRequest) -> HttpResponse:
    """`?dataset=17`, and `&field=3&field=4` for columns that begin ticked; `&grant=5` asks for more time on a grant.

    Three buttons: send it, keep it as a draft, or only look at what policy says of it.
    """
    principal = principal_of(request)
    dataset = _dataset(principal, request.GET.get("dataset", ""))
    columns = offered_columns(principal, dataset)
    renews = _renewable(principal, dataset, request.GET.get("grant", ""))
    longest_days = ruling_for(principal, dataset, ()).duration.days
    form = RequestForm(
        request.POST or None,
        columns=columns,
        whole_days=longest_days,
        terms=terms_for(dataset, ()),
        purposes=Purpose.objects.filter(enabled=True),
        initial=first_values(draft_of(principal, dataset), renews, ticked=request.GET.getlist("field")),
        is_draft="save" in request.POST,
    )
    checking = request.method == "POST" and "check" in request.POST
    if request.method == "POST" and not checking and form.is_valid():
        action = _save if "save" in request.POST else _send
        made = form.attempt(lambda: action(form, dataset, principal, renews))
        if made is not None:
            kept = "Kept as a draft: nobody else sees it. Send it when it is ready."
            told = {"draft": kept, "approved": "Granted at once, as a policy says."}
            messages.success(request, told.get(made.state, "Asked. You see here what became of it."))
            return redirect("access:own" if made.is_draft else reverse("access:request", args=[made.pk]))
    chosen = list(Field.objects.filter(dataset=dataset, pk__in=form.ticked_ids).order_by("position"))
    ruling = ruling_for(principal, dataset, chosen, purpose=form.purpose_chosen)
    masked = chosen or Field.objects.filter(dataset=dataset, pk__in=ruling.masks) if columns is not None else ()
    carried_out = is_carried_out(dataset)
    return render(
        request,
        "access/request_form.html",
        {
            "form": form,
            "dataset": dataset,
            "level": levels_by_rank().get(dataset.level or 0),
            "ruling": ruling,
            "carried_out": carried_out,
            "cannot_mask": bool(ruling.masks) and cannot_mask(dataset),
            "unfiltered": rows_in_words(ruling.filtering) if ruling.filtering and carried_out else "",
            "masked": masked_names(ruling.masks, masked),
            "lacks_account": lacks_account(principal, dataset),
            "renews": renews,
            "longest_days": longest_days,
            "most_days": LONGEST_GRANT_DAYS,
            "crumbs": [Crumb(dataset.name, reverse("portal:dataset", args=[dataset.pk])), Crumb("Request access")],
        },
        status=422 if form.errors and not checking else 200,
    )


def _send(form: RequestForm, dataset: Dataset, by: Principal, renews: Grant | None) -> AccessRequest:
    try:
        return request_access(
            dataset=dataset,
            fields=list(Field.objects.filter(dataset=dataset, pk__in=form.field_ids)),
            purpose=form.cleaned_data["purpose"],
            purpose_kind=form.cleaned_data.get("purpose_kind"),
            days=form.cleaned_data["days"],
            accepts=form.accepts,
            renews=renews,
            by=by,
        )
    except Forbidden as error:
        # The form stays, with what was typed: other columns or another purpose may be allowed.
        raise Conflict(error.message) from None


def _save(form: RequestForm, dataset: Dataset, by: Principal, renews: Grant | None) -> AccessRequest:
    fields = list(Field.objects.filter(dataset=dataset, pk__in=form.field_ids))
    values = form.cleaned_data
    return save_draft(
        dataset=dataset,
        fields=fields,
        purpose=values["purpose"],
        purpose_kind=values.get("purpose_kind"),
        days=values["days"],
        renews=renews,
        by=by,
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
            "preview": preview_of(found) if review.may_decide else None,
            "carried_out": grant is not None and grant.state != GrantState.RECORDED,
            "who": who_reads(found.dataset, None)
            if review.may_decide and can_explain(principal, found.dataset)
            else None,
            "timeline": timeline_of(review),
            "approve": approve,
            "deny": deny,
            "revoke": ReasonForm(auto_id="revoke_%s"),
            "may_review": may_close_review(principal, review.emergency),
            "may_cancel": found.is_pending and found.requester_id == principal.pk,
            "may_end": grant is not None and grant.is_live and review.may_end,
            "grant_columns": OTHERS_COLUMNS,
            "asked_columns": ASKED_COLUMNS,
            "crumbs": [Crumb("Access", reverse("access:inbox")), Crumb(f"Request {found.pk}")],
        },
    )


@require_http_methods(["GET", "POST"])
def request_approve(request: HttpRequest, request_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _pending(principal, request_id)
    check_can_review(principal, found)
    chosen = list(Field.objects.filter(pk__in=found.field_ids))
    ruling = ruling_for(found.requester, found.dataset, chosen, purpose=found.purpose_kind)
    longest = min(found.days, ruling.duration.days)
    form = ApproveForm(request.POST or None, longest=longest)
    if request.method == "POST" and form.is_valid():
        check_signed_in_recently(request)

    def approve() -> str:
        values = form.cleaned_data
        if approve_request(request=found, by=principal, reason=values["reason"], days=values["days"]) is None:
            return "Approved. The grant begins when the others whose approval it needs have given theirs."
        begins = f"Approved. The grant of {found.requester} begins;"
        if is_carried_out(found.dataset):
            return f"{begins} this page says what becomes of it in the source."
        return f"{begins} it is recorded here, and the source's administrator opens it there."

    return ask(
        request,
        form,
        approve,
        told="",
        back=reverse("access:request", args=[found.pk]),
        title=f"Approve the request of {found.requester}?",
        text="The grant begins with the last approval that it needs. Its page says what becomes of it in the source.",
        confirm_label="Approve",
    )


@require_http_methods(["GET", "POST"])
def request_deny(request: HttpRequest, request_id: int) -> HttpResponse:
    principal = principal_of(request)
    found = _pending(principal, request_id)
    check_can_review(principal, found)
    form = ReasonForm(request.POST or None)
    return ask(
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
    found = _request(principal, request_id)
    check_can_cancel(principal, found)
    if not found.is_draft:
        _check_pending(found)
    form = ActionForm(request.POST if request.method == "POST" else None)
    return ask(
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
    return ask(
        request,
        form,
        lambda: revoke_grant(grant=grant, by=principal, reason=form.cleaned_data["reason"]),
        told=f"Ended. The grant of {grant.principal} no longer holds.",
        back=_home_of(grant, principal),
        title=f"End the grant of {grant.principal}?",
        text=f"Access to {grant.dataset.name} ends now instead of at its time.",
        confirm_label="End it",
        danger=True,
    )


def _home_of(grant: Grant, reader: Principal) -> str:
    """Where a grant is shown: the page of its request, or of one that was adopted a list that holds it."""
    if grant.request_id is not None:
        return reverse("access:request", args=[grant.request_id])
    if grant.principal_id == reader.pk:
        return f"{reverse('access:own')}#grants"
    return reverse("portal:dataset_tab", args=[grant.dataset_id, "access"])


def _request(principal: Principal, request_id: int) -> AccessRequest:
    found: AccessRequest | None = visible_requests(principal).filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such request, or you may not see it.")
    return found


def _pending(principal: Principal, request_id: int) -> AccessRequest:
    found = _request(principal, request_id)
    _check_pending(found)
    return found


def _check_pending(request: AccessRequest) -> None:
    if not request.is_pending:
        raise Conflict(f"This request is {request.state} already. Look at its page to see what happened.")


def _renewable(principal: Principal, dataset: Dataset, text: str) -> Grant | None:
    if not text:
        return None
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    own = Grant.objects.live().usual().filter(principal=principal, dataset=dataset)
    found: Grant | None = own.select_related("request").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such grant of yours, or it has ended. Ask anew from the dataset's page.")
    return found


def _dataset(principal: Principal, text: str) -> Dataset:
    pk = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    dataset: Dataset | None = Dataset.objects.standing().visible_to(principal).filter(pk=pk).first()
    if dataset is None:
        raise NotFound("There is no such dataset, or you may not see it. Ask from its page.")
    return dataset
