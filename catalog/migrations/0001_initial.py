"""The tables of the catalog itself."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.contrib.postgres.search import SearchVectorField
from django.core import validators
from django.db import migrations, models
from django.db.models.functions import Lower
from django.utils import timezone

from catalog.migrations import _search
from common.tables import CreateTables

# Staging is rewritten at every crawl and worthless after a crash: no write-ahead log and no compression for it.
# Field rows are inserted by the million in key order and updated rarely; datasets get their estimates updated in place.
STORAGE = """
ALTER TABLE catalog_stageddataset SET UNLOGGED;
ALTER TABLE catalog_plannedchange SET UNLOGGED;
ALTER TABLE catalog_stageddataset ALTER COLUMN fields SET STORAGE EXTERNAL, ALTER COLUMN field_names SET STORAGE EXTERNAL;
ALTER TABLE catalog_dataset SET (fillfactor = 85);
"""


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("catalog", "0002_search_and_staging"),
        ("catalog", "0003_key_that_points_nowhere"),
        ("catalog", "0004_criticality"),
        ("catalog", "0005_proposals"),
        ("catalog", "0006_masking_proposals"),
        ("catalog", "0007_profiles"),
        ("catalog", "0008_datasets_by_source"),
        ("catalog", "0009_exceptions"),
    ]

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("connections", "0001_initial"),
    ]

    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        CreateTables(
            migrations.CreateModel(
                name="System",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=60,
                            unique=True,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("name", models.CharField(max_length=150, unique=True)),
                    ("description", models.TextField(blank=True, default="")),
                ],
                options={"ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="Domain",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=60,
                            unique=True,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("name", models.CharField(max_length=150, unique=True)),
                    ("description", models.TextField(blank=True, default="")),
                    (
                        "parent",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="children",
                            to="catalog.domain",
                        ),
                    ),
                    (
                        "open_tier",
                        models.PositiveSmallIntegerField(
                            choices=[
                                (0, "Nothing"),
                                (1, "That it exists, its owner and level"),
                                (2, "Its schema, lineage and history"),
                                (3, "Also its profiles and code"),
                            ],
                            default=1,
                            help_text="What everybody who is signed in sees of this domain's datasets.",
                        ),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                ],
                options={"ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="DomainMembership",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "domain",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="memberships", to="catalog.domain"),
                    ),
                    (
                        "role",
                        models.CharField(
                            choices=[
                                ("viewer", "Viewer"),
                                ("analyst", "Analyst"),
                                ("steward", "Steward"),
                                ("owner", "Owner"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="domain_memberships",
                            to="accounts.principal",
                        ),
                    ),
                    (
                        "group",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="domain_memberships",
                            to="auth.group",
                        ),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    (
                        "granted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=["principal"],
                            name="membership_by_principal",
                        )
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("group__isnull", True), ("principal__isnull", False)),
                                models.Q(("group__isnull", False), ("principal__isnull", True)),
                                _connector="OR",
                            ),
                            name="membership_of_principal_or_group",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="membership_ends_after_it_begins",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("principal__isnull", False), ("valid_to__isnull", True)),
                            fields=("domain", "role", "principal"),
                            name="membership_once_per_principal",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("group__isnull", False), ("valid_to__isnull", True)),
                            fields=("domain", "role", "group"),
                            name="membership_once_per_group",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Source",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=60,
                            unique=True,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("name", models.CharField(max_length=150, unique=True)),
                    (
                        "system",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="sources", to="catalog.system"
                        ),
                    ),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True,
                            help_text="Datasets that a crawl finds here begin in this domain.",
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="sources",
                            to="catalog.domain",
                        ),
                    ),
                    ("platform", models.CharField(max_length=30)),
                    ("namespace", models.CharField(max_length=500)),
                    (
                        "connection",
                        models.OneToOneField(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="source",
                            to="connections.connection",
                        ),
                    ),
                    (
                        "frequency",
                        models.CharField(
                            choices=[("batch", "Batch"), ("stream", "Stream")], default="batch", max_length=10
                        ),
                    ),
                    (
                        "structure",
                        models.CharField(
                            choices=[
                                ("structured", "Structured"),
                                ("semi", "Semi-structured"),
                                ("unstructured", "Unstructured"),
                            ],
                            default="structured",
                            max_length=15,
                        ),
                    ),
                    (
                        "location",
                        models.CharField(
                            blank=True, default="", help_text="Where the data is kept: Sydney, on site.", max_length=200
                        ),
                    ),
                    ("description", models.TextField(blank=True, default="")),
                    (
                        "include",
                        ArrayField(base_field=models.CharField(max_length=300), blank=True, default=list, size=None),
                    ),
                    (
                        "exclude",
                        ArrayField(base_field=models.CharField(max_length=300), blank=True, default=list, size=None),
                    ),
                    (
                        "sampling",
                        models.CharField(
                            choices=[("off", "Off"), ("light", "Light"), ("full", "Full")],
                            default="off",
                            help_text="Whether crawls read rows, to profile and classify them. Light: some 200 rows of each table when it changed, and every 30 days; full: 2,000 of each table and view, every 7 days. Values are not kept: counts, shapes and masked exemplars are. On a server the account needs SELECT: see the source's connection.",
                            max_length=10,
                        ),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    (
                        "created_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("updated_at", models.DateTimeField(auto_now=True)),
                    ("last_crawled_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "dataset_count",
                        models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls."),
                    ),
                ],
                options={
                    "ordering": ["name"],
                    "indexes": [models.Index(fields=["namespace"], name="source_by_namespace")],
                },
            ),
            migrations.CreateModel(
                name="Schema",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="schemas", to="catalog.source"
                        ),
                    ),
                    ("path", ArrayField(base_field=models.TextField(), default=list, size=None)),
                    (
                        "dataset_count",
                        models.PositiveIntegerField(default=0, help_text="Present datasets, kept by crawls."),
                    ),
                    (
                        "last_read_at",
                        models.DateTimeField(blank=True, help_text="When a crawl last saw all of it.", null=True),
                    ),
                    ("gone_since", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("source", "path"), name="schema_path_unique_in_source")
                    ]
                },
            ),
            migrations.CreateModel(
                name="Dataset",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="datasets",
                            to="catalog.source",
                        ),
                    ),
                    (
                        "schema",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="datasets",
                            to="catalog.schema",
                        ),
                    ),
                    (
                        "path",
                        ArrayField(
                            base_field=models.TextField(),
                            default=list,
                            help_text="Native path inside the source.",
                            size=None,
                        ),
                    ),
                    ("name", models.TextField(help_text="The last part of the native path: what people call it.")),
                    ("qualified_name", models.TextField(help_text="The OpenLineage name under its main namespace.")),
                    ("namespace", models.TextField()),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("table", "Table"),
                                ("view", "View"),
                                ("materialized_view", "Materialized view"),
                                ("partitioned", "Partitioned"),
                                ("foreign", "Foreign"),
                                ("file", "File"),
                                ("topic", "Topic"),
                                ("dashboard", "Dashboard"),
                                ("model", "Model"),
                            ],
                            default="table",
                            max_length=20,
                        ),
                    ),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="datasets",
                            to="catalog.domain",
                        ),
                    ),
                    (
                        "level",
                        models.PositiveSmallIntegerField(
                            blank=True, help_text="Rank of the effective level.", null=True
                        ),
                    ),
                    ("owner_names", ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                    ("tag_names", ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                    ("comment", models.TextField(blank=True, default="", help_text="What the source says of it.")),
                    (
                        "description",
                        models.TextField(blank=True, default="", help_text="The effective description, as Markdown."),
                    ),
                    (
                        "definition",
                        models.TextField(
                            blank=True, default="", help_text="The SQL of a view, secrets masked; third tier."
                        ),
                    ),
                    ("properties", models.JSONField(blank=True, default=dict)),
                    ("field_count", models.PositiveIntegerField(default=0)),
                    ("row_estimate", models.BigIntegerField(blank=True, null=True)),
                    ("size_bytes", models.BigIntegerField(blank=True, null=True)),
                    ("fingerprint", models.CharField(blank=True, default="", max_length=64)),
                    (
                        "version",
                        models.PositiveIntegerField(
                            default=0, help_text="Number of the current schema version; 0: never described."
                        ),
                    ),
                    ("first_seen", models.DateTimeField(default=timezone.now)),
                    (
                        "last_seen",
                        models.DateTimeField(
                            default=timezone.now,
                            help_text="When it was last written here; `last_seen_at` counts later crawls in.",
                        ),
                    ),
                    ("changed_at", models.DateTimeField(default=timezone.now)),
                    ("gone_since", models.DateTimeField(blank=True, null=True)),
                    (
                        "data_updated_at",
                        models.DateTimeField(blank=True, help_text="When a run last wrote it.", null=True),
                    ),
                    (
                        "criticality",
                        models.PositiveIntegerField(
                            db_default=0, default=0, help_text="How much depends on it: see `lineage.criticality`."
                        ),
                    ),
                    (
                        "merged_into",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="merged", to="catalog.dataset"
                        ),
                    ),
                    ("search", SearchVectorField(editable=False, null=True)),
                ],
                options={
                    "permissions": [
                        ("discover_dataset", "May know that the dataset exists"),
                        ("read_dataset_metadata", "May read the dataset's metadata"),
                        ("read_dataset_profile", "May read the dataset's profiles and code"),
                    ],
                    "indexes": [
                        GinIndex(fields=["search"], name="dataset_search"),
                        GinIndex(OpClass(Lower("name"), name="gin_trgm_ops"), name="dataset_name_trigram"),
                        models.Index(Lower("name"), models.F("id"), name="dataset_by_name"),
                        models.Index(fields=["domain", "id"], name="dataset_by_domain"),
                        models.Index(
                            fields=["source", "domain"],
                            include=("id", "gone_since", "merged_into"),
                            name="dataset_by_source",
                        ),
                        models.Index(fields=["-changed_at", "-id"], name="dataset_recently_changed"),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("source__isnull", False)),
                            fields=("source", "path"),
                            name="dataset_path_unique_in_source",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="DatasetName",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="names", to="catalog.dataset"),
                    ),
                    ("namespace", models.TextField()),
                    ("name", models.TextField()),
                    (
                        "origin",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("code", "Code"),
                                ("pipeline", "Pipeline"),
                                ("crawl", "Crawl"),
                            ],
                            max_length=10,
                        ),
                    ),
                    ("is_main", models.BooleanField(default=False)),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [models.Index(fields=["dataset"], name="dataset_name_of")],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("namespace", "name"),
                            name="dataset_name_is_of_one",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="Field",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="fields", to="catalog.dataset"
                        ),
                    ),
                    ("path", ArrayField(base_field=models.TextField(), size=None)),
                    ("position", models.PositiveIntegerField()),
                    ("native_type", models.TextField(default="")),
                    (
                        "type",
                        models.CharField(
                            choices=[
                                ("string", "String"),
                                ("integer", "Integer"),
                                ("decimal", "Decimal"),
                                ("float", "Float"),
                                ("boolean", "Boolean"),
                                ("date", "Date"),
                                ("time", "Time"),
                                ("timestamp", "Timestamp"),
                                ("interval", "Interval"),
                                ("binary", "Binary"),
                                ("uuid", "Uuid"),
                                ("enum", "Enum"),
                                ("json", "Json"),
                                ("xml", "Xml"),
                                ("array", "Array"),
                                ("struct", "Struct"),
                                ("map", "Map"),
                                ("geometry", "Geometry"),
                                ("network", "Network"),
                                ("range", "Range"),
                                ("other", "Other"),
                            ],
                            default="other",
                            max_length=10,
                        ),
                    ),
                    ("nullable", models.BooleanField(default=True)),
                    ("default", models.TextField(blank=True, null=True)),
                    ("comment", models.TextField(blank=True, default="")),
                    ("description", models.TextField(blank=True, default="")),
                    (
                        "level",
                        models.PositiveSmallIntegerField(
                            blank=True, help_text="Rank of the effective level.", null=True
                        ),
                    ),
                    ("first_seen", models.DateTimeField(default=timezone.now)),
                    ("gone_since", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("dataset", "path"), name="field_path_unique_in_dataset")
                    ]
                },
            ),
            migrations.CreateModel(
                name="Key",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("dataset", models.ForeignKey(on_delete=models.CASCADE, related_name="keys", to="catalog.dataset")),
                    (
                        "kind",
                        models.CharField(
                            choices=[("primary", "Primary"), ("unique", "Unique"), ("foreign", "Foreign")],
                            max_length=10,
                        ),
                    ),
                    ("name", models.TextField()),
                    ("columns", ArrayField(base_field=models.TextField(), size=None)),
                    ("references_path", ArrayField(base_field=models.TextField(), blank=True, null=True, size=None)),
                    (
                        "references",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="referenced_by",
                            to="catalog.dataset",
                        ),
                    ),
                    (
                        "referenced_columns",
                        ArrayField(base_field=models.TextField(), blank=True, default=list, size=None),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("references__isnull", True), ("references_path__isnull", False)),
                            fields=["dataset"],
                            name="key_that_points_nowhere",
                        )
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("dataset", "kind", "name"), name="key_name_unique_in_dataset")
                    ],
                },
            ),
            migrations.CreateModel(
                name="SchemaVersion",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="versions", to="catalog.dataset"
                        ),
                    ),
                    ("number", models.PositiveIntegerField()),
                    ("seen_at", models.DateTimeField(default=timezone.now)),
                    (
                        "origin",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("code", "Code"),
                                ("pipeline", "Pipeline"),
                                ("crawl", "Crawl"),
                            ],
                            max_length=10,
                        ),
                    ),
                    ("content", models.JSONField()),
                ],
                options={
                    "constraints": [models.UniqueConstraint(fields=("dataset", "number"), name="schema_version_once")]
                },
            ),
            migrations.CreateModel(
                name="Description",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="descriptions", to="catalog.dataset"),
                    ),
                    (
                        "field",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.CASCADE,
                            related_name="descriptions",
                            to="catalog.field",
                        ),
                    ),
                    ("text", models.TextField()),
                    (
                        "origin",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("code", "Code"),
                                ("pipeline", "Pipeline"),
                                ("crawl", "Crawl"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "asserted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("dataset", "field", "origin"),
                            name="description_once_per_origin",
                            nulls_distinct=False,
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="Ownership",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="ownerships", to="catalog.dataset"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="ownerships",
                            to="accounts.principal",
                        ),
                    ),
                    (
                        "group",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="ownerships", to="auth.group"
                        ),
                    ),
                    ("kind", models.CharField(choices=[("owner", "Owner"), ("steward", "Steward")], max_length=10)),
                    (
                        "origin",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("code", "Code"),
                                ("pipeline", "Pipeline"),
                                ("crawl", "Crawl"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "asserted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("group__isnull", True), ("principal__isnull", False)),
                                models.Q(("group__isnull", False), ("principal__isnull", True)),
                                _connector="OR",
                            ),
                            name="ownership_of_principal_or_group",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("dataset", "kind", "principal", "group"),
                            name="ownership_once",
                            nulls_distinct=False,
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="Tag",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=60,
                            unique=True,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("name", models.CharField(max_length=60, unique=True)),
                ],
                options={"ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="TagAssignment",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("tag", models.ForeignKey(on_delete=models.PROTECT, related_name="assignments", to="catalog.tag")),
                    (
                        "dataset",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="tag_assignments", to="catalog.dataset"
                        ),
                    ),
                    (
                        "field",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.CASCADE,
                            related_name="tag_assignments",
                            to="catalog.field",
                        ),
                    ),
                    (
                        "origin",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("code", "Code"),
                                ("pipeline", "Pipeline"),
                                ("crawl", "Crawl"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "asserted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("tag", "dataset", "field"),
                            name="tag_once",
                            nulls_distinct=False,
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="DatasetUserPermission",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("permission", models.ForeignKey(on_delete=models.CASCADE, to="auth.permission")),
                    ("user", models.ForeignKey(on_delete=models.CASCADE, to=settings.AUTH_USER_MODEL)),
                    ("content_object", models.ForeignKey(on_delete=models.CASCADE, to="catalog.dataset")),
                ],
                options={"unique_together": {("user", "permission", "content_object")}, "abstract": False},
            ),
            migrations.CreateModel(
                name="DatasetGroupPermission",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("permission", models.ForeignKey(on_delete=models.CASCADE, to="auth.permission")),
                    ("group", models.ForeignKey(on_delete=models.CASCADE, to="auth.group")),
                    ("content_object", models.ForeignKey(on_delete=models.CASCADE, to="catalog.dataset")),
                ],
                options={"unique_together": {("group", "permission", "content_object")}, "abstract": False},
            ),
            migrations.CreateModel(
                name="DatasetException",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="exceptions", to="catalog.dataset"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="exceptions",
                            to="accounts.principal",
                        ),
                    ),
                    (
                        "group",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="exceptions", to="auth.group"
                        ),
                    ),
                    (
                        "tier",
                        models.PositiveSmallIntegerField(
                            choices=[
                                (1, "That it exists, its owner and level"),
                                (2, "Its schema, lineage and history"),
                                (3, "Also its profiles and code"),
                            ]
                        ),
                    ),
                    ("reason", models.TextField()),
                    (
                        "granted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("group__isnull", True), ("principal__isnull", False)),
                                models.Q(("group__isnull", False), ("principal__isnull", True)),
                                _connector="OR",
                            ),
                            name="exception_of_principal_or_group",
                        ),
                        models.CheckConstraint(condition=models.Q(("tier__in", [1, 2, 3])), name="exception_of_a_tier"),
                        models.CheckConstraint(
                            condition=models.Q(("reason", ""), _negated=True), name="exception_with_a_reason"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="exception_ends_after_it_begins",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("principal__isnull", False), ("valid_to__isnull", True)),
                            fields=("dataset", "principal"),
                            name="exception_once_per_principal",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("group__isnull", False), ("valid_to__isnull", True)),
                            fields=("dataset", "group"),
                            name="exception_once_per_group",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="Profile",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="profiles", to="catalog.dataset"
                        ),
                    ),
                    ("taken_at", models.DateTimeField(default=timezone.now)),
                    ("version", models.PositiveIntegerField(help_text="Of the dataset's schema.")),
                    ("row_count", models.BigIntegerField(blank=True, null=True)),
                    (
                        "row_count_exact",
                        models.BooleanField(
                            default=False, help_text="All rows were read; else it is the source's estimate."
                        ),
                    ),
                    ("rows_sampled", models.PositiveIntegerField(default=0)),
                    ("fields", models.JSONField(default=dict)),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["dataset", "-taken_at", "-id"], name="profile_of_dataset"),
                        models.Index(fields=["taken_at"], name="profile_by_age"),
                    ]
                },
            ),
            migrations.CreateModel(
                name="FieldProfile",
                fields=[
                    (
                        "field",
                        models.OneToOneField(
                            on_delete=models.CASCADE,
                            primary_key=True,
                            related_name="profile",
                            serialize=False,
                            to="catalog.field",
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="field_profiles", to="catalog.dataset"
                        ),
                    ),
                    ("taken_at", models.DateTimeField(default=timezone.now)),
                    ("null_share", models.FloatField(blank=True, null=True)),
                    ("distinct", models.BigIntegerField(blank=True, null=True)),
                    ("distinct_exact", models.BooleanField(default=False)),
                    ("shortest", models.BigIntegerField(blank=True, null=True)),
                    ("longest", models.BigIntegerField(blank=True, null=True)),
                    ("mean_length", models.FloatField(blank=True, null=True)),
                    ("shapes", models.JSONField(default=list, help_text="[shape, share] of the most frequent ones.")),
                    ("minimum", models.CharField(blank=True, default="", max_length=60)),
                    ("maximum", models.CharField(blank=True, default="", max_length=60)),
                    (
                        "exemplars",
                        ArrayField(
                            base_field=models.TextField(), blank=True, default=list, help_text="Masked.", size=None
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(
                                models.Q(("minimum", ""), _negated=True),
                                models.Q(("maximum", ""), _negated=True),
                                models.Q(("exemplars", []), _negated=True),
                                _connector="OR",
                            ),
                            fields=["dataset"],
                            name="field_profile_with_values",
                        )
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                ("null_share__isnull", True), ("null_share__range", (0, 1)), _connector="OR"
                            ),
                            name="field_profile_share_is_a_share",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="Sampling",
                fields=[
                    (
                        "dataset",
                        models.OneToOneField(
                            on_delete=models.CASCADE,
                            primary_key=True,
                            related_name="sampling",
                            serialize=False,
                            to="catalog.dataset",
                        ),
                    ),
                    ("tried_at", models.DateTimeField(default=timezone.now)),
                    ("version", models.PositiveIntegerField(help_text="Of the dataset's schema.")),
                    (
                        "amount",
                        models.CharField(choices=[("off", "Off"), ("light", "Light"), ("full", "Full")], max_length=10),
                    ),
                    (
                        "rules",
                        models.PositiveIntegerField(
                            default=0, help_text="Version of the rules that were asked about the values."
                        ),
                    ),
                    ("failure", models.TextField(blank=True, default="")),
                ],
            ),
            migrations.CreateModel(
                name="Proposal",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="proposals", to="catalog.dataset"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("owner", "Owner"),
                                ("description", "Description"),
                                ("tag", "Tag"),
                                ("gone", "Dropped"),
                                ("same_as", "Same dataset"),
                                ("masking", "Masked column"),
                            ],
                            max_length=12,
                        ),
                    ),
                    ("payload", models.JSONField()),
                    ("digest", models.UUIDField(help_text="Of the payload: equal for equal proposals.")),
                    (
                        "told_by",
                        models.ForeignKey(
                            blank=True,
                            help_text="Whose event says so, where the log still knows.",
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="+",
                            to="accounts.principal",
                        ),
                    ),
                    ("at", models.DateTimeField(help_text="When it was said.")),
                    (
                        "state",
                        models.CharField(
                            choices=[("open", "Open"), ("accepted", "Accepted"), ("declined", "Declined")],
                            default="open",
                            max_length=8,
                        ),
                    ),
                    (
                        "decided_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("decided_at", models.DateTimeField(blank=True, null=True)),
                    ("reason", models.TextField(blank=True, default="")),
                ],
                options={
                    "indexes": [
                        models.Index(condition=models.Q(("state", "open")), fields=["-id"], name="proposal_open")
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("dataset", "kind", "digest"), name="proposal_once"),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("decided_at__isnull", True), ("decided_by__isnull", True), ("state", "open")),
                                models.Q(
                                    models.Q(("state", "open"), _negated=True),
                                    ("decided_at__isnull", False),
                                    ("decided_by__isnull", False),
                                ),
                                _connector="OR",
                            ),
                            name="proposal_decided_by_somebody",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="SearchWord",
                fields=[("word", models.TextField(primary_key=True, serialize=False))],
                options={"indexes": [GinIndex(OpClass("word", name="gin_trgm_ops"), name="search_word_trigram")]},
            ),
            migrations.CreateModel(
                name="StagedDataset",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("reading", models.BigIntegerField()),
                    ("path", ArrayField(base_field=models.TextField(), size=None)),
                    ("schema_path", ArrayField(base_field=models.TextField(), size=None)),
                    ("name", models.TextField()),
                    ("names", ArrayField(base_field=models.TextField(), size=None)),
                    ("kind", models.TextField()),
                    ("unchanged", models.BooleanField()),
                    ("comment", models.TextField()),
                    ("definition", models.TextField()),
                    ("definition_digest", models.TextField()),
                    ("properties", models.JSONField()),
                    ("row_estimate", models.BigIntegerField(null=True)),
                    ("size_bytes", models.BigIntegerField(null=True)),
                    ("field_count", models.IntegerField()),
                    ("field_names", models.TextField()),
                    ("fields", models.JSONField()),
                    ("keys", models.JSONField()),
                    ("fingerprint", models.TextField()),
                ],
                options={"indexes": [models.Index(fields=["reading", "path"], name="staged_by_reading")]},
            ),
            migrations.CreateModel(
                name="PlannedChange",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("reading", models.BigIntegerField()),
                    ("dataset_id", models.BigIntegerField(null=True)),
                    ("path", ArrayField(base_field=models.TextField(), size=None)),
                    ("change", models.TextField()),
                ],
                options={"indexes": [models.Index(fields=["reading", "path"], name="planned_by_reading")]},
            ),
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(_search.CREATE, _search.DROP),
    ]
