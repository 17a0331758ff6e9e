"""How grants are carried out in a source: its setting, the logins of people there, and what was done."""

from __future__ import annotations

import re

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from access.provisioning.desired import Profile, Rules
from access.provisioning.plan import Change, Risk
from access.querysets import FindingQuerySet
from accounts.models import Principal
from catalog.models import Dataset, Source

_PLAIN = re.compile(r"[a-z][a-z0-9_]*\Z")

PROFILES = [
    (Profile.ROLE_MANAGING.value, "Role-managing: group roles of its own, and masked views"),
    (Profile.GRANT_ONLY.value, "Grant-only: rights for logins that exist"),
]


class Enforcement(models.Model):
    """Whether and how grants on a source's datasets become privileges there; and whose turn it is to see to it.

    `asked_at` is set in the transaction of whatever changes what the source should hold; a reconciler clears it.
    A reconciler holds the row by a lease with a fence: it writes under its fence only.
    """

    class Mode(models.TextChoices):
        OFF = "off", "Off: grants are recorded here only"
        DRY_RUN = "dry_run", "Dry run: plans are shown, nothing is changed"
        CONFIRM = "confirm", "Apply with confirmation: what is over ends by itself, all else waits for a person"
        AUTOMATIC = "automatic", "Automatic"

    CARRYING_OUT = (Mode.CONFIRM, Mode.AUTOMATIC)
    """The modes in which new grants are to become privileges."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="enforcement")
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.DRY_RUN)
    profile = models.CharField(
        max_length=15,
        default=Profile.ROLE_MANAGING.value,
        choices=PROFILES,
    )
    revoke_limit = models.PositiveIntegerField(
        default=50, help_text="More revocations in a run that no ended grant explains wait for a person."
    )
    prefix = models.CharField(
        max_length=20,
        default="dc_",
        validators=[RegexValidator(_PLAIN.pattern, "Lower-case letters, digits and _ only, a letter first.")],
        help_text="How the names of managed roles begin.",
    )
    mask_schema = models.CharField(
        max_length=40,
        default="dc_masked",
        validators=[RegexValidator(_PLAIN.pattern, "Lower-case letters, digits and _ only, a letter first.")],
        help_text="The schema (or database) of masked views; it is there before the first of them.",
    )
    ends_sessions = models.BooleanField(
        default=True, help_text="Open sessions of a login that lost access are ended where the account may."
    )
    changed_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    asked_at = models.DateTimeField(null=True, blank=True, help_text="Since when a reconciliation is wanted.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When the source was last read and judged.")
    failed_since = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    hung_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last waited for a connection in vain; none since it answered."
    )
    problem = models.TextField(default="", blank=True)
    version = models.CharField(max_length=60, default="", blank=True, help_text="Of the server, as it told last.")
    fence = models.BigIntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(name="enforcement_asked", fields=["asked_at"], condition=Q(asked_at__isnull=False))]

    def __str__(self) -> str:
        return f"enforcement of source {self.source_id}"

    @property
    def carries_out(self) -> bool:
        """Whether new grants are to become privileges."""
        return self.mode in self.CARRYING_OUT

    def rules(self, *, wraps: bool) -> Rules:
        return Rules(
            profile=Profile(self.profile),
            prefix=self.prefix,
            mask_schema=self.mask_schema,
            revoke_limit=self.revoke_limit,
            wraps=wraps,
        )


class DatabaseLogin(models.Model):
    """As whom a principal logs in to a source. One that was replaced has its end in `valid_to`."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="logins")
    principal = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="database_logins")
    name = models.CharField(max_length=128)
    valid_from = models.DateTimeField(default=timezone.now)
    valid_to = models.DateTimeField(null=True, blank=True)
    set_by = models.ForeignKey(Principal, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="login_once_per_principal", fields=["source", "principal"], condition=Q(valid_to__isnull=True)
            ),
            models.UniqueConstraint(
                name="login_is_of_one_principal", fields=["source", "name"], condition=Q(valid_to__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Reconciliation(models.Model):
    """One look at a source with what followed. `plan` holds steps with their statements, as `plan_hash` names them."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        CLEAN = "clean", "Nothing to do"
        PLANNED = "planned", "Planned, nothing changed"
        WAITING = "waiting", "Waits for confirmation"
        CONFIRMED = "confirmed", "Confirmed"
        APPLIED = "applied", "Applied"
        FAILED = "failed", "Failed"
        REPLACED = "replaced", "Replaced by a newer plan"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="reconciliations")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    fence = models.BigIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    message = models.TextField(default="", blank=True)
    plan = models.JSONField(default=list, blank=True)
    plan_hash = models.CharField(max_length=64, default="", blank=True)
    steps = models.PositiveIntegerField(default=0)
    revokes = models.PositiveIntegerField(default=0)
    confirmed_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="plan_waits_once_per_source",
                fields=["source"],
                condition=Q(state__in=["waiting", "confirmed", "planned"]),
            )
        ]
        indexes = [models.Index(name="reconciliation_of_source", fields=["source", "-id"])]

    def __str__(self) -> str:
        return f"reconciliation {self.pk}"

    @property
    def gives(self) -> int:
        """How many of its steps take no access."""
        return self.steps - self.revokes


class JournalEntry(models.Model):
    """One step in a source: noted before its first statement, and again when it was carried out or undone."""

    class State(models.TextChoices):
        INTENDED = "intended", "Begun"
        DONE = "done", "Done"
        UNDONE = "undone", "Undone"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="journal", db_index=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="journal")
    key = models.CharField(max_length=24)
    change = models.CharField(max_length=6, choices=[(one.value, one.value) for one in Change])
    fact = models.JSONField()
    statements = ArrayField(models.TextField())
    undo = ArrayField(models.TextField(), default=list)
    grants = ArrayField(models.BigIntegerField(), default=list)
    reason = models.TextField()
    risk = models.CharField(max_length=6, choices=[(one.value, one.value) for one in Risk])
    state = models.CharField(max_length=8, choices=State, default=State.INTENDED)
    at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="journal_step_once_per_run", fields=["reconciliation", "key"])]
        indexes = [
            models.Index(name="journal_of_source", fields=["source", "-id"]),
            models.Index(name="journal_unsettled", fields=["source"], condition=Q(state="intended")),
        ]

    def __str__(self) -> str:
        return f"{self.change} in source {self.source_id}"


class ManagedObject(models.Model):
    """Something that the catalog made in a source, and therefore may take away: a role, a view, a login's privilege.

    It is written with the journal's intent, before anything is made. `name` is a role's name, or a fact as JSON.
    """

    class Kind(models.TextChoices):
        ROLE = "role", "Role"
        VIEW = "view", "View"
        PRIVILEGE = "privilege", "Privilege"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="managed_objects")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.TextField()
    definition = models.TextField(default="", blank=True, help_text="Of a view: as the source told it once made.")
    made_at = models.DateTimeField(default=timezone.now)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="managed_object_once", fields=["source", "kind", "name"], condition=Q(gone_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Finding(models.Model):
    """Something that a source allows and nobody approved. It is a work item until it is gone, adopted or accepted.

    One that was opened again keeps who resolved it before and why in `resolved_by` and `note`.
    """

    class Kind(models.TextChoices):
        PRIVILEGE = "privilege", "A privilege that no grant explains"
        PUBLIC = "public", "Open to everybody"
        SUPERUSER = "superuser", "Reads everything"
        MEMBER = "member", "Membership of a managed role"
        INHERITED = "inherited", "Read through another role"
        DEFAULTS = "defaults", "Rights that new tables are born with"
        DEFINER_VIEW = "definer_view", "A view that shows what its reader may not"

    ADOPTABLE = (Kind.PRIVILEGE, Kind.INHERITED)
    """The kinds of which a grant can be made, where it is known who reads which dataset."""

    class Resolution(models.TextChoices):
        GONE = "gone", "Gone from the source"
        ADOPTED = "adopted", "Adopted as a grant"
        ACCEPTED = "accepted", "Accepted as it is"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=15, choices=Kind)
    key = models.CharField(max_length=24)
    sentence = models.TextField()
    fact = models.JSONField(default=dict)
    grantee = models.TextField(default="", blank=True)
    logins = ArrayField(models.TextField(), default=list, help_text="The logins that can read by it.")
    principal = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    dataset = models.ForeignKey(Dataset, null=True, blank=True, on_delete=models.CASCADE, related_name="findings")
    columns = ArrayField(models.TextField(), default=list)
    remedy = ArrayField(models.TextField(), default=list, help_text="Statements that would end it.")
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    resolution = models.CharField(max_length=10, choices=Resolution, default="", blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(Principal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(default="", blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="finding_open_once", fields=["source", "key"], condition=~Q(resolution="gone")
            ),
            models.CheckConstraint(
                name="finding_resolved_has_time",
                condition=Q(resolution="", resolved_at__isnull=True) | ~Q(resolution="") & Q(resolved_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="finding_open", fields=["source", "-id"], condition=Q(resolution="")),
            models.Index(name="finding_of_dataset", fields=["dataset"], condition=Q(resolution="")),
        ]

    def __str__(self) -> str:
        return self.sentence

    @property
    def is_adoptable(self) -> bool:
        """Whether it is about what one known person reads of one dataset, of which a grant could be made."""
        return self.kind in self.ADOPTABLE and self.principal_id is not None and self.dataset_id is not None
