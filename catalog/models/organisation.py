"""Who answers for which part of the data: systems, domains, and the roles on them."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import DomainRole, Principal
from catalog.models.vocabulary import Tier, slug_validator


class System(models.Model):
    """A product that the organisation runs: OnTrack, SplashKit."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=150, unique=True)
    description = models.TextField(default="", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Domain(models.Model):
    """A part of the organisation's data that people answer for; roles on it are the main path of rights in the catalog."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=150, unique=True)
    description = models.TextField(default="", blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    open_tier = models.PositiveSmallIntegerField(
        choices=Tier,
        default=Tier.DISCOVER,
        help_text="What everybody who is signed in sees of this domain's datasets.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DomainMembership(models.Model):
    """A role of a person, service or group on a domain, with when it began and ended."""

    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=DomainRole)
    principal = models.ForeignKey(
        Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="domain_memberships"
    )
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="domain_memberships")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    granted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="membership_of_principal_or_group",
                condition=Q(principal__isnull=False, group__isnull=True)
                | Q(principal__isnull=True, group__isnull=False),
            ),
            models.CheckConstraint(
                name="membership_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
            models.UniqueConstraint(
                name="membership_once_per_principal",
                fields=["domain", "role", "principal"],
                condition=Q(valid_to__isnull=True, principal__isnull=False),
            ),
            models.UniqueConstraint(
                name="membership_once_per_group",
                fields=["domain", "role", "group"],
                condition=Q(valid_to__isnull=True, group__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="membership_by_principal", fields=["principal"], condition=Q(valid_to__isnull=True))
        ]
