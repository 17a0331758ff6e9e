"""How a source is reached. The secret is sealed here and opened only on the way to the driver."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Principal
from connections.addresses import Address
from connections.guard import networks
from connections.platforms import Platform
from connections.secrets import SecretBox
from connections.targets import Target, target
from connections.tls import TlsMode

_FILES = [platform.value for platform in Platform if platform.is_file]


class Connection(models.Model):
    """An address, a user and a sealed secret. A secret opens only for the address that it was entered for.

    Write through `connections.actions`: they check the address and record what was done.
    """

    platform = models.CharField(max_length=20, choices=[(platform.value, platform.label) for platform in Platform])
    host = models.CharField(max_length=253, default="", blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    database = models.CharField(max_length=200, default="", blank=True)
    path = models.CharField(max_length=4096, default="", blank=True)
    place = models.CharField(
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text="`Address.place`; null where another connection led there already before this was forbidden.",
    )
    username = models.CharField(max_length=200, default="", blank=True)
    options = models.JSONField(default=dict, blank=True)
    tls = models.CharField(
        max_length=20,
        choices=[(mode.value, mode.value) for mode in TlsMode],
        default=TlsMode.VERIFY_FULL.value,
    )
    tls_ca = models.TextField(default="", blank=True, help_text="The CA certificate of the server, as PEM text.")
    sealed_secret = models.BinaryField(null=True, blank=True, editable=False)
    key_id = models.CharField(max_length=12, default="", blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="connection_is_server_or_file",
                condition=Q(platform__in=_FILES, host="") & ~Q(path="")
                | ~Q(platform__in=_FILES) & Q(path="") & ~Q(host=""),
            ),
            models.CheckConstraint(
                name="connection_secret_names_its_key",
                condition=Q(sealed_secret__isnull=True, key_id="") | Q(sealed_secret__isnull=False) & ~Q(key_id=""),
            ),
        ]
        indexes = [models.Index(name="connection_key", fields=["key_id"])]

    def __str__(self) -> str:
        return str(self.address())

    @classmethod
    def of(cls, address: Address, *, by: Principal, tls_ca: str = "") -> Connection:
        """An unsaved connection to an address, its secret sealed."""
        connection = cls(
            platform=address.platform,
            host=address.host,
            port=address.port,
            database=address.database,
            path=address.path,
            username=address.username,
            options=dict(address.options),
            tls=address.tls,
            tls_ca=tls_ca,
            created_by=by,
        )
        connection.set_secret(address.secret)
        return connection

    def address(self, *, secret: str = "") -> Address:
        """The address, without the secret unless it is given."""
        return Address(
            platform=Platform(self.platform),
            host=self.host,
            port=self.port,
            database=self.database,
            path=self.path,
            username=self.username,
            secret=secret,
            options=self.options,
            tls=TlsMode(self.tls),
        )

    @property
    def bound_to(self) -> str:
        """What a secret is sealed for: with another server, user or TLS it is entered again."""
        return f"{self.address()} as {self.username}, TLS {self.tls} {self.tls_ca}".rstrip()

    @property
    def has_secret(self) -> bool:
        return self.sealed_secret is not None

    def set_secret(self, secret: str) -> None:
        """Seal a secret (empty: none) for the present address."""
        if not secret:
            self.sealed_secret, self.key_id = None, ""
            return
        box = secret_box()
        self.sealed_secret, self.key_id = box.seal(secret, bound_to=self.bound_to), box.key_id

    def target(self) -> Target:
        """The address resolved, guarded, pinned, and with its secret in the clear.

        Raises `Forbidden` for what may not be reached, `ConnectorError` for an unknown host or missing file,
        and `Conflict` when the secret does not open.
        """
        sealed = self.sealed_secret
        secret = secret_box().open(bytes(sealed), bound_to=self.bound_to) if sealed else ""
        return guarded(self.address(secret=secret), tls_ca=self.tls_ca)


def guarded(address: Address, *, tls_ca: str = "") -> Target:
    """The target of any address, under this installation's guard. Raises what the guard raises."""
    return target(
        address,
        allowed_networks=networks(map(str, settings.CONNECTION_ALLOWED_NETWORKS)),
        allowed_paths=settings.CONNECTION_ALLOWED_PATHS,
        tls_ca=tls_ca,
    )


def secret_box() -> SecretBox:
    """The box of this installation's keys."""
    return SecretBox(settings.CATALOG_ENCRYPTION_KEYS)
