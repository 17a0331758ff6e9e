"""A small catalog with something of everything, so that each URL has an object to show. Every row is a real one.

`build()` takes the ways that people and programs take: a crawl's snapshots, a pipeline's events, the actions. The
contract tests walk every URL over it; the browser tests and `bin/screenshots` look at the same pages.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from access.actions import start_campaign
from access.actions.vocabulary import add_engine_catalog, add_purpose, set_attribute
from access.models import (
    AccessRequest,
    Campaign,
    DatabaseLogin,
    Delegation,
    EmergencyReview,
    EngineCatalog,
    Finding,
    Grant,
    Policy,
    PrincipalAttribute,
    Purpose,
    Reconciliation,
    Terms,
)
from access.recertifying import Chosen
from accounts.models import ApiToken, Principal
from accounts.tokens import Scope, mint
from alerts.actions import follow
from alerts.notifying import notify
from audit.models import Record
from catalog.actions import (
    Sampled,
    add_system,
    add_tag,
    apply_snapshots,
    assign_owner,
    describe,
    grant_exception,
    keep_profiles,
)
from catalog.models import (
    Dataset,
    DatasetException,
    Domain,
    DomainMembership,
    Field,
    Ownership,
    Proposal,
    SamplingAmount,
    Source,
    System,
    Tag,
    Tier,
)
from catalog.profiling import profile_of
from catalog.reconciliation import compare
from catalog.search_index import refresh_search
from catalog.snapshots import (
    DatasetKind,
    DatasetSnapshot,
    FieldSnapshot,
    FieldType,
    KeyKind,
    KeySnapshot,
    Reading,
    SchemaRead,
    SchemasListed,
)
from catalog.staging import stage
from classification.actions import accept as accept_suggestions
from classification.actions import draft_rule_set, edit_category, reject, set_level, suggest
from classification.detectors import Contribution, EvidenceKind, Sensitivity, Verdict
from classification.models import Category, Label, Level, NegativeRule
from connections.addresses import parse_address
from ingestion.actions import set_schedule
from ingestion.models import Run, RunLogLine, RunState
from ingestion.sources import add_crawled_source
from lineage.draining import drain
from lineage.intake import accept
from lineage.models import Job
from tests import factories
from tests.access.observed import privileges
from tests.contracts.world_of_access import (
    delegate,
    emergency,
    enforced,
    policy_in_force,
    requests_and_grant,
    terms_of_teaching,
)
from tests.lineage import events

CANARY = "canary-7Qx!4f&secret"
"""The password of the source `ontrack`: nothing that anybody can read may hold it."""

HOST = "127.0.0.1"
NAMESPACE = f"postgres://{HOST}:5999"
SCHEMA = ("ontrack", "public")
RUN_ID = UUID("0197f3a0-0000-7000-8000-000000000001")

_COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "users": (("id", "bigint"), ("username", "text"), ("email", "text"), ("student_id", "text"), ("born", "date")),
    "units": (("id", "bigint"), ("code", "text"), ("name", "text"), ("active", "boolean")),
    "projects": (("id", "bigint"), ("user_id", "bigint"), ("unit_id", "bigint"), ("target_grade", "integer")),
    "tasks": (("id", "bigint"), ("project_id", "bigint"), ("status", "text"), ("due_at", "timestamptz")),
    "submissions": (("id", "bigint"), ("task_id", "bigint"), ("feedback", "jsonb"), ("score", "numeric(5,2)")),
}
_TYPES = {
    "bigint": FieldType.INTEGER,
    "integer": FieldType.INTEGER,
    "text": FieldType.STRING,
    "date": FieldType.DATE,
    "boolean": FieldType.BOOLEAN,
    "timestamptz": FieldType.TIMESTAMP,
    "numeric(5,2)": FieldType.DECIMAL,
}


SIGNED_IN = ("outsider", "analyst", "steward", "administrator")


@dataclass(frozen=True, slots=True)
class World:
    """What `build` made, by the names that the URL table uses."""

    cast: factories.Cast
    system: System
    ontrack: Source
    users: Dataset
    email: Field
    hidden: Dataset
    tag: Tag
    ownership: Ownership
    exception: DatasetException
    membership: DomainMembership
    level: Level
    label_id: int
    request: AccessRequest
    decided: AccessRequest
    grant: Grant
    delegation: Delegation
    policy: Policy
    attribute: PrincipalAttribute
    purpose: Purpose
    engine_catalog: EngineCatalog
    terms: Terms
    review: EmergencyReview
    campaign: Campaign
    plan: Reconciliation
    finding: Finding
    login: DatabaseLogin
    proposal: Proposal
    token: ApiToken
    run: Run
    waiting: Run
    job: Job
    run_id: UUID
    sessions: dict[str, str] = dataclass_field(default_factory=dict)
    """The key of the session of each persona, once they have signed in."""
    tokens: dict[str, dict[str, str]] = dataclass_field(default_factory=dict)
    """Headers with a token of each persona; `scopeless` is the steward with a scope that is good for no page."""

    def sign_in(self) -> None:
        """All personas, before they visit hundreds of URLs; whoever makes more sessions or tokens does it later."""
        for name in SIGNED_IN:
            user = self.persona(name).user
            assert user is not None
            client = Client()
            client.force_login(user)
            self.sessions[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
            self.tokens[name] = factories.bearer(self.persona(name))
        self.tokens["scopeless"] = factories.bearer(self.cast.steward, Scope.LINEAGE_WRITE)

    @property
    def domain(self) -> Domain:
        return self.cast.domain

    def persona(self, name: str) -> Principal:
        """outsider, analyst, steward, owner or administrator."""
        principal: Principal = getattr(self.cast, name)
        return principal


def build() -> World:
    """Make the catalog in the present database, which has the migrations' rows and nothing else."""
    cast = factories.personas()
    system = add_system(slug="ontrack-lms", name="OnTrack", description="Task feedback.", by=cast.administrator)
    ontrack = add_crawled_source(
        name="OnTrack database",
        slug="ontrack-db",
        address=parse_address(f"postgres://reader:{CANARY.replace('&', '%26')}@{HOST}:5999/ontrack?sslmode=disable"),
        by=cast.administrator,
        system=system,
        domain=cast.domain,
    )
    crawled = _crawl(ontrack, cast.administrator)
    users = Dataset.objects.get(source=ontrack, name="users")
    email = Field.objects.get(dataset=users, path=["email"])
    secret = factories.domain("Payroll", open_tier=Tier.NONE)
    hidden = factories.dataset("salaries", domain=secret, source=factories.source("payroll", of=secret))
    tag = _curate(cast, users, email)
    job = _pipeline_runs(cast)
    labels = _classify(cast, users, email)
    _profile(ontrack, users)
    request, decided, grant = requests_and_grant(cast, users, email)
    privileges(grant)
    _lost_and_failed(ontrack, cast)
    waiting = Run.objects.create(
        source=cast.source,
        state=RunState.WAITING,
        trigger=Run.Trigger.PERSON,
        requested_by=cast.steward,
        started_at=timezone.now() - dt.timedelta(minutes=3),
        plan={"added": 0, "changed": 1, "gone": 12, "unchanged": 20},
        message="12 of 33 datasets would be marked gone. Look at the plan, then confirm it or cancel the run.",
    )
    set_schedule(source=ontrack, cron="0 3 * * *", by=cast.administrator)
    plan, finding, login = enforced(ontrack, users, cast)
    refresh_search(list(Dataset.objects.values_list("pk", flat=True)))
    for record in Record.objects.filter(event__startswith="access.").order_by("pk"):
        notify([record])
    follow(dataset=Dataset.objects.get(source=ontrack, name="units"), by=cast.steward)
    return World(
        cast=cast,
        system=system,
        ontrack=ontrack,
        users=Dataset.objects.get(pk=users.pk),
        email=Field.objects.get(pk=email.pk),
        hidden=hidden,
        tag=tag,
        ownership=Ownership.objects.filter(dataset=users, valid_to=None).get(),
        exception=grant_exception(
            dataset=users, group=factories.group("Auditors"), tier=Tier.METADATA, reason="Audit.", by=cast.administrator
        ),
        membership=DomainMembership.objects.get(domain=cast.domain, principal=cast.analyst),
        level=Level.objects.get(slug="internal"),
        label_id=labels[0],
        request=request,
        decided=decided,
        grant=grant,
        delegation=delegate(cast),
        policy=policy_in_force(cast),
        attribute=set_attribute(principals=[cast.analyst], name="department", value="finance", by=cast.administrator)[
            0
        ],
        purpose=add_purpose(name="Student support", description="Helping one of them.", by=cast.administrator),
        engine_catalog=add_engine_catalog(name="ontrack", source=ontrack, by=cast.administrator),
        terms=terms_of_teaching(cast),
        review=emergency(cast, users),
        campaign=start_campaign(
            name="Spring", chosen=Chosen(), due_at=timezone.now() + dt.timedelta(days=20), by=cast.administrator
        ),
        plan=plan,
        finding=finding,
        login=login,
        proposal=Proposal.objects.get(dataset=users, kind=Proposal.Kind.OWNER),
        token=mint(principal=cast.steward, name="laptop", scopes=[Scope.CATALOG_READ], by=cast.steward).token,
        run=crawled,
        waiting=waiting,
        job=job,
        run_id=RUN_ID,
    )


def _crawl(source: Source, by: Principal) -> Run:
    """Two readings, the second with a changed schema, and the run that tells of the last one."""
    run = Run.objects.create(
        source=source,
        state=RunState.SUCCEEDED,
        trigger=Run.Trigger.PERSON,
        requested_by=by,
        started_at=timezone.now() - dt.timedelta(minutes=9),
        finished_at=timezone.now() - dt.timedelta(minutes=8),
        datasets_read=7,
        datasets_expected=7,
        schemas=[{"path": list(SCHEMA), "expected": 7, "datasets": 7, "complete": True, "reason": ""}],
        plan={"added": 7, "changed": 1, "gone": 0, "unchanged": 6},
        message="7 datasets read; 7 are new.",
    )
    for number, text in enumerate(("Reading schemas of ontrack", "public: 7 of 7 datasets read")):
        RunLogLine.objects.create(run=run, at=timezone.now() - dt.timedelta(seconds=30 - number), text=text)
    before = {name: columns for name, columns in _COLUMNS.items() if name != "submissions"}
    for reading, columns in ((run.pk, before), (run.pk + 1000, _COLUMNS)):
        *_, staged = stage(reading, source.platform, _readings(columns))
        compare(source, reading, staged)
        apply_snapshots(source=source, reading=reading, staged=staged, by=by)
    return run


def _readings(columns: Mapping[str, tuple[tuple[str, str], ...]]) -> Iterable[Reading]:
    yield SchemasListed(schemas=(SCHEMA,))
    newest = "submissions" in columns
    for name, fields in columns.items():
        kept = fields if newest or name != "users" else (*fields[:-1], ("phone", "text"))
        keys = [KeySnapshot(kind=KeyKind.PRIMARY, name=f"{name}_pkey", columns=("id",))]
        if name == "projects":
            keys.append(
                KeySnapshot(
                    kind=KeyKind.FOREIGN,
                    name="projects_user",
                    columns=("user_id",),
                    references=(*SCHEMA, "users"),
                    referenced_columns=("id",),
                )
            )
        yield DatasetSnapshot(
            path=(*SCHEMA, name),
            kind=DatasetKind.TABLE,
            fields=tuple(_field(position, *column) for position, column in enumerate(kept, start=1)),
            keys=tuple(keys),
            comment="Everybody who signs in." if name == "users" else "",
            row_estimate=48_200,
            size_bytes=9_400_000,
        )
    yield DatasetSnapshot(
        path=(*SCHEMA, "v_active_units"),
        kind=DatasetKind.VIEW,
        fields=(_field(1, "id", "bigint"), _field(2, "code", "text")),
        definition="SELECT id, code FROM units WHERE active",
    )
    nested = (
        FieldSnapshot(path=("payload",), position=1, native_type="jsonb", type=FieldType.STRUCT),
        FieldSnapshot(path=("payload", "author.name"), position=2, native_type="text", type=FieldType.STRING),
    )
    long_name = "an_export_with_a_very_long_name_that_somebody_typed_without_spaces_2026"
    yield DatasetSnapshot(path=(*SCHEMA, long_name), kind=DatasetKind.TABLE, fields=nested)
    yield SchemaRead(SCHEMA, len(columns) + 2)


def _field(position: int, name: str, native_type: str) -> FieldSnapshot:
    return FieldSnapshot(
        path=(name,),
        position=position,
        native_type=native_type,
        type=_TYPES.get(native_type, FieldType.OTHER),
        nullable=name != "id",
    )


def _curate(cast: factories.Cast, users: Dataset, email: Field) -> Tag:
    text = "The people of OnTrack.\n\n- one row each\n- `student_id` comes from **Callista**"
    describe(dataset=users, text=text, by=cast.steward)
    describe(dataset=users, field=email, text="Where feedback is sent.", by=cast.steward)
    assign_owner(datasets=[users], principal=cast.owner, kind=Ownership.Kind.OWNER, by=cast.steward)
    tag = Tag.objects.create(slug="personal", name="personal")
    add_tag(datasets=[users], tag=tag, by=cast.steward)
    return tag


def _pipeline_runs(cast: factories.Cast) -> Job:
    """A nightly load from two crawled tables into a third of the warehouse, told by its events."""
    with connection.cursor() as cursor:
        # No model manages the log, so no flush empties it: events of a world before would make these duplicates.
        cursor.execute("DELETE FROM lineage_event")
    pipeline = factories.pipeline("nightly")
    token = mint(principal=pipeline, name="nightly", scopes=[Scope.LINEAGE_WRITE], by=cast.administrator).token
    facets = {"sql": {"query": "INSERT INTO marts.fct_submission_daily SELECT * FROM submissions"}}
    _tell_of_users(token)
    for kind, seconds in (("START", 0), ("COMPLETE", 42)):
        event = events.run_event(
            kind,
            job="load_submissions",
            namespace="ontrack-pipeline",
            run=str(RUN_ID),
            seconds=seconds,
            inputs=[
                events.dataset("ontrack.public.users", namespace=NAMESPACE),
                events.dataset("ontrack.public.submissions", namespace=NAMESPACE),
            ],
            outputs=[
                events.dataset(
                    "marts.fct_submission_daily",
                    namespace="duckdb:///srv/warehouse.duckdb",
                    fields=["day", "unit", "submissions"],
                )
            ],
            job_facets=facets,
        )
        accept(json.dumps(event).encode(), token=token)
    drain()
    return Job.objects.get(name="load_submissions")


def _tell_of_users(token: ApiToken) -> None:
    """What a test run found in a dataset that somebody governs, and who it thinks owns it."""
    found = {"assertion": "not_null", "column": "email", "success": False, "severity": "error", "actual": "3"}
    told = events.dataset(
        "ontrack.public.users", namespace=NAMESPACE, ownership={"owners": [{"name": "user:stella", "type": "STEWARD"}]},
        storage={"storageLayer": "iceberg", "fileFormat": "parquet"}, house_rules={"colour": "green"},
    )  # fmt: skip
    told["inputFacets"] = {
        "dataQualityAssertions": {"assertions": [found, {"assertion": "unique", "column": "id", "success": True}]},
        "dataQualityMetrics": {"rowCount": 4800, "columnMetrics": {"id": {"nullCount": 0, "min": 1, "max": 4800}}},
        "inputStatistics": {"rowCount": 4800, "size": 91_000},
    }
    event = events.run_event("COMPLETE", job="test_users", namespace="ontrack-pipeline", inputs=[told])
    accept(json.dumps(event).encode(), token=token)


def _profile(source: Source, users: Dataset) -> None:
    """Three samples of `users`, so that there is a history to plot."""
    for emptied in (0, 10, 25):
        cells = [None] * emptied + [f"person{number}@example.org" for number in range(100 - emptied)]
        fields = {
            field.pk: profile_of(cells, FieldType(field.type), whole=True)
            for field in users.fields.filter(gone_since=None)
        }
        keep_profiles(
            source=source,
            sampled=[Sampled(users, 100, True, 100, fields)],
            amount=SamplingAmount.LIGHT,
            rules=1,
            by=Principal.objects.system(),
        )


def _classify(cast: factories.Cast, users: Dataset, email: Field) -> list[int]:
    """Labels by hand; suggestions, of which one is accepted, one rejected as a rule, and the others wait."""
    confidential, internal = Level.objects.get(slug="confidential"), Level.objects.get(slug="internal")
    labels = set_level(level=confidential, fields=[email], reason="Names a person.", by=cast.steward)
    units = Dataset.objects.get(source=users.source, name="units")
    labels += set_level(level=internal, datasets=[units], reason="For staff.", by=cast.steward)
    others = Field.objects.filter(dataset__source=users.source, level__isnull=True).order_by("pk")
    evidence = (
        Contribution(EvidenceKind.NAME, "the name says so", 2.4),
        Contribution(EvidenceKind.TYPE, "its type", -0.2),
    )
    verdicts = {
        field.pk: Verdict(category, True, Sensitivity.CONFIDENTIAL, 0.8, evidence)
        for field, category in zip(others, ("person_name", "username", "phone", "health", "gender"), strict=False)
    }
    suggest(verdicts=verdicts, by=Principal.objects.system())
    waiting = Label.objects.current().suggested().order_by("pk")
    accept_suggestions(labels=list(waiting[:1]), by=cast.steward)
    reject(labels=list(waiting[:1]), reason="Codes.", as_rule=NegativeRule.Scope.DOMAIN, by=cast.steward)
    disabled = Category.objects.get(slug="age")
    edit_category(category=disabled, changes={"enabled": False}, by=cast.administrator)
    draft_rule_set(by=cast.administrator)
    return [label.pk for label in labels]


def _lost_and_failed(source: Source, cast: factories.Cast) -> None:
    ended = timezone.now() - dt.timedelta(days=1)
    states = (
        (RunState.FAILED, "The server refused the password. Change it on the connection page."),
        (RunState.LOST, "The worker fell silent; the run was retried."),
        (RunState.CANCELLED, "Cancelled."),
    )
    for hours, (state, message) in enumerate(states):
        Run.objects.create(
            source=source,
            state=state,
            trigger=Run.Trigger.PERSON,
            requested_by=cast.steward,
            queued_at=ended - dt.timedelta(hours=hours, minutes=3),
            started_at=ended - dt.timedelta(hours=hours, minutes=2),
            finished_at=ended - dt.timedelta(hours=hours),
            message=message,
        )
