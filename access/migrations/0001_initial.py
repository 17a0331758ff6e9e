"""The tables of access, and the policies that every catalog starts with."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import BtreeGistExtension
from django.core import validators
from django.db import migrations, models
from django.utils import timezone

import access.models.grants
from access.migrations import _policies
from common.tables import CreateTables

FREEZE = """
    CREATE FUNCTION access_freeze_policy_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'version % of policy % was published and cannot be changed', OLD.number, OLD.policy_id
            USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER access_policyversion_frozen BEFORE UPDATE ON access_policyversion FOR EACH ROW
    WHEN (
        OLD.state = 'published'
        AND (NEW.rule, NEW.name, NEW.number, NEW.policy_id, NEW.state, NEW.valid_from)
            IS DISTINCT FROM (OLD.rule, OLD.name, OLD.number, OLD.policy_id, OLD.state, OLD.valid_from)
    )
    EXECUTE FUNCTION access_freeze_policy_version();
"""
THAW = """
    DROP TRIGGER access_policyversion_frozen ON access_policyversion;
    DROP FUNCTION access_freeze_policy_version();
"""


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("access", "0002_approval_steps"),
        ("access", "0003_enforcement"),
        ("access", "0004_policies"),
        ("access", "0005_default_policies"),
        ("access", "0006_observed_facts"),
        ("access", "0007_engine_catalogs"),
        ("access", "0008_requests_at_full_depth"),
        ("access", "0009_grant_login"),
        ("access", "0010_enforcement_version"),
        ("access", "0011_grants_under_policies"),
        ("access", "0012_finding_logins"),
        ("access", "0013_logins_of_findings"),
        ("access", "0014_ends_refused"),
        ("access", "0015_enforcement_hung_at"),
        ("access", "0016_policies_to_consider"),
    ]

    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("catalog", "0001_initial"),
        ("classification", "0001_initial"),
    ]

    operations = [
        BtreeGistExtension(),
        CreateTables(
            migrations.CreateModel(
                name="AccessRequest",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "requester",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="access_requests", to="accounts.principal"
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="access_requests", to="catalog.dataset"
                        ),
                    ),
                    ("field_ids", ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                    ("purpose", models.TextField(blank=True, default="")),
                    (
                        "purpose_kind",
                        models.ForeignKey(
                            blank=True,
                            db_index=False,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="+",
                            to="access.purpose",
                        ),
                    ),
                    (
                        "ruling",
                        models.JSONField(
                            blank=True,
                            help_text="What policy said when it was sent: see `access.asking.evidence_of`.",
                            null=True,
                        ),
                    ),
                    ("days", models.PositiveSmallIntegerField(help_text="For how many days from the approval on.")),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("draft", "Draft"),
                                ("pending", "Pending"),
                                ("approved", "Approved"),
                                ("denied", "Denied"),
                                ("expired", "Expired"),
                                ("cancelled", "Cancelled"),
                            ],
                            default="draft",
                            max_length=10,
                        ),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    ("submitted_at", models.DateTimeField(blank=True, null=True)),
                    ("decide_by", models.DateTimeField(blank=True, help_text="Undecided, it expires then.", null=True)),
                    (
                        "step",
                        models.ForeignKey(
                            blank=True,
                            help_text="The step that it stands at, or stood at when it ended.",
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="+",
                            to="access.approvalstep",
                        ),
                    ),
                    (
                        "renews",
                        models.ForeignKey(
                            blank=True,
                            help_text="The grant that an approval replaces, for more time.",
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="renewals",
                            to="access.grant",
                        ),
                    ),
                    (
                        "is_emergency",
                        models.BooleanField(default=False, help_text="Taken without asking, and reviewed afterwards."),
                    ),
                    (
                        "hours",
                        models.PositiveSmallIntegerField(
                            blank=True, help_text="How long an emergency may last.", null=True
                        ),
                    ),
                    ("decided_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "decided_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("decision_reason", models.TextField(blank=True, default="")),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["requester", "-id"], name="request_of_requester"),
                        models.Index(
                            condition=models.Q(("state", "pending")), fields=["dataset"], name="request_waiting"
                        ),
                        models.Index(
                            condition=models.Q(("state", "pending")),
                            fields=["decide_by"],
                            name="request_undecided_until",
                        ),
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("days__range", (1, 365))), name="request_duration_has_limits"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("state", "pending"), _negated=True),
                                models.Q(("decide_by__isnull", False), ("submitted_at__isnull", False)),
                                _connector="OR",
                            ),
                            name="request_pending_was_submitted",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("state__in", ["approved", "denied"]), _negated=True),
                                models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                                _connector="OR",
                            ),
                            name="request_decision_has_author",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("state__in", ["approved", "denied"]), _negated=True),
                                models.Q(("decided_by", models.F("requester")), _negated=True),
                                _connector="OR",
                            ),
                            name="request_is_never_decided_by_requester",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("state", "denied"), _negated=True),
                                models.Q(("decision_reason", ""), _negated=True),
                                _connector="OR",
                            ),
                            name="request_refusal_has_reason",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("hours__isnull", True), ("is_emergency", False)),
                                models.Q(("hours__range", (1, 4)), ("is_emergency", True)),
                                _connector="OR",
                            ),
                            name="request_of_emergency_has_hours",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("state__in", ["draft", "cancelled"]),
                                models.Q(("purpose", ""), _negated=True),
                                _connector="OR",
                            ),
                            name="request_sent_has_purpose",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("state__in", ["draft", "pending"])),
                            fields=("requester", "dataset"),
                            name="request_open_once_per_dataset",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Grant",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="grants", to="accounts.principal"),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="grants", to="catalog.dataset"),
                    ),
                    ("field_ids", ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                    (
                        "masks",
                        models.JSONField(
                            blank=True,
                            default=dict,
                            help_text="Id of a field (as text) → how its values are masked: hash, partial, …",
                        ),
                    ),
                    (
                        "request",
                        models.OneToOneField(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="grant",
                            to="access.accessrequest",
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("scheduled", "Scheduled"),
                                ("provisioning", "Provisioning"),
                                ("provision_failed", "Provision failed"),
                                ("recorded", "Recorded"),
                                ("active", "Active"),
                                ("drifted", "Drifted"),
                                ("suspended", "Suspended"),
                                ("expiring", "Expiring"),
                                ("revoking", "Revoking"),
                                ("revoke_failed", "Revoke failed"),
                                ("revoked", "Revoked"),
                                ("expired", "Expired"),
                                ("superseded", "Superseded"),
                            ],
                            max_length=20,
                        ),
                    ),
                    (
                        "is_emergency",
                        models.BooleanField(
                            default=False, help_text="Taken in an emergency; holds beside a usual grant."
                        ),
                    ),
                    ("valid_from", models.DateTimeField()),
                    ("valid_to", models.DateTimeField()),
                    (
                        "granted_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    (
                        "ended_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("end_reason", models.TextField(blank=True, default="")),
                    (
                        "ends_as",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("scheduled", "Scheduled"),
                                ("provisioning", "Provisioning"),
                                ("provision_failed", "Provision failed"),
                                ("recorded", "Recorded"),
                                ("active", "Active"),
                                ("drifted", "Drifted"),
                                ("suspended", "Suspended"),
                                ("expiring", "Expiring"),
                                ("revoking", "Revoking"),
                                ("revoke_failed", "Revoke failed"),
                                ("revoked", "Revoked"),
                                ("expired", "Expired"),
                                ("superseded", "Superseded"),
                            ],
                            default="",
                            help_text="Which end it comes to once its privileges are read back as gone.",
                            max_length=20,
                        ),
                    ),
                    (
                        "login",
                        models.CharField(
                            blank=True, default="", help_text="As whom its holder reads by it.", max_length=128
                        ),
                    ),
                    (
                        "applied_at",
                        models.DateTimeField(blank=True, help_text="When its privileges were last given.", null=True),
                    ),
                    (
                        "verified_at",
                        models.DateTimeField(blank=True, help_text="When they were last read back.", null=True),
                    ),
                    (
                        "removed_at",
                        models.DateTimeField(blank=True, help_text="When they were read back as gone.", null=True),
                    ),
                    (
                        "problem",
                        models.TextField(
                            blank=True, default="", help_text="What stands in the way in the source, and what to do."
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["principal", "-id"], name="grant_of_principal"),
                        models.Index(fields=["dataset", "-id"], name="grant_of_dataset"),
                        models.Index(
                            condition=models.Q(
                                (
                                    "state__in",
                                    [
                                        "active",
                                        "drifted",
                                        "provision_failed",
                                        "provisioning",
                                        "recorded",
                                        "scheduled",
                                        "suspended",
                                    ],
                                )
                            ),
                            fields=["valid_to"],
                            name="grant_due",
                        ),
                        models.Index(
                            condition=models.Q(
                                (
                                    "state__in",
                                    [
                                        "active",
                                        "drifted",
                                        "expiring",
                                        "provision_failed",
                                        "provisioning",
                                        "recorded",
                                        "revoke_failed",
                                        "revoking",
                                        "scheduled",
                                        "suspended",
                                    ],
                                )
                            ),
                            fields=["dataset", "id"],
                            name="grant_in_source",
                        ),
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("valid_to__gte", models.F("valid_from"))),
                            name="grant_ends_after_it_begins",
                        ),
                        ExclusionConstraint(
                            condition=models.Q(
                                (
                                    "state__in",
                                    [
                                        "active",
                                        "drifted",
                                        "expiring",
                                        "provision_failed",
                                        "provisioning",
                                        "recorded",
                                        "revoke_failed",
                                        "revoking",
                                        "scheduled",
                                        "suspended",
                                    ],
                                )
                            ),
                            expressions=[
                                ("principal", "="),
                                ("dataset", "="),
                                ("is_emergency", "="),
                                (access.models.grants.Validity("valid_from", "valid_to"), "&&"),
                            ],
                            name="grant_live_once_per_principal_and_dataset",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Purpose",
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
                        "description",
                        models.TextField(blank=True, default="", help_text="What belongs here, in a sentence or two."),
                    ),
                    ("enabled", models.BooleanField(default=True, help_text="Whether requests may name it.")),
                ],
                options={"ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="PrincipalAttribute",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="attributes", to="accounts.principal"),
                    ),
                    (
                        "name",
                        models.SlugField(
                            max_length=60,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("value", models.CharField(max_length=200)),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    ("set_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=["name", "value"],
                            name="principal_attribute_value",
                        )
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("principal", "name", "value"),
                            name="principal_attribute_once",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="principal_attribute_ends_after_it_begins",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="EngineCatalog",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("name", models.CharField(max_length=200, unique=True)),
                    (
                        "source",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="engine_catalogs", to="catalog.source"
                        ),
                    ),
                    (
                        "prefix",
                        ArrayField(
                            base_field=models.TextField(),
                            blank=True,
                            default=list,
                            help_text="What stands before the schema in the source's paths.",
                            size=None,
                        ),
                    ),
                ],
                options={"ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="Policy",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=80,
                            unique=True,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("name", models.CharField(max_length=150, unique=True)),
                    ("description", models.TextField(blank=True, default="", help_text="What it is for, as Markdown.")),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="policies",
                            to="catalog.domain",
                        ),
                    ),
                    ("shipped", models.BooleanField(default=False, editable=False)),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    (
                        "created_by",
                        models.ForeignKey(
                            null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={"verbose_name_plural": "policies", "ordering": ["name"]},
            ),
            migrations.CreateModel(
                name="PolicyVersion",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "policy",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="versions", to="access.policy"),
                    ),
                    ("number", models.PositiveIntegerField()),
                    (
                        "state",
                        models.CharField(
                            choices=[("draft", "Draft"), ("published", "Published"), ("discarded", "Discarded")],
                            default="draft",
                            max_length=10,
                        ),
                    ),
                    ("name", models.CharField(help_text="Of the policy, as it was called then.", max_length=150)),
                    ("rule", models.JSONField(help_text="See `access.policies.rules.Rule`.")),
                    ("reason", models.TextField(blank=True, default="", help_text="Why it was changed.")),
                    ("made_at", models.DateTimeField(default=timezone.now)),
                    (
                        "made_by",
                        models.ForeignKey(
                            null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("edited_at", models.DateTimeField(default=timezone.now)),
                    ("published_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "published_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("valid_from", models.DateTimeField(blank=True, null=True)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    (
                        "ends_refused",
                        models.BooleanField(
                            default=False,
                            help_text="Whether standing grants that it refuses end as it comes into force, unasked.",
                        ),
                    ),
                    (
                        "compared_at",
                        models.DateTimeField(
                            blank=True,
                            help_text="When the grants that stood as it came into force were held to it.",
                            null=True,
                        ),
                    ),
                ],
                options={
                    "ordering": ["policy", "-number"],
                    "indexes": [
                        models.Index(
                            condition=models.Q(("state", "published")),
                            fields=["valid_from", "valid_to"],
                            name="policy_version_in_force",
                        ),
                        models.Index(
                            condition=models.Q(("compared_at__isnull", True), ("state", "published")),
                            fields=["valid_from"],
                            name="policy_version_to_compare",
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("policy", "number"), name="policy_version_number"),
                        models.UniqueConstraint(
                            condition=models.Q(("state", "draft")), fields=("policy",), name="policy_one_draft"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(
                                    ("published_at__isnull", False),
                                    ("state", "published"),
                                    ("valid_from__isnull", False),
                                ),
                                models.Q(
                                    models.Q(("state", "published"), _negated=True),
                                    ("valid_from__isnull", True),
                                    ("valid_to__isnull", True),
                                ),
                                _connector="OR",
                            ),
                            name="policy_version_published_has_time",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="policy_version_ends_after_it_begins",
                        ),
                        ExclusionConstraint(
                            condition=models.Q(("state", "published")),
                            expressions=[
                                ("policy", "="),
                                (access.models.grants.Validity("valid_from", "valid_to"), "&&"),
                            ],
                            name="policy_one_version_at_a_time",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Campaign",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("name", models.CharField(max_length=150)),
                    ("scope", models.CharField(max_length=500)),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="catalog.domain"
                        ),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="catalog.source"
                        ),
                    ),
                    (
                        "policy_version",
                        models.OneToOneField(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="campaign",
                            to="access.policyversion",
                        ),
                    ),
                    ("started_at", models.DateTimeField(default=timezone.now)),
                    (
                        "started_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("due_at", models.DateTimeField()),
                    ("closed_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("closed_at__isnull", True)), fields=["due_at"], name="campaign_due"
                        )
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("due_at__gt", models.F("started_at"))),
                            name="campaign_ends_after_it_begins",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="CampaignItem",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "campaign",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="items", to="access.campaign"),
                    ),
                    (
                        "grant",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="recertifications", to="access.grant"),
                    ),
                    ("holder", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    (
                        "level_name",
                        models.CharField(
                            blank=True, default="", help_text="The highest, when it began.", max_length=60
                        ),
                    ),
                    (
                        "silence_revokes",
                        models.BooleanField(
                            help_text="What happens where nobody decides: revoked, or kept and flagged."
                        ),
                    ),
                    (
                        "why",
                        models.CharField(
                            blank=True,
                            default="",
                            help_text="What a policy that came into force since says of it.",
                            max_length=1000,
                        ),
                    ),
                    (
                        "masks",
                        models.JSONField(
                            blank=True,
                            default=dict,
                            help_text="Masks that it would be made with now and does not carry, as a grant's.",
                        ),
                    ),
                    (
                        "outcome",
                        models.CharField(
                            choices=[
                                ("open", "Waits"),
                                ("kept", "Kept"),
                                ("removed", "Removed"),
                                ("masked", "Masked"),
                                ("revoked", "Removed: nobody confirmed it"),
                                ("flagged", "Kept, though nobody confirmed it"),
                                ("ended", "Ended meanwhile"),
                            ],
                            default="open",
                            max_length=10,
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
                        models.Index(
                            condition=models.Q(("outcome", "open")), fields=["grant"], name="campaign_item_open"
                        )
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("campaign", "grant"), name="campaign_item_once_per_grant"),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("outcome__in", ["kept", "removed", "masked"]), _negated=True),
                                models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                                _connector="OR",
                            ),
                            name="campaign_item_decided_by_somebody",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("decided_by__isnull", True),
                                models.Q(("decided_by", models.F("holder")), _negated=True),
                                ("outcome", "removed"),
                                _connector="OR",
                            ),
                            name="campaign_item_never_decided_by_holder",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("outcome", "removed"), _negated=True),
                                models.Q(("reason", ""), _negated=True),
                                _connector="OR",
                            ),
                            name="campaign_item_removal_has_reason",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="EmergencyReview",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "request",
                        models.OneToOneField(
                            on_delete=models.PROTECT, related_name="review", to="access.accessrequest"
                        ),
                    ),
                    (
                        "requester",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("opened_at", models.DateTimeField(default=timezone.now)),
                    ("due_at", models.DateTimeField(help_text="Still open then, administrators may close it too.")),
                    ("escalated_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "verdict",
                        models.CharField(
                            blank=True,
                            choices=[("justified", "It had to be"), ("misused", "It should not have been")],
                            default="",
                            max_length=10,
                        ),
                    ),
                    ("reason", models.TextField(blank=True, default="")),
                    ("closed_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "closed_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("closed_at__isnull", True)),
                            fields=["due_at"],
                            name="emergency_review_open",
                        ),
                        models.Index(fields=["requester", "-id"], name="emergency_review_of"),
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("closed_at__isnull", True), ("closed_by__isnull", True), ("verdict", "")),
                                models.Q(
                                    ("closed_at__isnull", False),
                                    ("closed_by__isnull", False),
                                    models.Q(("verdict", ""), _negated=True),
                                    models.Q(("reason", ""), _negated=True),
                                ),
                                _connector="OR",
                            ),
                            name="emergency_review_closed_has_author_verdict_and_reason",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("closed_by__isnull", True),
                                models.Q(("closed_by", models.F("requester")), _negated=True),
                                _connector="OR",
                            ),
                            name="emergency_review_is_closed_by_somebody_else",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Enforcement",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.OneToOneField(on_delete=models.CASCADE, related_name="enforcement", to="catalog.source"),
                    ),
                    (
                        "mode",
                        models.CharField(
                            choices=[
                                ("off", "Off: grants are recorded here only"),
                                ("dry_run", "Dry run: plans are shown, nothing is changed"),
                                (
                                    "confirm",
                                    "Apply with confirmation: what is over ends by itself, all else waits for a person",
                                ),
                                ("automatic", "Automatic"),
                            ],
                            default="dry_run",
                            max_length=10,
                        ),
                    ),
                    (
                        "profile",
                        models.CharField(
                            choices=[
                                ("role_managing", "Role-managing: group roles of its own, and masked views"),
                                ("grant_only", "Grant-only: rights for logins that exist"),
                            ],
                            default="role_managing",
                            max_length=15,
                        ),
                    ),
                    (
                        "revoke_limit",
                        models.PositiveIntegerField(
                            default=50,
                            help_text="More revocations in a run that no ended grant explains wait for a person.",
                        ),
                    ),
                    (
                        "prefix",
                        models.CharField(
                            default="dc_",
                            help_text="How the names of managed roles begin.",
                            max_length=20,
                            validators=[
                                validators.RegexValidator(
                                    "[a-z][a-z0-9_]*\\Z", "Lower-case letters, digits and _ only, a letter first."
                                )
                            ],
                        ),
                    ),
                    (
                        "mask_schema",
                        models.CharField(
                            default="dc_masked",
                            help_text="The schema (or database) of masked views; it is there before the first of them.",
                            max_length=40,
                            validators=[
                                validators.RegexValidator(
                                    "[a-z][a-z0-9_]*\\Z", "Lower-case letters, digits and _ only, a letter first."
                                )
                            ],
                        ),
                    ),
                    (
                        "ends_sessions",
                        models.BooleanField(
                            default=True,
                            help_text="Open sessions of a login that lost access are ended where the account may.",
                        ),
                    ),
                    (
                        "changed_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("changed_at", models.DateTimeField(auto_now=True)),
                    (
                        "asked_at",
                        models.DateTimeField(blank=True, help_text="Since when a reconciliation is wanted.", null=True),
                    ),
                    (
                        "checked_at",
                        models.DateTimeField(
                            blank=True, help_text="When the source was last read and judged.", null=True
                        ),
                    ),
                    ("failed_since", models.DateTimeField(blank=True, null=True)),
                    ("tried_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "hung_at",
                        models.DateTimeField(
                            blank=True,
                            help_text="When a worker last waited for a connection in vain; none since it answered.",
                            null=True,
                        ),
                    ),
                    ("problem", models.TextField(blank=True, default="")),
                    (
                        "version",
                        models.CharField(
                            blank=True, default="", help_text="Of the server, as it told last.", max_length=60
                        ),
                    ),
                    ("fence", models.BigIntegerField(default=0)),
                    ("held_until", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("asked_at__isnull", False)),
                            fields=["asked_at"],
                            name="enforcement_asked",
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="DatabaseLogin",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("source", models.ForeignKey(on_delete=models.CASCADE, related_name="logins", to="catalog.source")),
                    (
                        "principal",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="database_logins", to="accounts.principal"
                        ),
                    ),
                    ("name", models.CharField(max_length=128)),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    ("set_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("source", "principal"),
                            name="login_once_per_principal",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("source", "name"),
                            name="login_is_of_one_principal",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="Reconciliation",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="reconciliations", to="catalog.source"
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[
                                ("running", "Running"),
                                ("clean", "Nothing to do"),
                                ("planned", "Planned, nothing changed"),
                                ("waiting", "Waits for confirmation"),
                                ("confirmed", "Confirmed"),
                                ("applied", "Applied"),
                                ("failed", "Failed"),
                                ("replaced", "Replaced by a newer plan"),
                            ],
                            default="running",
                            max_length=10,
                        ),
                    ),
                    ("fence", models.BigIntegerField()),
                    ("started_at", models.DateTimeField(default=timezone.now)),
                    ("finished_at", models.DateTimeField(blank=True, null=True)),
                    ("message", models.TextField(blank=True, default="")),
                    ("plan", models.JSONField(blank=True, default=list)),
                    ("plan_hash", models.CharField(blank=True, default="", max_length=64)),
                    ("steps", models.PositiveIntegerField(default=0)),
                    ("revokes", models.PositiveIntegerField(default=0)),
                    (
                        "confirmed_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [models.Index(fields=["source", "-id"], name="reconciliation_of_source")],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("state__in", ["waiting", "confirmed", "planned"])),
                            fields=("source",),
                            name="plan_waits_once_per_source",
                        )
                    ],
                },
            ),
            migrations.CreateModel(
                name="JournalEntry",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="journal", to="catalog.source"
                        ),
                    ),
                    (
                        "reconciliation",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="journal", to="access.reconciliation"),
                    ),
                    ("key", models.CharField(max_length=24)),
                    ("change", models.CharField(choices=[("add", "add"), ("remove", "remove")], max_length=6)),
                    ("fact", models.JSONField()),
                    ("statements", ArrayField(base_field=models.TextField(), size=None)),
                    ("undo", ArrayField(base_field=models.TextField(), default=list, size=None)),
                    ("grants", ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                    ("reason", models.TextField()),
                    (
                        "risk",
                        models.CharField(
                            choices=[("low", "low"), ("medium", "medium"), ("high", "high")], max_length=6
                        ),
                    ),
                    (
                        "state",
                        models.CharField(
                            choices=[("intended", "Begun"), ("done", "Done"), ("undone", "Undone")],
                            default="intended",
                            max_length=8,
                        ),
                    ),
                    ("at", models.DateTimeField(default=timezone.now)),
                    ("settled_at", models.DateTimeField(blank=True, null=True)),
                    ("error", models.TextField(blank=True, default="")),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["source", "-id"], name="journal_of_source"),
                        models.Index(
                            condition=models.Q(("state", "intended")), fields=["source"], name="journal_unsettled"
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("reconciliation", "key"), name="journal_step_once_per_run")
                    ],
                },
            ),
            migrations.CreateModel(
                name="ManagedObject",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="managed_objects", to="catalog.source"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[("role", "Role"), ("view", "View"), ("privilege", "Privilege")], max_length=10
                        ),
                    ),
                    ("name", models.TextField()),
                    (
                        "definition",
                        models.TextField(
                            blank=True, default="", help_text="Of a view: as the source told it once made."
                        ),
                    ),
                    ("made_at", models.DateTimeField(default=timezone.now)),
                    ("gone_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("gone_at__isnull", True)),
                            fields=("source", "kind", "name"),
                            name="managed_object_once",
                        )
                    ]
                },
            ),
            migrations.CreateModel(
                name="Finding",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="findings", to="catalog.source"),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("privilege", "A privilege that no grant explains"),
                                ("public", "Open to everybody"),
                                ("superuser", "Reads everything"),
                                ("member", "Membership of a managed role"),
                                ("inherited", "Read through another role"),
                                ("defaults", "Rights that new tables are born with"),
                                ("definer_view", "A view that shows what its reader may not"),
                            ],
                            max_length=15,
                        ),
                    ),
                    ("key", models.CharField(max_length=24)),
                    ("sentence", models.TextField()),
                    ("fact", models.JSONField(default=dict)),
                    ("grantee", models.TextField(blank=True, default="")),
                    (
                        "logins",
                        ArrayField(
                            base_field=models.TextField(),
                            default=list,
                            help_text="The logins that can read by it.",
                            size=None,
                        ),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.CASCADE,
                            related_name="findings",
                            to="catalog.dataset",
                        ),
                    ),
                    ("columns", ArrayField(base_field=models.TextField(), default=list, size=None)),
                    (
                        "remedy",
                        ArrayField(
                            base_field=models.TextField(),
                            default=list,
                            help_text="Statements that would end it.",
                            size=None,
                        ),
                    ),
                    ("first_seen", models.DateTimeField(default=timezone.now)),
                    ("last_seen", models.DateTimeField(default=timezone.now)),
                    (
                        "resolution",
                        models.CharField(
                            blank=True,
                            choices=[
                                ("gone", "Gone from the source"),
                                ("adopted", "Adopted as a grant"),
                                ("accepted", "Accepted as it is"),
                            ],
                            default="",
                            max_length=10,
                        ),
                    ),
                    ("resolved_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "resolved_by",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    ("note", models.TextField(blank=True, default="")),
                ],
                options={
                    "indexes": [
                        models.Index(
                            condition=models.Q(("resolution", "")), fields=["source", "-id"], name="finding_open"
                        ),
                        models.Index(
                            condition=models.Q(("resolution", "")), fields=["dataset"], name="finding_of_dataset"
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("resolution", "gone"), _negated=True),
                            fields=("source", "key"),
                            name="finding_open_once",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("resolution", ""), ("resolved_at__isnull", True)),
                                models.Q(models.Q(("resolution", ""), _negated=True), ("resolved_at__isnull", False)),
                                _connector="OR",
                            ),
                            name="finding_resolved_has_time",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="ObservedFact",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.source"
                        ),
                    ),
                    ("digest", models.BinaryField(help_text="Of the fact, 16 bytes.")),
                    ("kind", models.CharField(max_length=20)),
                    ("path", ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                    ("anywhere", models.BooleanField(default=False, help_text="Whether the path is a pattern.")),
                    ("shows", models.BooleanField(default=False)),
                    ("fact", models.TextField(help_text="As JSON.")),
                    ("valid_from", models.DateTimeField()),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["source", "kind", "path"], name="observed_fact_by_place"),
                        models.Index(
                            condition=models.Q(("shows", True)), fields=["source"], name="observed_fact_shows"
                        ),
                        models.Index(
                            condition=models.Q(("anywhere", True)), fields=["source"], name="observed_fact_anywhere"
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)),
                            fields=("source", "digest"),
                            name="observed_fact_once",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="observed_fact_ends_after_it_begins",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Watch",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "source",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="catalog.source"
                        ),
                    ),
                    ("began_at", models.DateTimeField()),
                    ("ended_at", models.DateTimeField(help_text="The last inspection so far.")),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("source", "began_at"), name="watch_begins_once"),
                        models.CheckConstraint(
                            condition=models.Q(("ended_at__gte", models.F("began_at"))),
                            name="watch_ends_after_it_begins",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="ApprovalStep",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "request",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="steps", to="access.accessrequest"),
                    ),
                    ("position", models.PositiveSmallIntegerField()),
                    (
                        "audience",
                        models.CharField(
                            choices=[
                                ("answerable", "owners of the dataset, owners and stewards of its domain"),
                                ("owners", "owners of the dataset or its domain"),
                                ("stewards", "stewards of the dataset's domain"),
                                ("group", "members of its group"),
                                ("administrators", "administrators"),
                            ],
                            max_length=15,
                        ),
                    ),
                    (
                        "group",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="auth.group"
                        ),
                    ),
                    ("needed", models.PositiveSmallIntegerField(default=1)),
                    ("opened_at", models.DateTimeField(blank=True, null=True)),
                    (
                        "escalate_at",
                        models.DateTimeField(
                            blank=True, help_text="Undecided, administrators may decide then.", null=True
                        ),
                    ),
                    ("escalated_at", models.DateTimeField(blank=True, null=True)),
                    ("passed_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "ordering": ["request", "position"],
                    "indexes": [
                        models.Index(
                            condition=models.Q(("escalated_at__isnull", True), ("passed_at__isnull", True)),
                            fields=["escalate_at"],
                            name="step_undecided_until",
                        )
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("request", "position"), name="step_position_unique"),
                        models.CheckConstraint(
                            condition=models.Q(("needed__range", (1, 5))), name="step_needs_somebody"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("audience", "group"), ("group__isnull", False)),
                                models.Q(models.Q(("audience", "group"), _negated=True), ("group__isnull", True)),
                                _connector="OR",
                            ),
                            name="step_of_group_names_it",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Vote",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "step",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="votes", to="access.approvalstep"),
                    ),
                    ("by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    (
                        "acting_for",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("approves", models.BooleanField()),
                    (
                        "days",
                        models.PositiveSmallIntegerField(blank=True, help_text="For so many days at most.", null=True),
                    ),
                    ("reason", models.TextField(blank=True, default="")),
                    ("at", models.DateTimeField(default=timezone.now)),
                ],
                options={
                    "ordering": ["at", "id"],
                    "indexes": [models.Index(fields=["by", "-id"], name="vote_of_person")],
                    "constraints": [
                        models.UniqueConstraint(fields=("step", "by"), name="vote_once_per_person"),
                        models.UniqueConstraint(fields=("step", "acting_for"), name="vote_once_per_authority"),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Delegation",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "giver",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="delegations_given", to="accounts.principal"
                        ),
                    ),
                    (
                        "receiver",
                        models.ForeignKey(
                            on_delete=models.PROTECT, related_name="delegations_received", to="accounts.principal"
                        ),
                    ),
                    ("valid_from", models.DateTimeField()),
                    ("valid_to", models.DateTimeField()),
                    ("reason", models.TextField(blank=True, default="")),
                    (
                        "created_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["receiver", "valid_to"], name="delegation_to"),
                        models.Index(fields=["giver", "-id"], name="delegation_of"),
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("giver", models.F("receiver")), _negated=True),
                            name="delegation_is_to_somebody_else",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("valid_to__gte", models.F("valid_from"))),
                            name="delegation_ends_after_it_begins",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="Terms",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "slug",
                        models.SlugField(
                            max_length=60,
                            validators=[
                                validators.RegexValidator(
                                    "^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _."
                                )
                            ],
                        ),
                    ),
                    ("number", models.PositiveSmallIntegerField()),
                    ("name", models.CharField(max_length=150)),
                    ("text", models.TextField(help_text="Markdown.")),
                    (
                        "level",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=models.SET_NULL,
                            related_name="+",
                            to="classification.level",
                        ),
                    ),
                    (
                        "domain",
                        models.ForeignKey(
                            blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="catalog.domain"
                        ),
                    ),
                    ("valid_from", models.DateTimeField(default=timezone.now)),
                    ("valid_to", models.DateTimeField(blank=True, null=True)),
                    (
                        "published_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                ],
                options={
                    "ordering": ["slug", "-number"],
                    "constraints": [
                        models.UniqueConstraint(fields=("slug", "number"), name="terms_version_unique"),
                        models.UniqueConstraint(
                            condition=models.Q(("valid_to__isnull", True)), fields=("slug",), name="terms_in_force_once"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("level__isnull", True), ("domain__isnull", True), _connector="OR"),
                            name="terms_of_level_or_domain",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("valid_to__isnull", True), ("valid_to__gte", models.F("valid_from")), _connector="OR"
                            ),
                            name="terms_end_after_they_begin",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="TermsAcceptance",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "request",
                        models.ForeignKey(
                            on_delete=models.CASCADE, related_name="acceptances", to="access.accessrequest"
                        ),
                    ),
                    (
                        "terms",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="acceptances", to="access.terms"),
                    ),
                    ("by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("at", models.DateTimeField(default=timezone.now)),
                ],
                options={
                    "ordering": ["id"],
                    "constraints": [models.UniqueConstraint(fields=("request", "terms"), name="terms_accepted_once")],
                },
            ),
        ),
        migrations.RunSQL(FREEZE, THAW),
        migrations.RunPython(_policies.add_policies, migrations.RunPython.noop),
    ]
