"""What policies there are, and what they said when."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from access.models.grants import Validity
from access.policies.rules import InForce, Rule, read_rule
from access.querysets import PolicyQuerySet, PolicyVersionQuerySet
from accounts.models import Principal
from catalog.models import Domain, Source, slug_validator


class Purpose(models.Model):
    """A kind of purpose that requests and decisions may tell and policies may ask for."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=80, unique=True)
    description = models.TextField(default="", blank=True, help_text="What belongs here, in a sentence or two.")
    enabled = models.BooleanField(default=True, help_text="Whether requests may name it.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PrincipalAttribute(models.Model):
    """Something that is so of a principal, by which policies know it: department=finance. History stays."""

    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="attributes")
    name = models.SlugField(max_length=60, validators=[slug_validator])
    value = models.CharField(max_length=200)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    set_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="principal_attribute_once",
                fields=["principal", "name", "value"],
                condition=Q(valid_to__isnull=True),
            ),
            models.CheckConstraint(
                name="principal_attribute_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
        ]
        indexes = [
            models.Index(name="principal_attribute_value", fields=["name", "value"], condition=Q(valid_to__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class EngineCatalog(models.Model):
    """What a query engine such as Trino calls a source, or a database of it: its catalog `name`.

    A table of the engine's is the dataset of the source with the path `prefix`, schema, table.
    """

    name = models.CharField(max_length=200, unique=True)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="engine_catalogs")
    prefix = ArrayField(
        models.TextField(), default=list, blank=True, help_text="What stands before the schema in the source's paths."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """A policy by its name. What it says is in its versions; without one in force it says nothing.

    One of a domain is about that domain's datasets, and narrows only: it denies, masks, or asks for more approvals.
    """

    slug = models.SlugField(max_length=80, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=150, unique=True)
    description = models.TextField(default="", blank=True, help_text="What it is for, as Markdown.")
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.PROTECT, related_name="policies")
    shipped = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Principal, null=True, on_delete=models.PROTECT, related_name="+")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """What a policy says from a time to a time. A draft may be edited; the rule of a published version never changes.

    The database holds to that too, because evidence names versions by id.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        DISCARDED = "discarded", "Discarded"

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    name = models.CharField(max_length=150, help_text="Of the policy, as it was called then.")
    rule = models.JSONField(help_text="See `access.policies.rules.Rule`.")
    reason = models.TextField(default="", blank=True, help_text="Why it was changed.")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(Principal, null=True, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    ends_refused = models.BooleanField(
        default=False, help_text="Whether standing grants that it refuses end as it comes into force, unasked."
    )
    compared_at = models.DateTimeField(
        null=True, blank=True, help_text="When the grants that stood as it came into force were held to it."
    )

    compared_up_to = models.BigIntegerField(
        default=0, help_text="Up to which id grants were held to it, until all of them were."
    )

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(name="policy_version_number", fields=["policy", "number"]),
            models.UniqueConstraint(name="policy_one_draft", fields=["policy"], condition=Q(state="draft")),
            models.CheckConstraint(
                name="policy_version_published_has_time",
                condition=Q(state="published", valid_from__isnull=False, published_at__isnull=False)
                | ~Q(state="published") & Q(valid_from__isnull=True, valid_to__isnull=True),
            ),
            models.CheckConstraint(
                name="policy_version_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
            ),
            ExclusionConstraint(
                name="policy_one_version_at_a_time",
                expressions=[
                    ("policy", RangeOperators.EQUAL),
                    (Validity("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
                condition=Q(state="published"),
            ),
        ]
        indexes = [
            models.Index(
                name="policy_version_in_force", fields=["valid_from", "valid_to"], condition=Q(state="published")
            ),
            models.Index(
                name="policy_version_to_compare",
                fields=["valid_from"],
                condition=Q(state="published", compared_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.number}"

    @property
    def contents(self) -> Rule:
        return read_rule(self.rule)

    def in_force(self) -> InForce:
        """The version as the pure core takes it; `policy` must be loaded."""
        return InForce(self.pk, self.number, self.name, self.contents, narrows=self.policy.domain_id is not None)

    @property
    def is_being_compared(self) -> bool:
        """Whether it is in force, and the grants that stand are still being held to it."""
        return self.compared_at is None and self.holds

    @property
    def holds(self) -> bool:
        now = timezone.now()
        return (
            self.state == self.State.PUBLISHED
            and self.valid_from is not None
            and self.valid_from <= now
            and (self.valid_to is None or self.valid_to > now)
        )
