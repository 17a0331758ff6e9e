"""What people promise before they may read: texts of conditions, and who accepted which of them."""

from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.models.requests import AccessRequest
from accounts.models import Principal
from catalog.models import Domain, slug_validator
from classification.models import Level


class TermsQuerySet(models.QuerySet["Terms"]):
    def in_force(self, at: dt.datetime | None = None) -> TermsQuerySet:
        """The versions that hold at a time, of each slug at most one."""
        moment = at or timezone.now()
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=moment), valid_from__lte=moment)


class Terms(models.Model):
    """One version of a text to accept; what was published never changes.

    It concerns the data of a level and of those above it, or of a domain and of those below it. Versions of one text
    share their slug and count from 1; the one in force has no end.
    """

    slug = models.SlugField(max_length=60, validators=[slug_validator])
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=150)
    text = models.TextField(help_text="Markdown.")
    level = models.ForeignKey(Level, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    objects = TermsQuerySet.as_manager()

    class Meta:
        ordering = ["slug", "-number"]
        constraints = [
            models.UniqueConstraint(name="terms_version_unique", fields=["slug", "number"]),
            models.UniqueConstraint(name="terms_in_force_once", fields=["slug"], condition=Q(valid_to__isnull=True)),
            models.CheckConstraint(
                name="terms_of_level_or_domain", condition=Q(level__isnull=True) | Q(domain__isnull=True)
            ),
            models.CheckConstraint(
                name="terms_end_after_they_begin", condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

    @property
    def concerns(self) -> str:
        """What data it is about, as sentences name it."""
        if self.level is not None:
            return f"data that is {self.level.name} or above"
        return f"the domain {self.domain.name}" if self.domain is not None else "nothing any more"


class TermsAcceptance(models.Model):
    """Whoever sent a request accepted this version for it."""

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="acceptances")
    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="acceptances")
    by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(name="terms_accepted_once", fields=["request", "terms"])]

    def __str__(self) -> str:
        return f"acceptance {self.pk}"
