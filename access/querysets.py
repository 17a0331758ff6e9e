"""Reads of requests and grants that chain; `reviewable_by` is `access.policy.may_review` in SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.utils import timezone

from access.policy import Audience
from access.states import GRANT_ENDING, GRANT_LIVE, RequestState
from accounts.models import DomainRole, Principal
from catalog.models import DomainMembership, Ownership
from catalog.visibility import CURATORS, scope_of
from common.unions import ids_where_any, where_any

if TYPE_CHECKING:
    from access.models import (
        AccessRequest,
        Campaign,
        CampaignItem,
        EmergencyReview,
        Finding,
        Grant,
        Policy,
        PolicyVersion,
    )
    from catalog.models import Source

REVIEWING_ROLES = (DomainRole.STEWARD, DomainRole.OWNER)


def memberships_now() -> QuerySet[DomainMembership]:
    """Roles on domains as they hold now."""
    now = timezone.now()
    return DomainMembership.objects.filter(valid_from__lte=now).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=now))


def roles_now() -> QuerySet[DomainMembership]:
    """Those that let their holders decide."""
    return memberships_now().filter(role__in=REVIEWING_ROLES)


def owners_now() -> QuerySet[Ownership]:
    return Ownership.objects.filter(kind=Ownership.Kind.OWNER, valid_to__isnull=True)


class RequestQuerySet(models.QuerySet["AccessRequest"]):
    def pending(self) -> RequestQuerySet:
        return self.filter(state=RequestState.PENDING)

    def undecided_at(self, moment: dt.datetime) -> RequestQuerySet:
        """Pending ones whose time for a decision is over."""
        return self.pending().filter(decide_by__lte=moment)

    def reviewable_by(self, principal: Principal) -> RequestQuerySet:
        """Requests that `principal` may decide at their step: `may_review` as a condition, whatever their state."""
        if principal.kind != Principal.Kind.PERSON or not principal.is_active:
            return self.none()
        others = self.exclude(requester=principal).exclude(_voted(by=principal))
        may = _by_own_authority(principal)
        if _may_have_mandates(principal):
            may |= _by_mandate(principal)
        if principal.is_administrator:
            may |= _administrators_may() & ~Q(_voted(acting_for=principal))
        return others.filter(may)

    def visible_to(self, principal: Principal) -> RequestQuerySet:
        """Its requester, whoever answers for the dataset, decides or decided on it, and administrators.

        A draft is its author's alone.
        """
        own = Q(requester=principal)
        sent = self.filter(own | ~Q(state=RequestState.DRAFT))
        if scope_of(principal).everything:
            return sent
        if principal.kind != Principal.Kind.PERSON:
            return self.filter(own)
        asked = _model("ApprovalStep").filter(group_id__in=_scope_ids(principal))
        decided = _model("Vote").filter(by=principal)
        seen = [own, *_places_of(principal)]
        seen += [Q(pk__in=asked.values("request")), Q(pk__in=decided.values("step__request"))]
        if givers := _givers_to(principal):
            near = (*_places_of_any(givers), Q(step__group__in=_groups_of(givers)))
            seen.append(Q(pk__in=ids_where_any(self.model._base_manager.all(), near)) & ~own & _by_mandate(principal))
        return where_any(sent, seen)


_CLOSED = Q(principal__disabled_at__isnull=False) | Q(principal__user__isnull=False, principal__user__is_active=False)


class GrantQuerySet(models.QuerySet["Grant"]):
    def live(self) -> GrantQuerySet:
        """Granted and not ended; what is past its time counts as ended even before the worker said so."""
        return self.filter(state__in=GRANT_LIVE, valid_to__gt=timezone.now())

    def due_at(self, moment: dt.datetime) -> GrantQuerySet:
        """Those whose time is over and that nobody has begun to end."""
        return self.filter(state__in=GRANT_LIVE - GRANT_ENDING, valid_to__lte=moment)

    def within_time(self) -> GrantQuerySet:
        return self.spanning(timezone.now())

    def of_active_holders(self) -> GrantQuerySet:
        return self.exclude(_CLOSED)

    def of_closed_holders(self) -> GrantQuerySet:
        return self.filter(_CLOSED)

    def usual(self) -> GrantQuerySet:
        """Those that were asked for: what was taken in an emergency is no part of them."""
        return self.filter(is_emergency=False)

    def given_in(self, source: Source, *, people: Collection[int], logins: Collection[str]) -> GrantQuerySet:
        """Those in a source that did not end and are given to one of these people or logins, or wait to be."""
        given = Q(principal__in=people) | Q(login__in=logins)
        return self.filter(given, dataset__source=source, state__in=GRANT_LIVE)

    def recertifiable_by(self, principal: Principal) -> GrantQuerySet:
        """Grants that `principal` may confirm or remove in a campaign: `may_review` as a condition, of the holder as
        the one who asked."""
        if principal.kind != Principal.Kind.PERSON or not principal.is_active:
            return self.none()
        may = _answers_for(principal)
        if _may_have_mandates(principal):
            may |= _answered_by_mandate(principal)
        if principal.is_administrator:
            may |= ~_answered_by(_somebody_but("principal_id"))
        return self.exclude(principal=principal).filter(may)

    def spanning(self, moment: dt.datetime) -> GrantQuerySet:
        """What held at a moment."""
        return self.filter(valid_from__lte=moment, valid_to__gt=moment)

    def visible_to(self, principal: Principal) -> GrantQuerySet:
        """One's own, those of datasets that one answers for, and for administrators all."""
        if scope_of(principal).everything:
            return self
        return where_any(self, _seen_grants(principal))


class PolicyQuerySet(models.QuerySet["Policy"]):
    def visible_to(self, principal: Principal) -> PolicyQuerySet:
        """For administrators all, for stewards and owners of domains those of their domains."""
        scope = scope_of(principal)
        if scope.everything:
            return self
        return self.filter(domain_id__in=[one for one, roles in scope.roles_of_domain.items() if roles & set(CURATORS)])


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def in_force(self, moment: dt.datetime | None = None) -> PolicyVersionQuerySet:
        """What holds at a moment, now unless told, with its policy."""
        moment = moment or timezone.now()
        began = self.filter(state="published", valid_from__lte=moment)
        return began.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=moment)).select_related("policy")

    def to_compare(self) -> PolicyVersionQuerySet:
        """Those that have come into force, and to which nobody has held the grants that stood then."""
        return self.filter(state="published", compared_at__isnull=True, valid_from__lte=timezone.now())


class EmergencyReviewQuerySet(models.QuerySet["EmergencyReview"]):
    def open(self) -> EmergencyReviewQuerySet:
        return self.filter(closed_at__isnull=True)

    def closable_by(self, principal: Principal) -> EmergencyReviewQuerySet:
        """Reviews that `principal` may close, whatever their state: those of requests without steps that it may decide."""
        taken = _model("AccessRequest").filter(pk=OuterRef("request_id"), is_emergency=True).reviewable_by(principal)
        may = Q(_asked_of_each(taken))
        if principal.is_administrator:
            may |= Q(escalated_at__isnull=False)
        return self.exclude(requester=principal).filter(may)


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def open(self) -> CampaignQuerySet:
        return self.filter(closed_at__isnull=True)

    def visible_to(self, principal: Principal) -> CampaignQuerySet:
        """Administrators see all, others those with a grant that they see."""
        if scope_of(principal).everything:
            return self
        items = _model("CampaignItem").all()
        return self.filter(pk__in=items.visible_to(principal).values("campaign"))


class CampaignItemQuerySet(models.QuerySet["CampaignItem"]):
    def open(self) -> CampaignItemQuerySet:
        return self.filter(outcome="open")

    def visible_to(self, principal: Principal) -> CampaignItemQuerySet:
        """Those whose grants one sees, or may decide on in somebody's place."""
        if scope_of(principal).everything:
            return self
        grants = _model("Grant").all()
        seen = _seen_grants(principal)
        if givers := _givers_to(principal):
            near = Q(pk__in=ids_where_any(grants, _places_of_any(givers)))
            seen.append(near & ~Q(principal=principal) & _answered_by_mandate(principal))
        return self.filter(grant__in=ids_where_any(grants, seen))

    def decidable_by(self, principal: Principal) -> CampaignItemQuerySet:
        """Open ones that `principal` may decide on."""
        may = _model("Grant").filter(pk=OuterRef("grant_id")).recertifiable_by(principal)
        return self.open().filter(_asked_of_each(may))


class FindingQuerySet(models.QuerySet["Finding"]):
    def open(self) -> FindingQuerySet:
        return self.filter(resolution="")

    def visible_to(self, principal: Principal) -> FindingQuerySet:
        """Those of the sources whose enforcement `principal` may read (`can_see_enforcement` as a condition), and of what
        can become a grant those of datasets that `principal` answers for.
        """
        scope = scope_of(principal)
        if scope.everything:
            return self
        mine = Q(source__domain__in=scope.curated_domains())
        if principal.kind != Principal.Kind.PERSON:
            return self.filter(mine)
        return self.filter(mine | _can_become_grants() & _answers_for(principal))

    def about(self, principal: Principal) -> FindingQuerySet:
        """What `principal` can read by, as the logins of the source are named now or ever were."""
        return self.filter(_read_by(principal))

    def adoptable_by(self, principal: Principal) -> FindingQuerySet:
        """Those that `principal` may make a grant of, whatever their state: `may_review` as a condition, of whoever reads
        as the one who asked. Never what they can read themselves.
        """
        if principal.kind != Principal.Kind.PERSON or not principal.is_active:
            return self.none()
        may = _answers_for(principal)
        if principal.is_administrator:
            may |= ~_answered_by(_somebody_but("principal_id"))
        return self.exclude(_read_by(principal)).filter(_can_become_grants() & may)

    def judgeable_by(self, principal: Principal) -> FindingQuerySet:
        """Open ones that `principal` may let stay or make a grant of; never those about themselves.

        Letting stay is for administrators and owners of the source's domain, a grant for whoever answers for the dataset.
        """
        if principal.kind != Principal.Kind.PERSON or not principal.is_active:
            return self.none()
        scope = scope_of(principal)
        if scope.everything:
            return self.open().exclude(_read_by(principal))
        owned = scope.domains_of(DomainRole.OWNER)
        may = Q(source__domain__in=owned) | _can_become_grants() & _answers_for(principal)
        return self.open().exclude(_read_by(principal)).filter(may)


def _asked_of_each(rows: QuerySet[Any]) -> Subquery:
    """The condition that there is the row of `rows`, which are one at most.

    `Exists` PostgreSQL would make a join, and ask of every grant there ever was what is wanted of those that are open.
    """
    return Subquery(rows.values(may=Value(True)), output_field=models.BooleanField())


def _can_become_grants() -> Q:
    """`Finding.is_adoptable` as a condition."""
    kinds = _model("Finding").model.ADOPTABLE
    return Q(kind__in=kinds, principal__isnull=False, dataset__isnull=False)


def _read_by(principal: Principal) -> Q:
    """The condition that a finding is about the principal, or a login that is or was theirs in its source."""
    # Whoever sees to a source may take their own login's name away; the login goes on reading.
    named = _model("DatabaseLogin").filter(source=OuterRef("source_id"), principal=principal)
    return Q(principal=principal) | Q(logins__overlap=ArraySubquery(named.values("name")))


def _answers_for(principal: Principal) -> Q:
    """The condition that `principal` answers for the row's dataset, itself or through a group."""
    held = Q(principal=principal) | Q(group_id__in=_scope_ids(principal))
    scope = scope_of(principal)
    if scope.everything:
        return _answered_by(held)
    # The domains are known: they need not be looked up for each row.
    owned = owners_now().filter(held, dataset=OuterRef("dataset_id"))
    return Q(dataset__domain__in=scope.curated_domains()) | Q(Exists(owned))


def _places_of(principal: Principal) -> tuple[Q, Q]:
    """`_answers_for` in two conditions, each with an index of its own, for whoever does not see everything."""
    scope = scope_of(principal)
    return Q(dataset__domain__in=scope.curated_domains()), Q(dataset__in=scope.answered_for())


def _seen_grants(principal: Principal) -> list[Q]:
    """The conditions one of which a grant meets that is seen by somebody who does not see everything."""
    own = Q(principal=principal)
    return [own, *_places_of(principal)] if principal.kind == Principal.Kind.PERSON else [own]


def _answered_by(held_by: Q) -> Q:
    """The condition that whoever `held_by` names of an ownership or role answers for the row's dataset."""
    owned = owners_now().filter(held_by, dataset=OuterRef("dataset_id"))
    role = roles_now().filter(held_by, domain=OuterRef("dataset__domain_id"))
    return Q(Exists(owned)) | Q(Exists(role))


def _scope_ids(principal: Principal) -> Sequence[int]:
    """The groups of a person. A scope knows them, except that of administrators, who need none there."""
    scope = scope_of(principal)
    if scope.group_ids or not scope.everything:
        return scope.group_ids
    return list(principal.user.groups.values_list("pk", flat=True)) if principal.user else []


def _model(name: str) -> Any:
    """A manager of a model that is defined after these querysets."""
    return apps.get_model("access", name)._default_manager


def _voted(**who: Principal) -> Exists:
    """The condition that at the request's step somebody decided, or somebody's authority was used."""
    return Exists(_model("Vote").filter(step=OuterRef("step_id"), **who))


def _at(*audiences: Audience) -> Q:
    """The request stands at a step of one of these audiences; without a step it is everybody's who answers."""
    named = Q(step__audience__in=audiences)
    return named | Q(step__isnull=True) if Audience.ANSWERABLE in audiences else named


def _in_audience(owners: Q, stewards: Q, in_group: Q) -> Q:
    """The condition that somebody is in the audience of the request's step: for owning the dataset or its domain, for being
    a steward of its domain, or for being in the group that is asked."""
    return (
        _at(Audience.ANSWERABLE, Audience.OWNERS) & owners
        | _at(Audience.ANSWERABLE, Audience.STEWARDS) & stewards
        | _at(Audience.GROUP) & in_group
    )


def _held_in_audience(held_by: Q, in_group: Q) -> Q:
    """The same of somebody whom `held_by` names of an ownership or role, and `in_group` of the request."""
    roles = roles_now().filter(held_by, domain=OuterRef("dataset__domain_id"))
    owners = Q(Exists(owners_now().filter(held_by, dataset=OuterRef("dataset_id")))) | Q(
        Exists(roles.filter(role=DomainRole.OWNER))
    )
    return _in_audience(owners, Q(Exists(roles.filter(role=DomainRole.STEWARD))), in_group)


def _by_own_authority(principal: Principal) -> Q:
    groups = _scope_ids(principal)
    held, in_group = Q(principal=principal) | Q(group_id__in=groups), Q(step__group_id__in=groups)
    scope = scope_of(principal)
    if scope.everything:
        inside = _held_in_audience(held, in_group)
    else:
        # The domains are known: they need not be looked up for each row.
        owned = Q(Exists(owners_now().filter(held, dataset=OuterRef("dataset_id"))))
        inside = _in_audience(
            Q(dataset__domain__in=scope.domains_of(DomainRole.OWNER)) | owned,
            Q(dataset__domain__in=scope.domains_of(DomainRole.STEWARD)),
            in_group,
        )
    return inside & ~Q(_voted(acting_for=principal))


def _may_have_mandates(principal: Principal) -> bool:
    """Whether anybody's delegation may let the principal decide; `catalog.composed.Anyone` says where none does."""
    return getattr(principal, "has_mandates", True)


def _givers_to(principal: Principal) -> list[int]:
    """In whose place the principal may decide now; one statement."""
    mandates = _model("Delegation").holding().filter(receiver=principal)
    return list(mandates.values_list("giver_id", flat=True))


def _groups_of(people: Sequence[int]) -> QuerySet[Any, Any]:
    return get_user_model().groups.through._default_manager.filter(user__principal__in=people).values("group")


def _places_of_any(people: Sequence[int]) -> tuple[Q, Q]:
    """The conditions one of which is met by a row whose dataset one of these people answers for, found by indexes."""
    held = Q(principal__in=people) | Q(group__in=_groups_of(people))
    return (
        Q(dataset__in=owners_now().filter(held).values("dataset")),
        Q(dataset__domain__in=roles_now().filter(held).values("domain")),
    )


def _answered_by_mandate(principal: Principal) -> Q:
    """The condition that the principal decides in the place of somebody who answers for the dataset of a grant that is not
    theirs."""
    mandates = _model("Delegation").holding().filter(receiver=principal).exclude(giver_id=OuterRef("principal_id"))
    return Q(Exists(mandates.filter(_giver_owns() | _giver_has_role(*REVIEWING_ROLES))))


def _by_mandate(principal: Principal) -> Q:
    """In the place of somebody of the audience, who did not ask and whose authority was not used yet."""
    used = _model("Vote").filter(step=OuterRef(OuterRef("step_id")), acting_for=OuterRef("giver_id"))
    mandates = _model("Delegation").holding().filter(receiver=principal).exclude(giver_id=OuterRef("requester_id"))
    mandates = mandates.exclude(Exists(used))
    return _in_audience(
        Q(Exists(mandates.filter(_giver_owns() | _giver_has_role(DomainRole.OWNER)))),
        Q(Exists(mandates.filter(_giver_has_role(DomainRole.STEWARD)))),
        Q(Exists(mandates.filter(giver__user__groups=OuterRef("step__group_id")))),
    )


# Asked of the few mandates of a person, not of each role on the row's domain, which may be many.
def _giver_owns() -> Q:
    """Asked of a mandate: its giver is an owner of the dataset of the row outside."""
    return Q(Exists(owners_now().filter(_held_by_giver(), dataset=OuterRef(OuterRef("dataset_id")))))


def _giver_has_role(*roles: DomainRole) -> Q:
    """Asked of a mandate: its giver has one of these roles on the domain of the dataset of the row outside."""
    held = memberships_now().filter(_held_by_giver(), role__in=roles)
    return Q(Exists(held.filter(domain=OuterRef(OuterRef("dataset__domain_id")))))


def _held_by_giver() -> Q:
    memberships = get_user_model().groups.through._default_manager
    groups = memberships.filter(user__principal=OuterRef(OuterRef("giver_id"))).values("group")
    # Most are held by a person: for those the groups need not be looked up.
    return Q(principal=OuterRef("giver_id")) | Q(group__isnull=False) & Q(group__in=groups)


def _administrators_may() -> Q:
    return _at(Audience.ADMINISTRATORS) | Q(step__isnull=False, step__escalated_at__isnull=False) | ~_somebody_else()


def _somebody_else() -> Q:
    """The condition that an active person other than the requester is in the audience of the request's step."""
    of_step = _members().filter(group_id=OuterRef("step__group_id")).exclude(user__principal=OuterRef("requester_id"))
    return _held_in_audience(_somebody_but("requester_id"), Q(Exists(of_step)))


def _members() -> QuerySet[Any]:
    """Memberships of groups of people who could decide."""
    memberships = get_user_model().groups.through._default_manager
    return memberships.filter(user__is_active=True, user__principal__disabled_at__isnull=True)


def _somebody_but(column: str) -> Q:
    """Asked of an ownership or role: an active person holds it, other than whom `column` of the row outside names."""
    of_role = _members().filter(group_id=OuterRef("group_id")).exclude(user__principal=OuterRef(OuterRef(column)))
    person = Q(
        principal__kind=Principal.Kind.PERSON,
        principal__user__is_active=True,
        principal__disabled_at__isnull=True,
    ) & ~Q(principal=OuterRef(column))
    return person | Q(Exists(of_role))
