"""Who may ask, decide and revoke. `check_can_…` raises, `can_…` answers."""

from __future__ import annotations

from collections.abc import Sequence

from access.models import AccessRequest, CampaignItem, EmergencyReview, Finding, Grant, Policy
from access.policy import Decision, ReviewDecision, may_review
from access.reviewing import (
    answerable_for,
    emergency_decision,
    recertify_decision,
    review_decision,
    reviewer_of,
    revoke_decision,
)
from accounts.models import DomainRole, Principal
from accounts.permissions import is_trusted
from catalog.models import Dataset, Domain, Field, Source, Tier
from catalog.permissions import can_edit_source, uncurated
from catalog.visibility import CURATORS, scope_of
from common.errors import Conflict, Forbidden, NotFound

_ASKING = (Principal.Kind.PERSON, Principal.Kind.SERVICE)


def check_can_request(by: Principal, dataset: Dataset, fields: Sequence[Field]) -> None:
    """Whoever may know of a dataset may ask for it; naming columns takes the tier that shows them."""
    if by.kind not in _ASKING or not by.is_active:
        raise Forbidden("People and services ask for access. Sign in as yourself.")
    tier = Tier.METADATA if fields else Tier.DISCOVER
    if not Dataset.objects.filter(pk=dataset.pk).visible_to(by, tier).exists():
        raise NotFound("There is no such dataset or column, or you may not see it.")


def check_can_review(by: Principal, request: AccessRequest) -> ReviewDecision:
    """Raises `NotFound` for a request that `by` may not see, `Forbidden` with the reason otherwise."""
    decision = review_decision(by, request)
    if decision:
        return decision
    if not AccessRequest.objects.filter(pk=request.pk).visible_to(by).exists():
        raise NotFound("There is no such request, or you may not see it.")
    if not request.is_pending:
        raise Conflict(f"This request is {request.state} already. Reload the page to see what happened.")
    raise Forbidden(decision.reasons[0])


def check_can_open_in_emergency(by: Principal, dataset: Dataset, fields: Sequence[Field]) -> None:
    """People who see what is in a dataset may open it in an emergency; a program has none."""
    if by.kind != Principal.Kind.PERSON or not by.is_active:
        raise Forbidden("Only people open data in an emergency. Sign in as yourself.")
    check_can_request(by, dataset, fields)
    if not Dataset.objects.filter(pk=dataset.pk).visible_to(by, Tier.METADATA).exists():
        raise Forbidden(
            "Only those who may see the columns of a dataset open it in an emergency. Ask for access instead."
        )


def check_can_close_review(by: Principal, review: EmergencyReview) -> ReviewDecision:
    decision = emergency_decision(by, review)
    if decision:
        return decision
    if not AccessRequest.objects.filter(pk=review.request_id).visible_to(by).exists():
        raise NotFound("There is no such review, or you may not see it.")
    raise Forbidden(decision.reasons[0])


def may_close_review(by: Principal, review: EmergencyReview | None) -> bool:
    return review is not None and review.is_open and emergency_decision(by, review).allowed


def check_can_run_campaign(by: Principal, domain: Domain | None) -> None:
    """Administrators over everything, owners of a domain over its datasets."""
    if can_run_campaign(by, domain):
        return
    raise Forbidden("Administrators recertify grants, and owners of a domain those of its datasets. Ask one of them.")


def can_run_campaign(by: Principal, domain: Domain | None) -> bool:
    scope = scope_of(by)
    if scope.everything:
        return True
    return domain is not None and DomainRole.OWNER in scope.roles_of_domain.get(domain.pk, frozenset())


def check_can_decide_items(by: Principal, items: Sequence[CampaignItem]) -> None:
    """All of these or none. Raises `NotFound` for what `by` may not see, `Forbidden` with the reason otherwise."""
    grants = {item.grant_id: item.grant for item in items}
    may = set(Grant.objects.filter(pk__in=grants).recertifiable_by(by).values_list("pk", flat=True))
    refused = next((grant for pk, grant in grants.items() if pk not in may), None)
    if refused is None:
        return
    if not Grant.objects.filter(pk=refused.pk).visible_to(by).exists():
        raise NotFound("There is no such grant in this recertification, or you may not see it.")
    raise Forbidden(recertify_decision(by, refused).reasons[0])


def can_see_enforcement(by: Principal, source: Source) -> bool:
    """Read how grants are carried out in a source, which names its datasets and logins whatever their tier: stewards and
    owners of its domain, and administrators."""
    return scope_of(by).has_role(source.domain_id, *CURATORS)


def check_can_see_enforcement(by: Principal, source: Source) -> None:
    """Raises `NotFound` for a source that `by` may not see, `Forbidden` otherwise."""
    if can_see_enforcement(by, source):
        return
    if not Source.objects.visible_to(by).filter(pk=source.pk).exists():
        raise NotFound("There is no such source, or you may not see it.")
    raise Forbidden(
        "How grants are carried out is for administrators, and the stewards and owners of the source's domain."
    )


def can_enforce_grants(by: Principal, source: Source) -> bool:
    """Set how grants are carried out in a source, name logins, confirm plans, judge findings: whoever edits it."""
    return can_edit_source(by, source)


def check_can_enforce_grants(by: Principal, source: Source) -> None:
    """Raises `NotFound` for a source that `by` may not see, `Forbidden` otherwise."""
    if can_enforce_grants(by, source):
        return
    if not Source.objects.visible_to(by).filter(pk=source.pk).exists():
        raise NotFound("There is no such source, or you may not see it.")
    raise Forbidden("Only administrators and owners of the source's domain see to how grants are carried out.")


def check_can_accept(by: Principal, finding: Finding) -> None:
    """Whoever sees to the source's enforcement, but never of what they can read themselves."""
    check_can_see_finding(by, finding)
    if not can_enforce_grants(by, finding.source):
        raise Forbidden("Only administrators and owners of the source's domain let this stay. Ask one of them.")
    _check_is_not_about(by, finding)


def check_can_see_finding(by: Principal, finding: Finding) -> None:
    """Raises `NotFound` for a finding of a source that `by` may not see, `Forbidden` otherwise."""
    if not Finding.objects.filter(pk=finding.pk).visible_to(by).exists():
        check_can_see_enforcement(by, finding.source)


def check_can_adopt(by: Principal, finding: Finding) -> tuple[Dataset, Principal]:
    """Whoever may decide on the dataset, and so sees the finding listed; never on what they can read themselves. Returns
    what would be granted to whom.

    Raises `Conflict` for what cannot become a grant: it is not about what one known person reads of one dataset.
    """
    check_can_see_finding(by, finding)
    dataset, holder = finding.dataset, finding.principal
    if not finding.is_adoptable or dataset is None or holder is None:
        raise Conflict(
            "Only what one known person reads of one dataset can become a grant. Show the statements instead."
        )
    _check_is_not_about(by, finding)
    if not Finding.objects.filter(pk=finding.pk).adoptable_by(by).exists():
        answerable = answerable_for([dataset])[dataset.pk]
        raise Forbidden(may_review(reviewer_of(by), requester_id=holder.pk, answerable=answerable).reasons[0])
    return dataset, holder


def _check_is_not_about(by: Principal, finding: Finding) -> None:
    if Finding.objects.filter(pk=finding.pk).about(by).exists():
        raise Forbidden(
            "This is what you can read yourself, or could by a login that was yours; somebody else judges it, whatever"
            " your roles."
        )


def check_can_cancel(by: Principal, request: AccessRequest) -> None:
    if request.requester_id == by.pk:
        return
    if not AccessRequest.objects.filter(pk=request.pk).visible_to(by).exists():
        raise NotFound("There is no such request, or you may not see it.")
    raise Forbidden("Only the person who asked may withdraw a request. You may refuse it instead.")


def check_can_revoke(by: Principal, grant: Grant) -> Decision:
    decision = revoke_decision(by, grant)
    if decision:
        return decision
    if not Grant.objects.filter(pk=grant.pk).visible_to(by).exists():
        raise NotFound("There is no such grant, or you may not see it.")
    raise Forbidden(decision.reasons[0])


def check_can_edit_policies(by: Principal, domain: Domain | None) -> None:
    """Administrators write any policy, the owners of a domain those of their domain."""
    if is_trusted(by):
        return
    if domain is None:
        raise Forbidden(
            "Only an administrator writes policies of the whole catalog. Owners write those of their domain."
        )
    if not scope_of(by).has_role(domain.pk, DomainRole.OWNER):
        raise Forbidden(f"Only the owners of {domain} and administrators write its policies.")


def check_can_edit_policy(by: Principal, policy: Policy) -> None:
    """Raises `NotFound` for a policy that `by` may not see."""
    if not Policy.objects.filter(pk=policy.pk).visible_to(by).exists():
        raise NotFound("There is no such policy, or you may not see it.")
    check_can_edit_policies(by, policy.domain)


def may_edit_policy(by: Principal, policy: Policy) -> bool:
    return is_trusted(by) or scope_of(by).has_role(policy.domain_id, DomainRole.OWNER)


def check_can_see_policies(by: Principal) -> None:
    if not may_see_policies(by):
        raise Forbidden("Policies are shown to administrators and to the stewards and owners of domains.")


def may_see_policies(by: Principal) -> bool:
    """Administrators, and whoever is steward or owner of a domain."""
    return is_trusted(by) or any(roles & set(CURATORS) for roles in scope_of(by).roles_of_domain.values())


def can_explain(by: Principal, dataset: Dataset) -> bool:
    """Whether `by` may know who reads a dataset: its owners, the stewards and owners of its domain, administrators."""
    return not unexplained(by, [dataset.pk])


def unexplained(by: Principal, ids: Sequence[int]) -> set[int]:
    """Those of these datasets of which `by` may not know who reads them."""
    return uncurated(by, ids)


def check_can_explain(by: Principal, dataset: Dataset) -> None:
    """Whoever may not know of the dataset got its 404 before."""
    if not can_explain(by, dataset):
        raise Forbidden(
            "Who can read a dataset is for its owners, its domain's stewards and administrators. What you can read"
            " yourself is on your own page."
        )


def check_can_explain_reader(by: Principal, principal: Principal) -> None:
    """Everybody may know what they read themselves; administrators what anybody reads; whoever answers for datasets
    what people read of those.
    """
    scope = scope_of(by)
    if scope.everything or by.pk == principal.pk or Dataset.objects.filter(scope.curation()).exists():
        return
    raise Forbidden("What somebody else can read is for administrators and those who answer for datasets.")
