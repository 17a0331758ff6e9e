"""The table of connections."""

from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("connections", "0002_server_or_file"),
        ("connections", "0003_place"),
        ("connections", "0004_place_of_known_connections"),
    ]

    dependencies = [("accounts", "0001_initial"), ("audit", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Connection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "platform",
                    models.CharField(
                        choices=[
                            ("postgres", "PostgreSQL"),
                            ("mysql", "MariaDB or MySQL"),
                            ("sqlite", "SQLite"),
                            ("duckdb", "DuckDB"),
                        ],
                        max_length=20,
                    ),
                ),
                ("host", models.CharField(blank=True, default="", max_length=253)),
                ("port", models.PositiveIntegerField(blank=True, null=True)),
                ("database", models.CharField(blank=True, default="", max_length=200)),
                ("path", models.CharField(blank=True, default="", max_length=4096)),
                (
                    "place",
                    models.CharField(
                        blank=True,
                        editable=False,
                        help_text="`Address.place`; null where another connection led there already before this was forbidden.",
                        max_length=64,
                        null=True,
                        unique=True,
                    ),
                ),
                ("username", models.CharField(blank=True, default="", max_length=200)),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "tls",
                    models.CharField(
                        choices=[
                            ("disable", "disable"),
                            ("require", "require"),
                            ("verify-ca", "verify-ca"),
                            ("verify-full", "verify-full"),
                        ],
                        default="verify-full",
                        max_length=20,
                    ),
                ),
                (
                    "tls_ca",
                    models.TextField(
                        blank=True, default="", help_text="The CA certificate of the server, as PEM text."
                    ),
                ),
                ("sealed_secret", models.BinaryField(blank=True, null=True)),
                ("key_id", models.CharField(blank=True, default="", editable=False, max_length=12)),
                ("created_at", models.DateTimeField(default=timezone.now)),
                ("created_by", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal")),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "indexes": [models.Index(fields=["key_id"], name="connection_key")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("host", ""),
                                ("platform__in", ["sqlite", "duckdb"]),
                                models.Q(("path", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("platform__in", ["sqlite", "duckdb"]), _negated=True),
                                ("path", ""),
                                models.Q(("host", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="connection_is_server_or_file",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key_id", ""), ("sealed_secret__isnull", True)),
                            models.Q(("sealed_secret__isnull", False), models.Q(("key_id", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="connection_secret_names_its_key",
                    ),
                ],
            },
        )
    ]
