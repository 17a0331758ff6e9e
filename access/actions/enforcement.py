"""Every write about enforcement that people make: its setting, logins, plans, findings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.actions.drafts import check_standing
from access.actions.words import names_of, told_of_grant
from access.asking import ruling_for
from access.enforcement.asking import ask, first_state
from access.enforcement.engines import can_enforce
from access.enforcement.events import EnforcementChanged, FindingResolved, LoginNamed, LoginTaken, PlanConfirmed
from access.enforcement.logins import naming_of
from access.enforcement.offering import check_can_mask
from access.events import GrantAdopted
from access.models import DatabaseLogin, Enforcement, Finding, Grant, ManagedObject, Reconciliation
from access.permissions import check_can_accept, check_can_adopt, check_can_enforce_grants
from access.policy import Audience, StepWanted
from access.provisioning.desired import Profile
from access.states import GRANT_CARRIED_OUT
from accounts.models import Principal
from audit.recording import record
from catalog.actions import edit_source
from catalog.models import Dataset, Field, Source
from common.errors import Conflict, Forbidden, Invalid

SETTINGS = ("mode", "profile", "revoke_limit", "prefix", "mask_schema", "ends_sessions")


@transaction.atomic
def set_enforcement(*, source: Source, by: Principal, **values: Any) -> Enforcement:
    """Say how grants are carried out in a source; `values` are some of `SETTINGS`.

    Raises `Conflict` where enforcement would end or move while the source holds something of the catalog's.
    """
    check_can_enforce_grants(by, source)
    if not can_enforce(source):
        raise Conflict(f"{source} has no connection that grants can be carried out through.")
    found = Enforcement.objects.select_for_update().filter(source=source).first()
    enforcement = found or Enforcement(source=source)
    before = {name: getattr(enforcement, name) for name in SETTINGS} if found else {}
    for name in SETTINGS:
        if name in values:
            setattr(enforcement, name, values[name])
    if before:
        _check_moves(source, enforcement, before)
    enforcement.changed_by = by
    enforcement.asked_at = timezone.now()
    try:
        enforcement.clean_fields(exclude=["source", "changed_by"])
    except ValidationError as error:
        raise Invalid("Some values cannot be accepted.", error.message_dict) from None
    enforcement.save()
    _leave_out_masked_views(source, enforcement, by)
    after = {name: getattr(enforcement, name) for name in SETTINGS}
    record(
        EnforcementChanged(source_id=source.pk, source=source.name, before=before, after=after),
        by=by,
    )
    return enforcement


def _leave_out_masked_views(source: Source, enforcement: Enforcement, by: Principal) -> None:
    """The catalog's own masked views are no datasets of the source: its crawls leave their schema out."""
    pattern = f"{enforcement.mask_schema}.*"
    if enforcement.profile == Profile.ROLE_MANAGING and pattern not in source.exclude:
        edit_source(source=source, changes={"exclude": [*source.exclude, pattern]}, by=by)


def _check_moves(source: Source, enforcement: Enforcement, before: dict[str, Any]) -> None:
    held = ManagedObject.objects.filter(source=source, gone_at__isnull=True)
    if enforcement.mode == Enforcement.Mode.OFF and before["mode"] != Enforcement.Mode.OFF:
        carried = Grant.objects.filter(dataset__source=source, state__in=GRANT_CARRIED_OUT).count()
        if carried or held.exists():
            raise Conflict(
                f"{carried} grants are carried out in {source}, and what they gave would stay there unseen. End them"
                " first, or choose the dry run: then nothing is changed and everything is still compared."
            )
    moved = [name for name in ("prefix", "mask_schema") if getattr(enforcement, name) != before[name]]
    if moved and held.exists():
        raise Conflict(f"The catalog has roles or views in {source} under the old name. End its grants first.")


@transaction.atomic
def name_login(*, source: Source, principal: Principal, name: str, by: Principal) -> DatabaseLogin | None:
    """Say as whom somebody logs in to a source; an empty name takes what was known away.

    Raises `Forbidden` where somebody else must do it, as `access.policy.may_name_login` says, with who that could be: one's
    own is for another administrator, or, while no grant is given to it, an owner of the source's domain. Raises
    `Conflict` where the login is somebody else's.
    """
    check_can_enforce_grants(by, source)
    name = name.strip()
    present = DatabaseLogin.objects.filter(source=source, principal=principal, valid_to__isnull=True)
    known = present.select_for_update(of=("self",)).first()
    before = known.name if known else ""
    if name == before:
        return known
    naming = naming_of(by, source, principal, name, before)
    if not naming.decision:
        raise Forbidden(naming.decision.reasons[0])
    now = timezone.now()
    present.update(valid_to=now)
    made = None
    if name:
        try:
            with transaction.atomic():
                made = DatabaseLogin.objects.create(
                    source=source, principal=principal, name=name, valid_from=now, set_by=by
                )
        except IntegrityError:
            raise Conflict(f"{name} is the login of somebody else here. Take it from them first.") from None
    ask(sources=[source.pk])
    event = LoginNamed if name else LoginTaken
    record(
        event(
            source_id=source.pk,
            source=source.name,
            person_id=principal.pk,
            person=str(principal),
            login=name or before,
            before={"login": before} if before else {},
            after={"login": name} if name else {},
            concerned_ids=sorted(naming.people),
        ),
        by=by,
    )
    return made


@transaction.atomic
def ask_comparison(*, source: Source, by: Principal) -> None:
    """Have a source compared now. Raises `Conflict` where enforcement is off."""
    check_can_enforce_grants(by, source)
    if not Enforcement.objects.filter(source=source).exclude(mode=Enforcement.Mode.OFF).exists():
        raise Conflict("Enforcement is off for this source. Choose at least the dry run.")
    Enforcement.objects.filter(source=source).update(asked_at=timezone.now(), tried_at=None)


@transaction.atomic
def confirm_plan(*, reconciliation: Reconciliation, plan_hash: str, by: Principal) -> Reconciliation:
    """Let a plan that waits be carried out, as it is: where the source changed meanwhile, a new one waits instead.

    Raises `Conflict` where it is not the plan that was looked at, or waits no more.
    """
    check_can_enforce_grants(by, reconciliation.source)
    row = Reconciliation.objects.select_for_update(of=("self",)).select_related("source").get(pk=reconciliation.pk)
    if row.state != Reconciliation.State.WAITING or row.plan_hash != plan_hash:
        raise Conflict("This plan waits no more, or is another one by now. Look at the newest.")
    row.state = Reconciliation.State.CONFIRMED
    row.confirmed_by, row.confirmed_at = by, timezone.now()
    row.save(update_fields=["state", "confirmed_by", "confirmed_at"])
    ask(sources=[row.source_id])
    record(
        PlanConfirmed(
            source_id=row.source_id,
            source=row.source.name,
            reconciliation_id=row.pk,
            plan_hash=row.plan_hash,
            steps=row.steps,
        ),
        by=by,
    )
    return row


@transaction.atomic
def accept_finding(*, finding: Finding, note: str, by: Principal) -> Finding:
    """Let something stay that no grant explains; why is kept."""
    check_can_accept(by, finding)
    note = note.strip()
    if not note:
        raise Invalid("Say why it may stay; auditors read it.", {"note": ["Say why."]})
    return _resolve(finding, Finding.Resolution.ACCEPTED, note, by)


@transaction.atomic
def adopt_finding(*, finding: Finding, days: int, note: str, by: Principal) -> Grant:
    """Make a grant of what somebody can read without one, so that it has an author, a reason and an end.

    Whoever may decide on the dataset may, but not for themselves, and for no longer and no clearer than policy lets the
    holder have. Raises `Conflict` where the finding is not about one person and one dataset whose columns are known,
    where policy refuses it or wants more than this approval, or a grant of theirs is in the way.
    """
    row = _open(finding)
    dataset, holder = check_can_adopt(by, row)
    note = note.strip()
    if not note:
        raise Invalid("Say why they need it; the grant keeps it.", {"note": ["Say why."]})
    fields = _fields_of(row, dataset)
    check_standing(dataset, fields)
    ruling = ruling_for(holder, dataset, fields)
    if ruling.is_refused:
        raise Conflict(f"{' '.join(ruling.reasons)} Take the privilege away in the source, or have the policy changed.")
    check_can_mask(dataset, fields, ruling.masks)
    if not ruling.is_automatic and not _one_answerable_is_enough(ruling.steps):
        raise Conflict("This takes more approvals than yours, or those of others. Let them ask for it.")
    limit = ruling.duration
    if not 1 <= days <= limit.days:
        raise Invalid(limit.reasons[0], {"days": [f"Choose from 1 to {limit.days} days. {limit.reasons[0]}"]})
    now = timezone.now()
    grant = Grant(
        principal=holder,
        dataset=dataset,
        field_ids=sorted(field.pk for field in fields),
        masks={str(field_id): mask.value for field_id, mask in sorted(ruling.masks.items())},
        state=first_state(dataset),
        valid_from=now,
        valid_to=now + dt.timedelta(days=days),
        granted_by=by,
    )
    try:
        with transaction.atomic():
            grant.save()
    except IntegrityError:
        raise Conflict(f"{holder} has a grant on {dataset.name} already. Let them ask for the rest.") from None
    _resolve(row, Finding.Resolution.ADOPTED, note, by)
    ask(sources=[row.source_id])
    record(GrantAdopted(**told_of_grant(grant, names_of([grant.field_ids])), days=days, reason=note), by=by)
    return grant


def _fields_of(finding: Finding, dataset: Dataset) -> list[Field]:
    """The fields that a finding is about, none for the whole dataset. Raises `Conflict` where one is not known here."""
    named = Field.objects.filter(dataset=dataset, path__in=[[name] for name in finding.columns], gone_since=None)
    fields = list(named.order_by("pk"))
    missing = sorted(set(finding.columns) - {field.path[0] for field in fields})
    if missing:
        raise Conflict(
            f"{', '.join(missing)} of {dataset.name} is not in the catalog yet. Crawl the source, then adopt it."
        )
    return fields


def _one_answerable_is_enough(steps: Sequence[StepWanted]) -> bool:
    return [(step.audience, step.needed) for step in steps] == [(Audience.ANSWERABLE, 1)]


def _open(finding: Finding) -> Finding:
    rows = Finding.objects.select_for_update(of=("self",)).select_related("source", "dataset", "principal__user")
    row: Finding = rows.get(pk=finding.pk)
    if row.resolution:
        raise Conflict(f"This finding is closed: {row.get_resolution_display().lower()}.")
    return row


def _resolve(finding: Finding, resolution: Finding.Resolution, note: str, by: Principal) -> Finding:
    row = _open(finding)
    row.resolution, row.resolved_at, row.resolved_by, row.note = resolution, timezone.now(), by, note
    row.save(update_fields=["resolution", "resolved_at", "resolved_by", "note"])
    record(
        FindingResolved(
            source_id=row.source_id,
            source=row.source.name,
            finding_id=row.pk,
            what=row.sentence,
            resolution=row.get_resolution_display().lower(),
        ),
        by=by,
    )
    return row
