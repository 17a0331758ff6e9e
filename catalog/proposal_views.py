"""Decide about what pipelines propose, from wherever a proposal is shown."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.authentication import principal_of
from catalog.actions import accept_proposal, decline_proposal
from catalog.forms import DecisionForm
from catalog.models import Proposal
from catalog.queries.proposals import visible_proposal
from common.errors import Conflict, Invalid


@require_POST
def proposal_accept(request: HttpRequest, proposal_id: int) -> HttpResponseRedirect:
    return _decided(request, proposal_id, accept_proposal, "Accepted.")


@require_POST
def proposal_decline(request: HttpRequest, proposal_id: int) -> HttpResponseRedirect:
    return _decided(request, proposal_id, decline_proposal, "Declined. Nobody will be asked about it again.")


def _decided(
    request: HttpRequest, proposal_id: int, decide: Callable[..., Proposal], done: str
) -> HttpResponseRedirect:
    """Decide and go back; what stands in the way is said there."""
    principal = principal_of(request)
    proposal = visible_proposal(principal, proposal_id)
    form = DecisionForm(request.POST)
    try:
        if not form.is_valid():
            raise Invalid("Give a reason of at most 2,000 characters.")
        decide(proposal=proposal, by=principal, reason=form.cleaned_data["reason"])
    except (Conflict, Invalid) as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return HttpResponseRedirect(back)
    return redirect("portal:dataset", proposal.dataset_id)
