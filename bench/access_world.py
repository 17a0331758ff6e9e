"""The world of `bench.access`: people in groups and roles, datasets, grants, policies, and decisions that are open.

Of everything that waits for somebody's decision 500 are open, 10 in each domain. Behind them lies what was decided: a request
for each grant, and two recertifications of all grants. All rows are made by a statement a table.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from access.models import (
    AccessRequest,
    ApprovalStep,
    Campaign,
    CampaignItem,
    Delegation,
    EmergencyReview,
    Finding,
    Grant,
    Policy,
    PolicyVersion,
    Vote,
)
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Role, Rule, Step, Subjects, stored_form
from access.policy import Audience
from accounts.models import Principal, User
from accounts.tokens import Scope, mint
from catalog.models import Dataset, DatasetName, Domain, DomainMembership, Field, Ownership, Proposal, Source
from classification.counting import count
from classification.models import Label, Level

PEOPLE, DATASETS, GRANTS = 10_000, 100_000, 100_000
_DOMAINS, _SOURCES, _GROUPS = 50, 20, 200
_OPEN, _OWNERS_APPROVE = 500, 7


class World:
    """What was made, and who asks."""

    def __init__(
        self, decider: str, reader: str, session: str, deputy: str, people: list[str], datasets: list[int]
    ) -> None:
        self.decider, self.reader, self.session, self.deputy = decider, reader, session, deputy
        self.people, self.datasets = people, datasets


@cache
def made_world() -> World:
    """Made once, for all runs measure the same."""
    system = Principal.objects.system()
    _make(system.pk)
    _leave_open(system.pk)
    _decide_before(system.pk)
    _publish_policies()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT username FROM accounts_user ORDER BY id")
        people = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT id FROM catalog_dataset ORDER BY id")
        datasets = [pk for (pk,) in cursor.fetchall()]
    engine = Principal.objects.create(kind=Principal.Kind.PIPELINE, name="engine")
    reader = User.objects.get(username="person-1")
    return World(
        decider=mint(principal=engine, name="engine", scopes=[Scope.ACCESS_DECIDE], by=system).text,
        reader=mint(principal=reader.principal, name="reader", scopes=[Scope.CATALOG_READ], by=system).text,
        session=_session(reader),
        deputy=_session(_deputy_of(reader, system)),
        people=people,
        datasets=datasets,
    )


_N = "row_number() OVER (ORDER BY id) - 1 AS n"
_PERSON = f"(SELECT id, {_N} FROM accounts_principal WHERE kind = 'person') AS person"


def _make(system: int) -> None:
    """All rows by a statement for each table."""
    user = "'person-' || n"
    _insert(Group, {"name": "'group-' || n"}, f"generate_series(1, {_GROUPS}) AS n")
    _insert(User, {"username": user, "email": f"{user} || '@example.org'"}, f"generate_series(1, {PEOPLE}) AS n")
    _insert(
        Principal,
        {"kind": "'person'", "name": "username", "user": "id"},
        "(SELECT * FROM accounts_user ORDER BY id) AS u",
    )
    _insert(
        User.groups.through,
        {"user": "person.id", "group": "joined.id"},
        f"""(SELECT id, {_N} FROM accounts_user) AS person CROSS JOIN generate_series(0, 2) AS k
            JOIN (SELECT id, {_N} FROM auth_group) AS joined ON joined.n = (person.n * 7 + k * 31) %% {_GROUPS}""",
    )
    _insert(
        Domain,
        {"slug": "'domain-' || n", "name": "'Domain ' || n", "open_tier": "CASE WHEN n %% 5 = 0 THEN 2 ELSE 1 END"},
        f"generate_series(1, {_DOMAINS}) AS n",
    )
    _insert(
        DomainMembership,
        {
            "domain": "domain.id",
            "role": "(ARRAY['viewer', 'analyst', 'steward'])[k + 1]",
            "principal": "person.id",
            "valid_from": "now() - interval '1 day'",
            "granted_by": str(system),
        },
        f"""{_PERSON} CROSS JOIN generate_series(0, 2) AS k
            JOIN (SELECT id, {_N} FROM catalog_domain) AS domain ON domain.n = (person.n + k * 11) %% {_DOMAINS}
            WHERE person.n %% 10 < 3""",
    )
    _insert(
        Source,
        {
            "slug": "'source-' || source.n",
            "name": "'Source ' || source.n",
            "platform": "'postgres'",
            "namespace": "'postgres://db-' || source.n || ':5432'",
            "domain": "domain.id",
            "created_by": str(system),
        },
        f"""generate_series(1, {_SOURCES}) AS source (n)
            JOIN (SELECT id, {_N} FROM catalog_domain) AS domain ON domain.n = (source.n - 1) * 11 %% {_DOMAINS}
            ORDER BY source.n""",
    )
    _insert(
        Dataset,
        {
            "source": "source.id",
            "path": "ARRAY['db', 'public', 'table_' || n.n]",
            "name": "'table_' || n.n",
            "qualified_name": "'db.public.table_' || n.n",
            "namespace": "source.namespace",
            "domain": "domain.id",
            "level": "n.n %% 4 + 1",
            "field_count": "5",
            "search": "to_tsvector('simple', 'table ' || n.n)",
        },
        f"""generate_series(1, {DATASETS}) AS n
            JOIN (SELECT id, namespace, {_N} FROM catalog_source) AS source ON source.n = n.n %% {_SOURCES}
            JOIN (SELECT id, {_N} FROM catalog_domain) AS domain ON domain.n = n.n %% {_DOMAINS} ORDER BY n.n""",
    )
    _insert(
        DatasetName,
        {"dataset": "id", "namespace": "namespace", "name": "qualified_name", "origin": "'crawl'", "is_main": "true"},
        "catalog_dataset AS dataset",
    )
    _insert(
        Field,
        {
            "dataset": "dataset.id",
            "path": "ARRAY['column_' || k]",
            "position": "k",
            "native_type": "'text'",
            "level": "CASE WHEN k = 5 THEN dataset.level END",
        },
        "catalog_dataset AS dataset CROSS JOIN generate_series(1, 5) AS k",
    )
    _insert(
        Label,
        {
            "dataset": "field.dataset_id",
            "field": "field.id",
            "level": "level.id",
            "category": "category.id",
            "origin": "'person'",
            "author": str(system),
            "reason": "'bench'",
        },
        f"""catalog_field AS field JOIN classification_level AS level ON level.rank = field.level
            JOIN (SELECT id, {_N}, count(*) OVER () AS many FROM classification_category) AS category
              ON category.n = field.id %% category.many WHERE field.position = 5""",
    )
    _insert(
        Ownership,
        {
            "dataset": "dataset.id",
            "group": "owners.id",
            "kind": "'owner'",
            "origin": "'person'",
            "asserted_by": str(system),
        },
        f"""catalog_dataset AS dataset
            JOIN (SELECT id, {_N} FROM auth_group) AS owners ON owners.n = dataset.id %% {_GROUPS}""",
    )
    some = "ARRAY(SELECT f.id FROM catalog_field AS f WHERE f.dataset_id = dataset.id AND f.position < 4 ORDER BY f.id)"
    _insert(
        Grant,
        {
            "principal": "person.id",
            "dataset": "dataset.id",
            "field_ids": f"CASE WHEN n.n %% 5 = 0 THEN {some} ELSE '{{}}' END",
            "state": "'recorded'",
            "valid_from": "now() - interval '1 day'",
            "valid_to": "now() + interval '1 year'",
            "granted_by": str(system),
        },
        f"""generate_series(0, {GRANTS - 1}) AS n JOIN {_PERSON} ON person.n = n.n %% {PEOPLE}
            JOIN (SELECT id, {_N} FROM catalog_dataset) AS dataset ON dataset.n = (n.n * 7919) %% {DATASETS}""",
    )


def _leave_open(system: int) -> None:
    """As the actions would leave it: of each kind `_OPEN`, each about another dataset, spread evenly over the domains."""

    def about(kind: int) -> str:
        """Somebody and a dataset `_OPEN` times: 211 shares no factor with the number of domains."""
        return f"""generate_series(0, {_OPEN - 1}) AS n
            JOIN {_PERSON} ON person.n = (n.n * 13 + {kind}) %% {PEOPLE}
            JOIN (SELECT id, source_id, {_N} FROM catalog_dataset) AS dataset
              ON dataset.n = (n.n * 211 + {kind}) %% {DATASETS}"""

    asked = {
        "requester": "person.id",
        "dataset": "dataset.id",
        "purpose": "'To see what sells'",
        "ruling": """'{"outcome": "steps", "reasons": ["A policy asks for approval."], "masks": {}}'::jsonb""",
        "created_at": "now() - interval '1 day'",
        "submitted_at": "now() - interval '1 day'",
    }
    of_level = "JOIN classification_level AS level ON level.rank = dataset.level"
    _insert(
        CampaignItem,
        {
            "campaign": str(_campaign(system)),
            "grant": "held.id",
            "holder": "held.principal_id",
            "level_name": "level.name",
            "silence_revokes": "level.rank = (SELECT max(rank) FROM classification_level)",
        },
        f"""(SELECT id, principal_id, dataset_id, {_N} FROM access_grant) AS held
            JOIN catalog_dataset AS dataset ON dataset.id = held.dataset_id {of_level}
            WHERE held.n %% 199 = 0 AND held.n < {_OPEN} * 199""",
    )
    _insert(
        AccessRequest,
        {**asked, "days": "30", "state": "'pending'", "decide_by": "now() + interval '29 days'"},
        about(1),
    )
    _insert(
        ApprovalStep,
        {
            "request": "request.id",
            "position": "1",
            "audience": f"CASE WHEN domain.n < {_OWNERS_APPROVE} THEN 'owners' ELSE 'answerable' END",
            "needed": "level.approvals",
            "opened_at": "request.submitted_at",
            "escalate_at": "request.submitted_at + interval '3 days'",
        },
        f"""access_accessrequest AS request JOIN catalog_dataset AS dataset ON dataset.id = request.dataset_id {of_level}
            JOIN (SELECT id, {_N} FROM catalog_domain) AS domain ON domain.id = dataset.domain_id""",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_accessrequest AS request SET step_id = step.id FROM access_approvalstep AS step"
            " WHERE step.request_id = request.id"
        )
    _insert(
        AccessRequest,
        {
            **asked,
            "days": "1",
            "hours": "4",
            "is_emergency": "true",
            "state": "'approved'",
            "decided_at": "now() - interval '1 day'",
            "decided_by": str(system),
        },
        about(2),
    )
    taken = "access_accessrequest AS request WHERE request.is_emergency"
    _insert(
        Grant,
        {
            "principal": "request.requester_id",
            "dataset": "request.dataset_id",
            "request": "request.id",
            "is_emergency": "true",
            "state": "'expired'",
            "valid_from": "request.decided_at",
            "valid_to": "request.decided_at + interval '4 hours'",
            "granted_by": str(system),
        },
        taken,
    )
    _insert(
        EmergencyReview,
        {
            "request": "request.id",
            "requester": "request.requester_id",
            "opened_at": "request.decided_at",
            "due_at": "request.decided_at + interval '3 days'",
        },
        taken,
    )
    _insert(
        Proposal,
        {
            "dataset": "dataset.id",
            "kind": "'description'",
            "payload": "jsonb_build_object('text', 'What sold, by day: ' || n.n)",
            "digest": "md5(n.n::text)::uuid",
            "at": "now() - interval '1 day'",
        },
        about(3),
    )
    _insert(
        Finding,
        {
            "source": "dataset.source_id",
            "kind": "'privilege'",
            "key": "left(md5(n.n::text), 24)",
            "sentence": "'person_' || person.n || ' may read a table, and no grant says so.'",
            "grantee": "'person_' || person.n",
            "principal": "person.id",
            "dataset": "dataset.id",
        },
        about(4),
    )
    _insert(
        Label,
        {
            "dataset": "dataset.id",
            "field": "field.id",
            "level": "level.id",
            "category": "category.id",
            "state": "'suggested'",
            "origin": "'code'",
            "author": str(system),
            "reason": "'Found by the detectors.'",
            "confidence": "0.8",
            "phrase": "'column'",
        },
        f"""{about(5)} JOIN catalog_field AS field ON field.dataset_id = dataset.id AND field.position = 1
            JOIN classification_level AS level ON level.slug = 'restricted'
            JOIN (SELECT id, {_N}, count(*) OVER () AS many FROM classification_category) AS category
              ON category.n = n.n %% category.many""",
    )
    count(Label.objects.suggested().values_list("dataset", flat=True))


def _decide_before(system: int) -> None:
    """What led to the grants, and what looked at them since."""
    earlier = "now() - interval '40 days'"
    _insert(
        AccessRequest,
        {
            "requester": "held.principal_id",
            "dataset": "held.dataset_id",
            "purpose": "'To see what sells'",
            "days": "365",
            "state": "'approved'",
            "created_at": earlier,
            "submitted_at": earlier,
            "decided_at": earlier,
            "decided_by": str(system),
        },
        "(SELECT * FROM access_grant WHERE NOT is_emergency ORDER BY id) AS held",
    )
    decided = "access_accessrequest AS request WHERE request.state = 'approved' AND NOT request.is_emergency"
    asked = {"request": "id", "position": "1", "audience": "'answerable'", "needed": "1"}
    _insert(ApprovalStep, {**asked, "opened_at": earlier, "passed_at": earlier}, decided)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_accessrequest AS request SET step_id = step.id FROM access_approvalstep AS step"
            " WHERE step.request_id = request.id AND request.step_id IS NULL"
        )
    _insert(
        Vote,
        {"step": "step_id", "by": "steward", "acting_for": "steward", "approves": "true", "at": earlier},
        f"""(
            SELECT request.step_id, (
                SELECT held.principal_id FROM catalog_domainmembership AS held
                WHERE held.domain_id = dataset.domain_id AND held.role = 'steward' AND held.principal_id <> request.requester_id
                ORDER BY md5(held.id::text || request.id) LIMIT 1
            ) AS steward
            FROM (SELECT * FROM {decided}) AS request JOIN catalog_dataset AS dataset ON dataset.id = request.dataset_id
        ) AS voted WHERE steward IS NOT NULL""",
    )
    for name in ("Autumn", "Winter"):
        _insert(
            CampaignItem,
            {
                "campaign": str(_campaign(system, name)),
                "grant": "id",
                "holder": "principal_id",
                "outcome": "'kept'",
                "silence_revokes": "false",
                "decided_by": str(system),
                "decided_at": earlier,
            },
            "access_grant",
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE access_campaign AS campaign SET closed_at = CASE WHEN name <> 'Spring' THEN now() END, size ="
            " (SELECT count(*) FROM access_campaignitem AS item WHERE item.campaign_id = campaign.id)"
        )


def _campaign(system: int, name: str = "Spring") -> int:
    now = timezone.now()
    due = now + dt.timedelta(days=30)
    return Campaign.objects.create(name=name, scope="all grants", started_by_id=system, started_at=now, due_at=due).pk


def _deputy_of(giver: User, system: Principal) -> User:
    """Somebody without roles who decides in this person's place."""
    deputy = User.objects.get(username="person-9")
    now = timezone.now()
    Delegation.objects.create(
        giver=giver.principal,
        receiver=deputy.principal,
        valid_from=now,
        valid_to=now + dt.timedelta(days=9),
        created_by=system,
    )
    return deputy


def _insert(model: type[Model], columns: dict[str, str], rows: str) -> None:
    """Rows of a model by one statement: these columns as SQL says, all others as the model does where nobody says."""
    quote = connection.ops.quote_name
    names, values, constants = [], [], []
    blank = model()
    for field in model._meta.concrete_fields:
        if field.name in columns:
            names.append(quote(field.column))
            values.append(columns[field.name])
        elif not (field.primary_key or field.generated or field.null or field.has_db_default()):
            names.append(quote(field.column))
            values.append("%s")
            constants.append(field.get_db_prep_save(field.pre_save(blank, add=True), connection))
    with connection.cursor() as cursor:
        table = quote(model._meta.db_table)
        cursor.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {rows}", constants)


def _publish_policies() -> None:
    """Forty of all kinds: most are of a group or a domain, few of everybody."""
    groups = list(Group.objects.order_by("id").values_list("pk", flat=True))
    domains = list(Domain.objects.order_by("id").values_list("pk", flat=True))
    internal, restricted = (Level.objects.get(slug=slug).pk for slug in ("internal", "restricted"))
    everybody, analysts = Subjects(everyone=True), Subjects(roles=(Role.ANALYST, Role.STEWARD))
    own = Resources(level_to=internal)
    secret = Columns(level_from=restricted)
    rules = [
        Rule(Effect.ALLOW, (Action.READ,), analysts, resources=own),
        Rule(
            Effect.RESTRICT,
            (Action.READ,),
            everybody,
            Subjects(groups=(groups[0],)),
            masks=(MaskOf(Mask.HASH, secret),),
        ),
        *(
            Rule(
                Effect.ALLOW, (Action.READ,), Subjects(groups=(groups[n],)), resources=Resources(domains=(domains[n],))
            )
            for n in range(20)
        ),
        *(
            Rule(
                Effect.DENY,
                (Action.READ,),
                Subjects(groups=(groups[20 + n],)),
                resources=Resources(domains=(domains[n],), level_from=restricted),
            )
            for n in range(10)
        ),
        *(
            Rule(
                Effect.APPROVAL,
                (Action.REQUEST,),
                everybody,
                resources=Resources(domains=(domains[n],)),
                steps=(Step(Audience.OWNERS),),
            )
            for n in range(_OWNERS_APPROVE)
        ),
    ]
    now = timezone.now()
    for n, rule in enumerate(rules):
        policy = Policy.objects.create(slug=f"bench-{n}", name=f"Bench {n}")
        PolicyVersion.objects.create(
            policy=policy,
            number=1,
            state="published",
            name=policy.name,
            rule=stored_form(rule),
            published_at=now,
            valid_from=now,
        )


def _session(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
