"""What the intake refused, for the owners of the tokens."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("lineage", "0004_depth")]

    operations = [
        migrations.CreateModel(
            name="RejectedEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rejected_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "status",
                    models.PositiveSmallIntegerField(
                        help_text="The HTTP status of the answer, or what it would be for it alone."
                    ),
                ),
                (
                    "field",
                    models.TextField(
                        blank=True, help_text="Which member of the event, as a dotted path; empty for the whole."
                    ),
                ),
                ("reason", models.TextField()),
                (
                    "body",
                    models.TextField(
                        blank=True, help_text="The beginning of it, secrets masked; empty where it was not read."
                    ),
                ),
                ("size", models.PositiveIntegerField(help_text="Bytes of the whole body.")),
                (
                    "batch_index",
                    models.PositiveIntegerField(null=True, help_text="Its place in a batch, counted from 0."),
                ),
                (
                    "token",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.apitoken",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["token", "-id"], name="rejected_event_by_token"),
                    models.Index(fields=["rejected_at"], name="rejected_event_by_time"),
                ],
            },
        ),
    ]
