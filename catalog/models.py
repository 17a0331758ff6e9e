"""What there is: systems and sources, datasets and their fields, who answers for them, and what they looked like before."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts.models import DomainRole, Principal
from catalog.querysets import DatasetQuerySet, SourceQuerySet
from catalog.snapshots import DatasetKind, FieldType, KeyKind

slug_validator = RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _.")


def _choices(members: Any) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in members]


DATASET_KINDS = _choices(DatasetKind)


class Origin(models.TextChoices):
    """From what an assertion came. The effective one is the first of these that asserted anything."""

    PERSON = "person", "Person"
    CODE = "code", "Code"
    PIPELINE = "pipeline", "Pipeline"
    CRAWL = "crawl", "Crawl"


class Tier(models.IntegerChoices):
    """How much of a dataset a principal sees; each tier includes the ones below it."""

    NONE = 0, "Nothing"
    DISCOVER = 1, "That it exists, its owner and level"
    METADATA = 2, "Its schema, lineage and history"
    PROFILE = 3, "Also its profiles and code"


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


class Source(models.Model):
    """A server or file that holds datasets, and under which namespace pipelines speak of it."""

    class Frequency(models.TextChoices):
        BATCH = "batch", "Batch"
        STREAM = "stream", "Stream"

    class Structure(models.TextChoices):
        STRUCTURED = "structured", "Structured"
        SEMI = "semi", "Semi-structured"
        UNSTRUCTURED = "unstructured", "Unstructured"

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=150, unique=True)
    system = models.ForeignKey(System, null=True, blank=True, on_delete=models.PROTECT, related_name="sources")
    domain = models.ForeignKey(
        Domain,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="sources",
        help_text="Datasets that a crawl finds here begin in this domain.",
    )
    platform = models.CharField(max_length=30)
    namespace = models.CharField(max_length=500)
    connection = models.OneToOneField(
        "connections.Connection", null=True, blank=True, on_delete=models.PROTECT, related_name="source"
    )
    frequency = models.CharField(max_length=10, choices=Frequency, default=Frequency.BATCH)
    structure = models.CharField(max_length=15, choices=Structure, default=Structure.STRUCTURED)
    location = models.CharField(
        max_length=200, default="", blank=True, help_text="Where the data is kept: Sydney, on site."
    )
    description = models.TextField(default="", blank=True)
    include = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    exclude = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    last_crawled_at = models.DateTimeField(null=True, blank=True)
    dataset_count = models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls.")

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(name="source_by_namespace", fields=["namespace"])]

    def __str__(self) -> str:
        return self.name


class Schema(models.Model):
    """A schema (or database, or folder) of a source: the parent of datasets. `path` is empty where there is none."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="schemas", db_index=False)
    path = ArrayField(models.TextField(), default=list)
    dataset_count = models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls.")
    last_read_at = models.DateTimeField(null=True, blank=True, help_text="When a crawl last saw all of it.")
    gone_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="schema_path_unique_in_source", fields=["source", "path"])]

    def __str__(self) -> str:
        return ".".join(self.path)


class Dataset(models.Model):
    """A table, view, file, topic, dashboard or model. Its names are `DatasetName` rows; its id outlives all of them.

    `level`, `owner_names` and `tag_names` are pushed here by the actions that own them, so that search reads one table.
    """

    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets")
    schema = models.ForeignKey(Schema, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets")
    path = ArrayField(models.TextField(), default=list, help_text="Native path inside the source.")
    name = models.TextField(help_text="The last part of the native path: what people call it.")
    qualified_name = models.TextField(help_text="The OpenLineage name under its main namespace.")
    namespace = models.TextField()
    kind = models.CharField(max_length=20, choices=DATASET_KINDS, default=DatasetKind.TABLE.value)
    domain = models.ForeignKey(Domain, null=True, blank=True, on_delete=models.PROTECT, related_name="datasets")
    level = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Rank of the effective level.")
    owner_names = ArrayField(models.TextField(), default=list, blank=True)
    tag_names = ArrayField(models.TextField(), default=list, blank=True)

    comment = models.TextField(default="", blank=True, help_text="What the source says of it.")
    description = models.TextField(default="", blank=True, help_text="The effective description, as Markdown.")
    definition = models.TextField(default="", blank=True, help_text="The SQL of a view, secrets masked; third tier.")
    properties = models.JSONField(default=dict, blank=True)
    field_count = models.PositiveIntegerField(default=0)
    row_estimate = models.BigIntegerField(null=True, blank=True)
    size_bytes = models.BigIntegerField(null=True, blank=True)

    fingerprint = models.CharField(max_length=64, default="", blank=True)
    version = models.PositiveIntegerField(
        default=0, help_text="Number of the current schema version; 0: never described."
    )
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(
        default=timezone.now,
        help_text="When it was last written here; `last_seen_at` counts later crawls in.",
    )
    changed_at = models.DateTimeField(default=timezone.now)
    gone_since = models.DateTimeField(null=True, blank=True)
    data_updated_at = models.DateTimeField(null=True, blank=True, help_text="When a run last wrote it.")
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged")

    search = SearchVectorField(null=True, editable=False)

    objects = DatasetQuerySet.as_manager()

    tier: int
    """How much of it a principal sees, 0 to 3: only on rows read with `.with_tier(principal)`."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="dataset_path_unique_in_source",
                fields=["source", "path"],
                condition=Q(source__isnull=False),
            )
        ]
        indexes = [
            GinIndex(name="dataset_search", fields=["search"]),
            GinIndex(OpClass(Lower("name"), name="gin_trgm_ops"), name="dataset_name_trigram"),
            models.Index(Lower("name"), "id", name="dataset_by_name"),
            models.Index(name="dataset_by_domain", fields=["domain", "id"]),
            models.Index(name="dataset_recently_changed", fields=["-changed_at", "-id"]),
        ]
        permissions = [
            ("discover_dataset", "May know that the dataset exists"),
            ("read_dataset_metadata", "May read the dataset's metadata"),
            ("read_dataset_profile", "May read the dataset's profiles and code"),
        ]

    def __str__(self) -> str:
        return self.qualified_name

    @property
    def last_seen_at(self) -> dt.datetime:
        """When it was last seen. A crawl that finds it unchanged only notes that its whole schema was read."""
        if self.gone_since is None and self.schema is not None and self.schema.last_read_at is not None:
            return max(self.last_seen, self.schema.last_read_at)
        return self.last_seen


class DatasetUserPermission(UserObjectPermissionBase):
    """An exception for one person, by a direct foreign key: it goes with its dataset."""

    content_object = models.ForeignKey(Dataset, on_delete=models.CASCADE)


class DatasetGroupPermission(GroupObjectPermissionBase):
    """An exception for a group."""

    content_object = models.ForeignKey(Dataset, on_delete=models.CASCADE)


class DatasetName(models.Model):
    """A name by which crawls and pipelines speak of a dataset, with when that was so."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="names")
    namespace = models.TextField()
    name = models.TextField()
    origin = models.CharField(max_length=10, choices=Origin)
    is_main = models.BooleanField(default=False)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="dataset_name_is_of_one",
                fields=["namespace", "name"],
                condition=Q(valid_to__isnull=True),
            )
        ]
        indexes = [models.Index(name="dataset_name_of", fields=["dataset"])]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Field(models.Model):
    """A column, or a field inside one: `path` has a part for each level of nesting."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="fields", db_index=False)
    path = ArrayField(models.TextField())
    position = models.PositiveIntegerField()
    native_type = models.TextField(default="")
    type = models.CharField(max_length=10, choices=_choices(FieldType), default=FieldType.OTHER.value)
    nullable = models.BooleanField(default=True)
    default = models.TextField(null=True, blank=True)  # noqa: DJ001 -- no default and an empty one differ
    comment = models.TextField(default="", blank=True)
    description = models.TextField(default="", blank=True)
    level = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Rank of the effective level.")
    first_seen = models.DateTimeField(default=timezone.now)
    gone_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="field_path_unique_in_dataset", fields=["dataset", "path"])]

    def __str__(self) -> str:
        return ".".join(self.path)


class Key(models.Model):
    """A primary, unique or foreign key. `references` is null where the dataset that it points to was not crawled."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=10, choices=_choices(KeyKind))
    name = models.TextField()
    columns = ArrayField(models.TextField())
    references_path = ArrayField(models.TextField(), null=True, blank=True)
    references = models.ForeignKey(
        Dataset, null=True, blank=True, on_delete=models.SET_NULL, related_name="referenced_by"
    )
    referenced_columns = ArrayField(models.TextField(), default=list, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="key_name_unique_in_dataset", fields=["dataset", "kind", "name"])]
        indexes = [
            models.Index(
                name="key_that_points_nowhere",
                fields=["dataset"],
                condition=Q(references__isnull=True, references_path__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class SchemaVersion(models.Model):
    """A dataset's schema from one time on. `content` is the `SchemaContent` of `catalog.schema_history`."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)
    origin = models.CharField(max_length=10, choices=Origin)
    content = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(name="schema_version_once", fields=["dataset", "number"])]

    def __str__(self) -> str:
        return f"version {self.number}"


class Description(models.Model):
    """What somebody says a dataset or field is, as Markdown. History stays; `valid_to` is null for what holds now."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="descriptions")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="descriptions")
    text = models.TextField()
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="description_once_per_origin",
                fields=["dataset", "field", "origin"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            )
        ]


class Ownership(models.Model):
    """Who answers for a dataset: owners decide on access, stewards keep levels and descriptions true."""

    class Kind(models.TextChoices):
        OWNER = "owner", "Owner"
        STEWARD = "steward", "Steward"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="ownerships")
    principal = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="ownerships")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.PROTECT, related_name="ownerships")
    kind = models.CharField(max_length=10, choices=Kind)
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="ownership_of_principal_or_group",
                condition=Q(principal__isnull=False, group__isnull=True)
                | Q(principal__isnull=True, group__isnull=False),
            ),
            models.UniqueConstraint(
                name="ownership_once",
                fields=["dataset", "kind", "principal", "group"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            ),
        ]


class Tag(models.Model):
    """A word of the organisation's own vocabulary."""

    slug = models.SlugField(max_length=60, unique=True, validators=[slug_validator])
    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TagAssignment(models.Model):
    """A tag on a dataset or one of its fields, with who put it there and from what."""

    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, related_name="assignments")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tag_assignments")
    field = models.ForeignKey(Field, null=True, blank=True, on_delete=models.CASCADE, related_name="tag_assignments")
    origin = models.CharField(max_length=10, choices=Origin)
    asserted_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="tag_once",
                fields=["tag", "dataset", "field"],
                condition=Q(valid_to__isnull=True),
                nulls_distinct=False,
            )
        ]


class SearchWord(models.Model):
    """Every word that the search index knows: a mistyped word of a query is corrected to the nearest of these."""

    word = models.TextField(primary_key=True)

    class Meta:
        indexes = [GinIndex(OpClass("word", name="gin_trgm_ops"), name="search_word_trigram")]


class StagedDataset(models.Model):
    """A dataset as the reading of a source brought it, until it is reconciled. Unlogged; see `catalog.staging`."""

    reading = models.BigIntegerField()
    path = ArrayField(models.TextField())
    schema_path = ArrayField(models.TextField())
    name = models.TextField()
    names = ArrayField(models.TextField())
    kind = models.TextField()
    unchanged = models.BooleanField()
    comment = models.TextField()
    definition = models.TextField()
    definition_digest = models.TextField()
    properties = models.JSONField()
    row_estimate = models.BigIntegerField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    field_count = models.IntegerField()
    field_names = models.TextField()
    fields = models.JSONField()
    keys = models.JSONField()
    fingerprint = models.TextField()

    class Meta:
        indexes = [models.Index(name="staged_by_reading", fields=["reading", "path"])]


class PlannedChange(models.Model):
    """What a reading would change, until it is applied or dropped. Unlogged; see `catalog.reconciliation`."""

    reading = models.BigIntegerField()
    dataset_id = models.BigIntegerField(null=True)
    path = ArrayField(models.TextField())
    change = models.TextField()

    class Meta:
        indexes = [models.Index(name="planned_by_reading", fields=["reading", "path"])]
