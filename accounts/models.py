"""Who acts: people, services, pipelines and the application itself, all as principals; and the tokens they carry."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone


class DomainRole(models.TextChoices):
    """What a membership of a domain allows, least first."""

    VIEWER = "viewer", "Viewer"
    ANALYST = "analyst", "Analyst"
    STEWARD = "steward", "Steward"
    OWNER = "owner", "Owner"


class AccountManager(UserManager["User"]):
    """Creates each user together with its principal."""

    @transaction.atomic
    def _create_user(self, *args: Any, **kwargs: Any) -> User:
        user: User = super()._create_user(*args, **kwargs)  # type: ignore[misc]
        Principal.objects.for_user(user)
        return user


class User(AbstractUser):
    """A person who signs in. The e-mail address is unique: invitations and single sign-on find the person by it."""

    email = models.EmailField("e-mail address", unique=True)

    objects: ClassVar[AccountManager] = AccountManager()

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class PrincipalManager(models.Manager["Principal"]):
    def for_user(self, user: User) -> Principal:
        """The principal of a user, made where there is none yet."""
        principal, _ = self.get_or_create(
            user=user, defaults={"kind": Principal.Kind.PERSON, "name": user.display_name}
        )
        return principal

    def system(self) -> Principal:
        """The application itself: schedules, expiry, crawls nobody asked for."""
        principal, _ = self.get_or_create(kind=Principal.Kind.SYSTEM, name="Catalog")
        return principal


class Principal(models.Model):
    """Whoever can act. Every "by" in the product points here, so a person, a pipeline and a schedule are told alike."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        SERVICE = "service", "Service"
        PIPELINE = "pipeline", "Pipeline"
        SYSTEM = "system", "System"

    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=150)
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.PROTECT, related_name="principal")
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[PrincipalManager] = PrincipalManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="principal_person_has_user",
                condition=models.Q(kind="person", user__isnull=False)
                | ~models.Q(kind="person") & models.Q(user__isnull=True),
            ),
            models.UniqueConstraint(
                name="principal_name_unique_unless_person",
                fields=["kind", "name"],
                condition=~models.Q(kind="person"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    is_authenticated = True
    """DRF asks this of a request's user; whoever is a principal has proved it."""

    @property
    def is_administrator(self) -> bool:
        return self.user is not None and self.user.is_superuser and self.is_active

    @property
    def is_active(self) -> bool:
        return self.disabled_at is None and (self.user is None or self.user.is_active)


class TokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> TokenQuerySet:
        """Neither revoked nor expired, and of a principal that may still act."""
        now = timezone.now()
        return self.filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now),
            models.Q(principal__user__isnull=True) | models.Q(principal__user__is_active=True),
            revoked_at__isnull=True,
            principal__disabled_at__isnull=True,
        )


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is kept; `prefix` is what people recognise it by."""

    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=150)
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=50))
    namespaces = ArrayField(
        models.CharField(max_length=500),
        default=list,
        blank=True,
        help_text="Namespaces of datasets and jobs that events may mention; empty for all.",
    )
    created_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="token_name_unique_per_principal",
                fields=["principal", "name"],
                condition=models.Q(revoked_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
