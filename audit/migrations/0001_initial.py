"""The tables of the record."""

from django.db import migrations, models
from django.utils import timezone

import audit.models
from common.tables import CreateTables


class Migration(migrations.Migration):
    initial = True

    replaces = [("audit", "0002_undone_deliveries")]

    # Tables of packages that hang on users come first: at each of their steps Django renders the models that are known
    # anew, which takes a moment while ours are not among them.
    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("axes", "0010_accessattemptexpiration"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="Record",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("event", models.CharField(max_length=100)),
                    ("actor", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                    ("occurred_at", models.DateTimeField()),
                    ("payload", models.TextField()),
                    (
                        "xid",
                        audit.models.TransactionIdField(db_default=audit.models.CurrentTransactionId(), editable=False),
                    ),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["-id"], name="record_by_time"),
                        models.Index(fields=["event", "-id"], name="record_by_event"),
                        models.Index(fields=["actor", "-id"], name="record_by_actor"),
                    ]
                },
            ),
            migrations.CreateModel(
                name="RecordSubject",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "kind",
                            "object_id",
                            "record_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("record", models.ForeignKey(on_delete=models.PROTECT, related_name="subjects", to="audit.record")),
                    ("kind", models.CharField(max_length=30)),
                    ("object_id", models.BigIntegerField()),
                    ("change", models.CharField(blank=True, default="", max_length=20)),
                ],
                options={"indexes": [models.Index(fields=["record"], name="record_subject_by_record")]},
            ),
            migrations.CreateModel(
                name="PersonalDetail",
                fields=[
                    (
                        "record",
                        models.OneToOneField(
                            on_delete=models.PROTECT,
                            primary_key=True,
                            related_name="personal",
                            serialize=False,
                            to="audit.record",
                        ),
                    ),
                    ("salt", models.BinaryField(max_length=16)),
                    ("values", models.JSONField()),
                ],
            ),
            migrations.CreateModel(
                name="Delivery",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "record",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="deliveries", to="audit.record"),
                    ),
                    ("handler", models.CharField(max_length=200)),
                    (
                        "state",
                        models.CharField(
                            choices=[("pending", "Pending"), ("done", "Done"), ("failed", "Failed")],
                            default="pending",
                            max_length=10,
                        ),
                    ),
                    ("attempts", models.PositiveSmallIntegerField(default=0)),
                    ("next_attempt_at", models.DateTimeField(default=timezone.now)),
                    ("last_error", models.TextField(blank=True, default="")),
                ],
                options={
                    "verbose_name_plural": "deliveries",
                    "indexes": [
                        models.Index(
                            condition=models.Q(("state", "pending")),
                            fields=["next_attempt_at", "id"],
                            name="delivery_waiting",
                        ),
                        models.Index(
                            condition=models.Q(("state__in", ["pending", "failed"])),
                            fields=["state"],
                            name="delivery_undone",
                        ),
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("record", "handler"), name="delivery_once_per_handler")
                    ],
                },
            ),
        )
    ]
