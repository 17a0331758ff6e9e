"""The tables of classification, and the levels that every catalog starts with."""

from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import migrations, models
from django.utils import timezone

from classification.migrations import _levels, _notes
from common.tables import CreateTables


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("classification", "0002_seed_levels"),
        ("classification", "0003_categories_and_suggestions"),
        ("classification", "0004_propagation"),
        ("classification", "0005_level_approvals"),
        ("classification", "0006_counts"),
        ("classification", "0007_note_uncounted"),
        ("classification", "0008_note_all"),
        ("classification", "0009_coverage_by_domain"),
        ("classification", "0010_days_of_domains"),
    ]

    dependencies = [("accounts", "0001_initial"), ("catalog", "0001_initial")]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="Level",
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
                    ("rank", models.PositiveSmallIntegerField(help_text="1 is the least sensitive.")),
                    (
                        "description",
                        models.TextField(blank=True, default="", help_text="What belongs here, in a sentence or two."),
                    ),
                    ("handling", models.TextField(blank=True, default="", help_text="How to treat it, as Markdown.")),
                    (
                        "colour",
                        models.CharField(
                            choices=[
                                ("grey", "Grey"),
                                ("green", "Green"),
                                ("teal", "Teal"),
                                ("blue", "Blue"),
                                ("violet", "Violet"),
                                ("amber", "Amber"),
                                ("orange", "Orange"),
                                ("red", "Red"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "longest_grant_days",
                        models.PositiveSmallIntegerField(
                            default=365,
                            help_text="Access to it is granted for at most so many days, up to 365.",
                            validators=[validators.MinValueValidator(1), validators.MaxValueValidator(365)],
                        ),
                    ),
                    (
                        "approvals",
                        models.PositiveSmallIntegerField(
                            default=1,
                            help_text="So many people must approve access to it, up to 5.",
                            validators=[validators.MinValueValidator(1), validators.MaxValueValidator(5)],
                        ),
                    ),
                    ("updated_at", models.DateTimeField(auto_now=True)),
                ],
                options={
                    "ordering": ["rank"],
                    "constraints": [
                        models.UniqueConstraint(
                            deferrable=models.Deferrable["DEFERRED"], fields=("rank",), name="level_rank_unique"
                        ),
                        models.CheckConstraint(condition=models.Q(("rank__gte", 1)), name="level_rank_counts_from_one"),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("colour__in", ("grey", "green", "teal", "blue", "violet", "amber", "orange", "red"))
                            ),
                            name="level_colour_of_palette",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("approvals__range", (1, 5))), name="level_approvals_have_limits"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("longest_grant_days__range", (1, 365))), name="level_grants_end"
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Category",
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
                    ("name", models.CharField(max_length=80, unique=True)),
                    (
                        "level",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="categories", to="classification.level"
                        ),
                    ),
                    (
                        "jurisdiction",
                        models.CharField(
                            blank=True,
                            default="",
                            help_text="ISO 3166 code of the country whose law it is, if of one.",
                            max_length=2,
                        ),
                    ),
                    ("personal", models.BooleanField(default=False, help_text="About persons.")),
                    (
                        "special",
                        models.BooleanField(
                            default=False,
                            help_text="Special under GDPR (Art. 9, 10), or sensitive under the Australian Privacy Act.",
                        ),
                    ),
                    (
                        "description",
                        models.TextField(blank=True, default="", help_text="What belongs here, in a sentence or two."),
                    ),
                    ("shipped", models.BooleanField(default=False, editable=False)),
                    ("edited", models.BooleanField(default=False, editable=False)),
                    ("enabled", models.BooleanField(default=True, help_text="Whether it is looked for.")),
                    (
                        "names",
                        ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None),
                    ),
                    ("abbreviations", models.JSONField(blank=True, default=dict)),
                    (
                        "patterns",
                        ArrayField(base_field=models.CharField(max_length=500), blank=True, default=list, size=None),
                    ),
                    ("checksum", models.CharField(blank=True, default="", max_length=40)),
                    ("updated_at", models.DateTimeField(auto_now=True)),
                ],
                options={"verbose_name_plural": "categories", "ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="UncountedDataset",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("dataset_id", models.BigIntegerField()),
                ],
            ),
            migrations.CreateModel(
                name="DatasetCount",
                fields=[
                    (
                        "dataset",
                        models.OneToOneField(
                            db_constraint=False,
                            on_delete=models.DO_NOTHING,
                            primary_key=True,
                            related_name="+",
                            serialize=False,
                            to="catalog.dataset",
                        ),
                    ),
                    ("source_id", models.BigIntegerField(blank=True, null=True)),
                    ("domain_id", models.BigIntegerField(blank=True, null=True)),
                    ("owners", ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                    ("columns", models.PositiveIntegerField(default=0, help_text="With nested ones.")),
                    ("decided", models.PositiveIntegerField(default=0)),
                    ("suggested", models.PositiveIntegerField(default=0, help_text="Of those not decided.")),
                    ("clear", models.PositiveIntegerField(default=0)),
                    (
                        "waiting",
                        models.JSONField(
                            blank=True,
                            default=list,
                            help_text="Its suggestions by category, level, phrase and type: how many, and the sum of their confidence.",
                        ),
                    ),
                ],
            ),
            migrations.CreateModel(
                name="CoverageSum",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("key", models.UUIDField(help_text="A digest of what is counted together.")),
                    ("source_id", models.BigIntegerField(blank=True, null=True)),
                    ("domain_id", models.BigIntegerField(blank=True, null=True)),
                    ("owners", ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                    ("columns", models.BigIntegerField()),
                    ("decided", models.BigIntegerField()),
                    ("suggested", models.BigIntegerField()),
                    ("clear", models.BigIntegerField()),
                    ("settled", models.BooleanField(default=False)),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("settled", False)), fields=["id"], name="coverage_sum_to_settle"
                        )
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("settled", True)), fields=("key",), name="coverage_sum_settled_once"
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="WaitingSum",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "by",
                        models.CharField(
                            choices=[
                                ("all", "Everywhere"),
                                ("domain", "In a domain"),
                                ("place", "In a source and domain"),
                            ],
                            max_length=10,
                        ),
                    ),
                    ("key", models.UUIDField(help_text="A digest of what is counted together.")),
                    ("source_id", models.BigIntegerField(blank=True, null=True)),
                    ("domain_id", models.BigIntegerField(blank=True, null=True)),
                    ("category_id", models.BigIntegerField()),
                    ("level_id", models.BigIntegerField()),
                    ("phrase", models.TextField()),
                    ("type", models.TextField()),
                    ("columns", models.BigIntegerField()),
                    ("datasets", models.BigIntegerField()),
                    ("confidence", models.BigIntegerField(help_text="The sum, in ten-thousandths.")),
                    ("settled", models.BooleanField(default=False)),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("settled", False)), fields=["id"], name="waiting_sum_to_settle"
                        ),
                        models.Index(fields=["by", "domain_id", "source_id"], name="waiting_sum_by_place"),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("settled", True)), fields=("key",), name="waiting_sum_settled_once"
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="RuleSet",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("version", models.PositiveIntegerField(unique=True)),
                    (
                        "weights_version",
                        models.CharField(help_text="Of the shipped detectors' fitted weights.", max_length=40),
                    ),
                    ("contents", models.JSONField()),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("draft", "Draft"),
                                ("applied", "Applied"),
                                ("retired", "Retired"),
                                ("discarded", "Discarded"),
                            ],
                            default="draft",
                            max_length=10,
                        ),
                    ),
                    ("made_at", models.DateTimeField(default=timezone.now)),
                    ("made_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("applied_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "applied_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={
                    "ordering": ["-version"],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("state", "draft")), fields=("state",), name="rule_set_one_draft"
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("state", "applied")), fields=("state",), name="rule_set_one_applied"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(
                                    ("applied_at__isnull", True),
                                    ("applied_by__isnull", True),
                                    ("state__in", ("draft", "discarded")),
                                ),
                                models.Q(
                                    ("applied_at__isnull", False),
                                    ("applied_by__isnull", False),
                                    ("state__in", ("applied", "retired")),
                                ),
                                _connector="OR",
                            ),
                            name="rule_set_applied_by_somebody",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Reclassification",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "rule_set",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="passes", to="classification.ruleset"),
                    ),
                    ("purpose", models.CharField(choices=[("preview", "Preview"), ("apply", "Apply")], max_length=10)),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("running", "Running"),
                                ("done", "Done"),
                                ("failed", "Failed"),
                                ("stopped", "Stopped"),
                            ],
                            default="running",
                            max_length=10,
                        ),
                    ),
                    ("by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("started_at", models.DateTimeField(default=timezone.now)),
                    ("moved_at", models.DateTimeField(default=timezone.now, help_text="When it last advanced.")),
                    ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ("datasets", models.PositiveIntegerField(default=0, help_text="How many there are to look at.")),
                    ("done", models.PositiveIntegerField(default=0)),
                    ("columns", models.PositiveIntegerField(default=0, help_text="How many were looked at.")),
                    ("last_dataset_id", models.BigIntegerField(default=0)),
                    ("found", models.JSONField(default=dict)),
                    ("error", models.TextField(blank=True, default="")),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("state", "running")),
                            fields=("rule_set", "purpose"),
                            name="reclassification_one_at_a_time",
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="NegativeRule",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "scope",
                        models.CharField(
                            choices=[
                                ("all", "Everywhere"),
                                ("domain", "In the domain"),
                                ("source", "In the source"),
                                ("dataset", "In the dataset"),
                            ],
                            max_length=10,
                        ),
                    ),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.CASCADE, related_name="+", to="catalog.domain"
                        ),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.CASCADE, related_name="+", to="catalog.source"
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.CASCADE, related_name="+", to="catalog.dataset"
                        ),
                    ),
                    (
                        "category",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="negative_rules", to="classification.category"
                        ),
                    ),
                    ("name", models.CharField(max_length=200)),
                    ("whole", models.BooleanField(default=True)),
                    ("reason", models.TextField()),
                    ("author", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    (
                        "decision",
                        models.ForeignKey(
                            blank=True,
                            help_text="The rejection that it comes from.",
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="negative_rules",
                            to="classification.decision",
                        ),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    (
                        "ended_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("scope", "domain", "source", "dataset", "category", "name", "whole"),
                            name="negative_rule_once",
                            nulls_distinct=False,
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(
                                    ("dataset__isnull", True),
                                    ("domain__isnull", True),
                                    ("scope", "all"),
                                    ("source__isnull", True),
                                ),
                                models.Q(
                                    ("dataset__isnull", True),
                                    ("domain__isnull", False),
                                    ("scope", "domain"),
                                    ("source__isnull", True),
                                ),
                                models.Q(
                                    ("dataset__isnull", True),
                                    ("domain__isnull", True),
                                    ("scope", "source"),
                                    ("source__isnull", False),
                                ),
                                models.Q(
                                    ("dataset__isnull", False),
                                    ("domain__isnull", True),
                                    ("scope", "dataset"),
                                    ("source__isnull", True),
                                ),
                                _connector="OR",
                            ),
                            name="negative_rule_names_its_scope",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="negative_rule_ends_after_it_begins",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="Examination",
                fields=[
                    (
                        "dataset",
                        models.OneToOneField(
                            on_delete=models.CASCADE,
                            primary_key=True,
                            related_name="examination",
                            serialize=False,
                            to="catalog.dataset",
                        ),
                    ),
                    (
                        "rule_set",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="classification.ruleset"),
                    ),
                    ("examined_at", models.DateTimeField(default=timezone.now)),
                    (
                        "with_values",
                        models.BooleanField(
                            default=False, help_text="Whether values were sampled, or names were all there was."
                        ),
                    ),
                ],
                options={"indexes": [models.Index(fields=["rule_set", "dataset"], name="examination_of_rule_set")]},
            ),
            migrations.CreateModel(
                name="CoverageDay",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("day", models.DateField()),
                    (
                        "by",
                        models.CharField(
                            choices=[("source", "Source"), ("domain", "Domain"), ("owner", "Owner")], max_length=10
                        ),
                    ),
                    (
                        "subject",
                        models.CharField(
                            help_text="The slug or name of what is measured; '' for what has none.", max_length=200
                        ),
                    ),
                    (
                        "domain_id",
                        models.BigIntegerField(
                            blank=True, help_text="The columns are of datasets in this domain.", null=True
                        ),
                    ),
                    ("columns", models.PositiveIntegerField()),
                    ("decided", models.PositiveIntegerField(help_text="A confirmed label, or one that is inherited.")),
                    (
                        "suggested",
                        models.PositiveIntegerField(help_text="A suggestion waits, and nothing was decided."),
                    ),
                    (
                        "clear",
                        models.PositiveIntegerField(
                            help_text="Looked at: nothing was found, or what was found was rejected."
                        ),
                    ),
                ],
                options={
                    "indexes": [models.Index(fields=["by", "subject", "day"], name="coverage_of_subject")],
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("by", "day", "subject", "domain_id"),
                            name="coverage_once_a_day",
                            nulls_distinct=False,
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("columns__gte", models.F("decided") + models.F("suggested") + models.F("clear"))
                            ),
                            name="coverage_adds_up",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Decision",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[("accept", "Accepted"), ("reject", "Rejected"), ("relabel", "Labelled otherwise")],
                            max_length=10,
                        ),
                    ),
                    ("by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("at", models.DateTimeField(default=timezone.now)),
                    ("reason", models.TextField(blank=True, default="")),
                    ("count", models.PositiveIntegerField(help_text="How many suggestions it was about.")),
                    ("undone_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "undone_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={
                    "indexes": [models.Index(fields=["by", "-id"], name="decision_of_principal")],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("undone_at__isnull", True), ("undone_by__isnull", True)),
                                models.Q(("undone_at__isnull", False), ("undone_by__isnull", False)),
                                _connector="OR",
                            ),
                            name="decision_undone_by_somebody",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="Label",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="labels", to="catalog.dataset"),
                    ),
                    (
                        "field",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.CASCADE, related_name="labels", to="catalog.field"
                        ),
                    ),
                    (
                        "level",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="labels", to="classification.level"),
                    ),
                    (
                        "category",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="labels",
                            to="classification.category",
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("suggested", "Suggested"),
                                ("confirmed", "Confirmed"),
                                ("rejected", "Rejected"),
                                ("inherited", "Inherited"),
                            ],
                            default="confirmed",
                            max_length=10,
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
                    ("author", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("reason", models.TextField()),
                    (
                        "confidence",
                        models.FloatField(blank=True, help_text="Of a detector, calibrated: 0 to 1.", null=True),
                    ),
                    (
                        "rule_set",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="labels",
                            to="classification.ruleset",
                        ),
                    ),
                    (
                        "evidence",
                        models.JSONField(
                            blank=True,
                            help_text="A list of {kind, text, weight}, the weightiest first; never a value.",
                            null=True,
                        ),
                    ),
                    (
                        "phrase",
                        models.CharField(
                            blank=True,
                            default="",
                            help_text="The tokens of the field's name, normalised: equal for columns that look alike.",
                            max_length=200,
                        ),
                    ),
                    (
                        "suggestion",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            help_text="The suggestion that this decides.",
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="answers",
                            to="classification.label",
                        ),
                    ),
                    (
                        "decision",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="labels",
                            to="classification.decision",
                        ),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            help_text="Of an inherited label: the field on which the label stands that it carries.",
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="+",
                            to="catalog.field",
                        ),
                    ),
                    (
                        "via",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            help_text="Of an inherited label: the field from which it came in one hop.",
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="+",
                            to="catalog.field",
                        ),
                    ),
                    (
                        "via_job",
                        models.BigIntegerField(blank=True, help_text="The lineage job of that hop.", null=True),
                    ),
                    (
                        "hint",
                        models.TextField(blank=True, default="", help_text="What to look at before one relies on it."),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    (
                        "ended_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["dataset", "-id"], name="label_of_dataset"),
                        models.Index(
                            condition=models.Q(("state__in", ("confirmed", "inherited")), ("valid_to__isnull", True)),
                            fields=["level", "dataset"],
                            name="label_effective_of_level",
                        ),
                        models.Index(
                            condition=models.Q(
                                ("category__isnull", False),
                                ("state__in", ("confirmed", "inherited")),
                                ("valid_to__isnull", True),
                            ),
                            fields=["category", "dataset"],
                            name="label_effective_of_category",
                        ),
                        models.Index(
                            condition=models.Q(("state", "suggested"), ("valid_to__isnull", True)),
                            fields=["level", "category", "phrase", "confidence", "id"],
                            name="label_waiting",
                        ),
                        models.Index(
                            condition=models.Q(("decision__isnull", False)),
                            fields=["decision"],
                            name="label_of_decision",
                        ),
                        models.Index(
                            condition=models.Q(("suggestion__isnull", False)),
                            fields=["suggestion"],
                            name="label_that_answers",
                        ),
                        models.Index(
                            condition=models.Q(("state", "inherited"), ("valid_to__isnull", True)),
                            fields=["source"],
                            name="label_inherited_from",
                        ),
                        models.Index(
                            condition=models.Q(("state", "inherited"), ("valid_to__isnull", True)),
                            fields=["via"],
                            name="label_inherited_via",
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("state", "confirmed"), ("valid_to__isnull", True)),
                            fields=("dataset", "field", "origin"),
                            name="label_once_per_origin",
                            nulls_distinct=False,
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("state", "suggested"), ("valid_to__isnull", True)),
                            fields=("dataset", "field"),
                            name="label_suggested_once",
                            nulls_distinct=False,
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("state", "inherited"), ("valid_to__isnull", True)),
                            fields=("dataset", "field"),
                            name="label_inherited_once",
                            nulls_distinct=False,
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("state", "rejected"), ("valid_to__isnull", True)),
                            fields=("dataset", "field", "category"),
                            name="label_rejected_once_per_category",
                            nulls_distinct=False,
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="label_ends_after_it_begins",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("confidence__isnull", True),
                                models.Q(("confidence__gte", 0), ("confidence__lte", 1)),
                                _connector="OR",
                            ),
                            name="label_confidence_is_a_share",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("state", "inherited"), _negated=True),
                                ("field__isnull", False),
                                _connector="OR",
                            ),
                            name="label_only_fields_inherit",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="CarriedLabel",
                fields=[
                    ("column_id", models.BigIntegerField(primary_key=True, serialize=False)),
                    ("rank", models.PositiveSmallIntegerField(help_text="Of the level.")),
                    ("cost", models.BigIntegerField()),
                    ("source_id", models.BigIntegerField(help_text="The column on which the label stands.")),
                    (
                        "via_id",
                        models.BigIntegerField(help_text="The column from which it came in one hop; 0 on the source."),
                    ),
                    ("job_id", models.BigIntegerField(help_text="The job of that hop; 0 on the source.")),
                    (
                        "category_id",
                        models.BigIntegerField(blank=True, help_text="Of the label at the source.", null=True),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("via_id", 0), _negated=True), fields=["via_id"], name="carried_through"
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="HeldMasking",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "downstream_id",
                            "upstream_id",
                            "job_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("upstream_id", models.BigIntegerField()),
                    ("downstream_id", models.BigIntegerField()),
                    ("job_id", models.BigIntegerField()),
                    ("since", models.DateTimeField()),
                ],
                options={"indexes": [models.Index(fields=["upstream_id"], name="held_out_of")]},
            ),
            migrations.CreateModel(
                name="StaleDataset",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("dataset_id", models.BigIntegerField(blank=True, null=True)),
                ],
            ),
        ),
        migrations.RunSQL(_notes.CREATE, _notes.DROP),
        migrations.RunPython(_levels.add_levels, migrations.RunPython.noop),
    ]
