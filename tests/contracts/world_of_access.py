"""What the catalog of the contract tests has of access: requests, a grant, a policy, terms, an emergency, enforcement."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from access.actions import (
    approve_request,
    delegate_decisions,
    name_login,
    open_in_emergency,
    publish_terms,
    request_access,
    revise_terms,
    set_enforcement,
)
from access.actions.policies import draft_policy, draft_version, edit_draft, publish_policy
from access.models import (
    AccessRequest,
    DatabaseLogin,
    Delegation,
    EmergencyReview,
    Finding,
    Grant,
    JournalEntry,
    Policy,
    Reconciliation,
    Terms,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Effect, MaskOf, Resources, Role, Rule, Subjects
from catalog.actions import assign_owner
from catalog.models import Dataset, Field, Ownership, Source
from classification.models import Level
from tests import factories


def delegate(cast: factories.Cast) -> Delegation:
    now = timezone.now()
    return delegate_decisions(
        giver=cast.analyst,
        receiver=cast.outsider,
        valid_from=now,
        valid_to=now + dt.timedelta(days=7),
        reason="On leave.",
        by=cast.analyst,
    )


def policy_in_force(cast: factories.Cast) -> Policy:
    """One of the domain Teaching, in force, with a draft of its next version."""
    own = Resources(domains=(cast.domain.pk,), level_from=Level.objects.get(slug="restricted").pk)
    masks = (MaskOf(Mask.HASH),)
    rule = Rule(Effect.RESTRICT, (Action.READ,), Subjects(everyone=True), resources=own, masks=masks)
    draft = draft_policy(name="Restricted data is hashed", rule=rule, domain=cast.domain, by=cast.administrator)
    publish_policy(version=draft, by=cast.administrator)
    edit_draft(
        version=draft_version(policy=draft.policy, by=cast.administrator),
        rule=Rule(Effect.DENY, (Action.READ,), Subjects(roles=(Role.VIEWER,)), resources=own),
        by=cast.administrator,
    )
    return draft.policy


def terms_of_teaching(cast: factories.Cast) -> Terms:
    first = publish_terms(
        name="Handling of restricted data",
        text="Keep it where it is.",
        level=Level.objects.get(slug="restricted"),
        by=cast.administrator,
    )
    return revise_terms(terms=first, text="Keep it where it is, and **copy nothing**.", by=cast.administrator)


def emergency(cast: factories.Cast, users: Dataset) -> EmergencyReview:
    projects = Dataset.objects.get(source=users.source, name="projects")
    grant = open_in_emergency(dataset=projects, reason="Grades are missing.", hours=2, by=cast.analyst)
    return EmergencyReview.objects.get(request_id=grant.request_id)


def requests_and_grant(
    cast: factories.Cast, users: Dataset, email: Field
) -> tuple[AccessRequest, AccessRequest, Grant]:
    """One that waits, and one that was approved."""
    decided = request_access(dataset=users, fields=[email], purpose="Invite tutors.", days=30, by=cast.analyst)
    grant = approve_request(request=decided, reason="For this trimester.", by=cast.owner)
    units = Dataset.objects.get(source=users.source, name="units")
    assign_owner(datasets=[units], principal=cast.owner, kind=Ownership.Kind.OWNER, by=cast.steward)
    pending = request_access(dataset=units, purpose="Plan the timetable.", days=90, by=cast.analyst)
    decided.refresh_from_db()
    assert grant is not None
    return pending, decided, grant


def enforced(ontrack: Source, users: Dataset, cast: factories.Cast) -> tuple[Reconciliation, Finding, DatabaseLogin]:
    """How the source is enforced: a plan that waits, what was run before, a finding, and a login."""
    set_enforcement(source=ontrack, mode="confirm", by=cast.administrator)
    login = name_login(source=ontrack, principal=cast.analyst, name="ana", by=cast.administrator)
    assert login is not None
    statement = 'GRANT "dc_1_0a1b2c3d4e" TO "ana" WITH INHERIT TRUE, SET FALSE'
    step = {"key": "0" * 24, "change": "add", "grants": [], "reason": "Grant 1 asks for it.", "risk": "low"}
    plan = Reconciliation.objects.create(
        source=ontrack,
        state=Reconciliation.State.WAITING,
        fence=1,
        message="This source's changes wait for a confirmation.",
        plan=[{**step, "fact": {}, "statements": [statement], "undo": []}],
        plan_hash="0" * 64,
        steps=1,
    )
    done = Reconciliation.objects.create(source=ontrack, state=Reconciliation.State.APPLIED, fence=1, steps=1)
    JournalEntry.objects.create(
        source=ontrack,
        reconciliation=done,
        key="1" * 24,
        change="add",
        fact={},
        statements=['CREATE ROLE "dc_1_0a1b2c3d4e" NOLOGIN'],
        reason="Grant 1 asks for it.",
        risk="low",
        state=JournalEntry.State.DONE,
    )
    finding = Finding.objects.create(
        source=ontrack,
        kind=Finding.Kind.PRIVILEGE,
        key="2" * 24,
        sentence="ana may read email of public.users.",
        grantee="ana",
        principal=cast.outsider,
        dataset=users,
        columns=["email"],
        remedy=['REVOKE SELECT ON TABLE "public"."users" FROM "ana"'],
    )
    return plan, finding, login
