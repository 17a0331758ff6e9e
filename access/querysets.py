"""Reads of requests and grants that chain; `reviewable_by` is `access.policy.may_review` in SQL."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.states import GRANT_LIVE, RequestState
from accounts.models import DomainRole, Principal
from catalog.models import DomainMembership, Ownership
from catalog.visibility import scope_of

if TYPE_CHECKING:
    from access.models import AccessRequest, Grant

REVIEWING_ROLES = (DomainRole.STEWARD, DomainRole.OWNER)


def roles_now() -> QuerySet[DomainMembership]:
    """Roles on domains that let their holders decide, as they hold now."""
    now = timezone.now()
    return DomainMembership.objects.filter(role__in=REVIEWING_ROLES, valid_from__lte=now).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=now)
    )


def owners_now() -> QuerySet[Ownership]:
    return Ownership.objects.filter(kind=Ownership.Kind.OWNER, valid_to__isnull=True)


class RequestQuerySet(models.QuerySet["AccessRequest"]):
    def pending(self) -> RequestQuerySet:
        return self.filter(state=RequestState.PENDING)

    def undecided_at(self, moment: dt.datetime) -> RequestQuerySet:
        """Pending ones whose time for a decision is over."""
        return self.pending().filter(decide_by__lte=moment)

    def reviewable_by(self, principal: Principal) -> RequestQuerySet:
        """Requests that `principal` may decide: `may_review` as a condition, whatever their state."""
        if principal.kind != Principal.Kind.PERSON or not principal.is_active:
            return self.none()
        others = self.exclude(requester=principal)
        if principal.is_administrator:
            return others.filter(_answers_for(principal) | ~_somebody_else_answers())
        return others.filter(_answers_for(principal))

    def visible_to(self, principal: Principal) -> RequestQuerySet:
        """Its requester, whoever may decide it, and administrators."""
        if scope_of(principal).everything:
            return self
        own = Q(requester=principal)
        if principal.kind != Principal.Kind.PERSON:
            return self.filter(own)
        return self.filter(own | _answers_for(principal))


class GrantQuerySet(models.QuerySet["Grant"]):
    def live(self) -> GrantQuerySet:
        """Granted and not ended; what is past its time counts as ended even before the worker said so."""
        return self.filter(state__in=GRANT_LIVE, valid_to__gt=timezone.now())

    def due_at(self, moment: dt.datetime) -> GrantQuerySet:
        return self.filter(state="recorded", valid_to__lte=moment)

    def spanning(self, moment: dt.datetime) -> GrantQuerySet:
        """What held at a moment."""
        return self.filter(valid_from__lte=moment, valid_to__gt=moment)

    def visible_to(self, principal: Principal) -> GrantQuerySet:
        """One's own, those of datasets that one answers for, and for administrators all."""
        if scope_of(principal).everything:
            return self
        own = Q(principal=principal)
        if principal.kind != Principal.Kind.PERSON:
            return self.filter(own)
        return self.filter(own | _answers_for(principal))


def _answers_for(principal: Principal) -> Q:
    """The condition that `principal` answers for the row's dataset, itself or through a group."""
    scope = _scope_ids(principal)
    held_by = Q(principal=principal) | Q(group_id__in=scope)
    owned = owners_now().filter(held_by, dataset=OuterRef("dataset_id"))
    role = roles_now().filter(held_by, domain=OuterRef("dataset__domain_id"))
    return Q(Exists(owned)) | Q(Exists(role))


def _scope_ids(principal: Principal) -> list[int]:
    """The groups of a person. A scope knows them, except that of administrators, who need none there."""
    scope = scope_of(principal)
    if not scope.everything:
        return list(scope.group_ids)
    return list(principal.user.groups.values_list("pk", flat=True)) if principal.user else []


def _somebody_else_answers() -> Q:
    """The condition that an active person other than the requester answers for the request's dataset."""
    membership = get_user_model().groups.through._default_manager
    of_group = membership.filter(
        group_id=OuterRef("group_id"), user__is_active=True, user__principal__disabled_at__isnull=True
    ).exclude(user__principal=OuterRef(OuterRef("requester_id")))
    person = Q(
        principal__kind=Principal.Kind.PERSON,
        principal__user__is_active=True,
        principal__disabled_at__isnull=True,
    ) & ~Q(principal=OuterRef("requester_id"))
    owned = owners_now().filter(person | Q(Exists(of_group)), dataset=OuterRef("dataset_id"))
    role = roles_now().filter(person | Q(Exists(of_group)), domain=OuterRef("dataset__domain_id"))
    return Q(Exists(owned)) | Q(Exists(role))
