"""The tables of users, principals and tokens."""

from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.utils import timezone

import accounts.models
from common.tables import CreateTables


class Migration(migrations.Migration):
    initial = True

    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        CreateTables(
            migrations.CreateModel(
                name="User",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    ("password", models.CharField(max_length=128, verbose_name="password")),
                    ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                    (
                        "is_superuser",
                        models.BooleanField(
                            default=False,
                            help_text="Designates that this user has all permissions without explicitly assigning them.",
                            verbose_name="superuser status",
                        ),
                    ),
                    (
                        "username",
                        models.CharField(
                            error_messages={"unique": "A user with that username already exists."},
                            help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                            max_length=150,
                            unique=True,
                            validators=[UnicodeUsernameValidator()],
                            verbose_name="username",
                        ),
                    ),
                    ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                    ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                    (
                        "is_staff",
                        models.BooleanField(
                            default=False,
                            help_text="Designates whether the user can log into this admin site.",
                            verbose_name="staff status",
                        ),
                    ),
                    (
                        "is_active",
                        models.BooleanField(
                            default=True,
                            help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                            verbose_name="active",
                        ),
                    ),
                    ("date_joined", models.DateTimeField(default=timezone.now, verbose_name="date joined")),
                    ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                    (
                        "groups",
                        models.ManyToManyField(
                            blank=True,
                            help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                            related_name="user_set",
                            related_query_name="user",
                            to="auth.group",
                            verbose_name="groups",
                        ),
                    ),
                    (
                        "user_permissions",
                        models.ManyToManyField(
                            blank=True,
                            help_text="Specific permissions for this user.",
                            related_name="user_set",
                            related_query_name="user",
                            to="auth.permission",
                            verbose_name="user permissions",
                        ),
                    ),
                ],
                options={"verbose_name": "user", "verbose_name_plural": "users", "abstract": False},
                managers=[("objects", accounts.models.AccountManager())],
            ),
            migrations.CreateModel(
                name="Principal",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("person", "Person"),
                                ("service", "Service"),
                                ("pipeline", "Pipeline"),
                                ("system", "System"),
                            ],
                            max_length=10,
                        ),
                    ),
                    ("name", models.CharField(max_length=150)),
                    (
                        "user",
                        models.OneToOneField(
                            blank=True,
                            null=True,
                            on_delete=models.PROTECT,
                            related_name="principal",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("kind", "person"), ("user__isnull", False)),
                                models.Q(models.Q(("kind", "person"), _negated=True), ("user__isnull", True)),
                                _connector="OR",
                            ),
                            name="principal_person_has_user",
                        ),
                        models.UniqueConstraint(
                            condition=models.Q(("kind", "person"), _negated=True),
                            fields=("kind", "name"),
                            name="principal_name_unique_unless_person",
                        ),
                    ]
                },
            ),
            migrations.CreateModel(
                name="ApiToken",
                fields=[
                    (
                        "id",
                        models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                    ),
                    (
                        "principal",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="tokens", to="accounts.principal"),
                    ),
                    ("name", models.CharField(max_length=150)),
                    ("prefix", models.CharField(max_length=12)),
                    ("digest", models.BinaryField(max_length=32, unique=True)),
                    ("scopes", ArrayField(base_field=models.CharField(max_length=50), size=None)),
                    (
                        "namespaces",
                        ArrayField(
                            base_field=models.CharField(max_length=500),
                            blank=True,
                            default=list,
                            help_text="Namespaces of datasets and jobs that events may mention; empty for all.",
                            size=None,
                        ),
                    ),
                    (
                        "created_by",
                        models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="accounts.principal"),
                    ),
                    ("created_at", models.DateTimeField(default=timezone.now)),
                    ("expires_at", models.DateTimeField(blank=True, null=True)),
                    ("last_used_at", models.DateTimeField(blank=True, null=True)),
                    ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("revoked_at__isnull", True)),
                            fields=("principal", "name"),
                            name="token_name_unique_per_principal",
                        )
                    ]
                },
            ),
        )
    ]
