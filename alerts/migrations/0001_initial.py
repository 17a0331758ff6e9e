"""The tables of notifications and of who wants which."""

from django.db import migrations, models
from django.utils import timezone

from common.tables import CreateTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_initial"), ("audit", "0001_initial"), ("catalog", "0001_initial")]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="Notification",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "receiver",
                        models.ForeignKey(
                            db_index=False, on_delete=models.PROTECT, related_name="+", to="accounts.principal"
                        ),
                    ),
                    (
                        "record",
                        models.ForeignKey(
                            db_index=False, on_delete=models.PROTECT, related_name="+", to="audit.record"
                        ),
                    ),
                    ("kind", models.CharField(max_length=30)),
                    ("rule", models.CharField(max_length=150)),
                    ("about_kind", models.CharField(max_length=30)),
                    ("about_id", models.BigIntegerField()),
                    ("others", models.PositiveIntegerField(default=0)),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    ("read_at", models.DateTimeField(blank=True, null=True)),
                    ("mail_due_at", models.DateTimeField(blank=True, null=True)),
                    ("mail_sent_at", models.DateTimeField(blank=True, null=True)),
                    ("mail_attempts", models.PositiveSmallIntegerField(default=0)),
                    ("mail_error", models.TextField(blank=True, default="")),
                ],
                options={
                    "indexes": [
                        models.Index(fields=["receiver", "-id"], name="notification_of_receiver"),
                        models.Index(
                            condition=models.Q(("read_at__isnull", True)),
                            fields=["receiver", "-id"],
                            name="notification_unread",
                        ),
                        models.Index(
                            condition=models.Q(("mail_due_at__isnull", False)),
                            fields=["mail_due_at"],
                            name="notification_to_mail",
                        ),
                        models.Index(fields=["created_at"], name="notification_by_age"),
                    ],
                    "constraints": [
                        models.UniqueConstraint(fields=("record", "receiver"), name="notification_once_per_person")
                    ],
                },
            ),
            migrations.CreateModel(
                name="Preference",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="+", to="accounts.principal"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("request_waits", "A request waits for me"),
                                ("my_request", "What becomes of my requests"),
                                ("my_access", "My access begins, is about to end, or has ended"),
                                ("access_given", "Access to data that I answer for"),
                                ("review_waits", "Access waits for my review"),
                                ("delegation", "Decisions that I gave or was given"),
                                ("enforcement", "A grant could not be carried out in its source"),
                                ("drift", "A source allows what nobody approved"),
                                ("schema", "The schema of a dataset that I own or follow changed"),
                                ("job", "A job that writes a dataset I own or follow failed or is overdue"),
                                ("crawl", "A crawl failed, was lost, or waits for a person"),
                                ("operation", "The catalog itself does not work as it should"),
                            ],
                            max_length=30,
                        ),
                    ),
                    (
                        "choice",
                        models.CharField(
                            choices=[
                                ("off", "Not at all"),
                                ("page", "In the catalog"),
                                ("digest", "In the catalog, and by a daily e-mail"),
                                ("mail", "In the catalog, and by e-mail at once"),
                            ],
                            max_length=10,
                        ),
                    ),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(fields=("principal", "kind"), name="preference_once_per_kind")
                    ]
                },
            ),
            migrations.CreateModel(
                name="Follow",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(
                            db_index=False, on_delete=models.CASCADE, related_name="follows", to="accounts.principal"
                        ),
                    ),
                    (
                        "dataset",
                        models.ForeignKey(on_delete=models.CASCADE, related_name="followers", to="catalog.dataset"),
                    ),
                    ("since", models.DateTimeField(default=timezone.now)),
                ],
                options={"constraints": [models.UniqueConstraint(fields=("principal", "dataset"), name="follow_once")]},
            ),
            migrations.CreateModel(
                name="Alarm",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("condition", models.CharField(max_length=50)),
                    (
                        "subject",
                        models.CharField(
                            help_text="The id of a row, or the name of a part of the catalog.", max_length=100
                        ),
                    ),
                    ("raised_at", models.DateTimeField(default=timezone.now)),
                    ("cleared_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [models.Index(fields=["condition", "-raised_at"], name="alarm_by_time")],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("cleared_at__isnull", True)),
                            fields=("condition", "subject"),
                            name="alarm_open_once",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                ("cleared_at__isnull", True),
                                ("cleared_at__gte", models.F("raised_at")),
                                _connector="OR",
                            ),
                            name="alarm_ends_after_it_begins",
                        ),
                    ],
                },
            ),
        )
    ]
