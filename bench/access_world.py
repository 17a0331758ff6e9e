"""The world of `bench.access`: people in groups and roles, datasets, grants and policies, and what is asked and decided."""

from __future__ import annotations

import datetime as dt
from functools import cache

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from access.models import Delegation, Grant, Policy, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Role, Rule, Step, Subjects, stored_form
from access.policy import Audience
from accounts.models import Principal, User
from accounts.tokens import Scope, mint
from bench.access_decisions import decide_before, leave_open
from bench.access_rows import DATASETS, GRANTS, NUMBER, OWNERS_APPROVE, PEOPLE, PERSON, insert
from catalog.models import Dataset, DatasetName, Domain, DomainMembership, Field, Ownership, Source
from classification.models import Label, Level

_DOMAINS, _SOURCES, _GROUPS = 50, 20, 200


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
    leave_open(system.pk)
    decide_before(system.pk)
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


def _make(system: int) -> None:
    """All rows by a statement for each table."""
    user = "'person-' || n"
    insert(Group, {"name": "'group-' || n"}, f"generate_series(1, {_GROUPS}) AS n")
    insert(User, {"username": user, "email": f"{user} || '@example.org'"}, f"generate_series(1, {PEOPLE}) AS n")
    insert(
        Principal,
        {"kind": "'person'", "name": "username", "user": "id"},
        "(SELECT * FROM accounts_user ORDER BY id) AS u",
    )
    insert(
        User.groups.through,
        {"user": "person.id", "group": "joined.id"},
        f"""(SELECT id, {NUMBER} FROM accounts_user) AS person CROSS JOIN generate_series(0, 2) AS k
            JOIN (SELECT id, {NUMBER} FROM auth_group) AS joined ON joined.n = (person.n * 7 + k * 31) %% {_GROUPS}""",
    )
    insert(
        Domain,
        {"slug": "'domain-' || n", "name": "'Domain ' || n", "open_tier": "CASE WHEN n %% 5 = 0 THEN 2 ELSE 1 END"},
        f"generate_series(1, {_DOMAINS}) AS n",
    )
    insert(
        DomainMembership,
        {
            "domain": "domain.id",
            "role": "(ARRAY['viewer', 'analyst', 'steward'])[k + 1]",
            "principal": "person.id",
            "valid_from": "now() - interval '1 day'",
            "granted_by": str(system),
        },
        f"""{PERSON} CROSS JOIN generate_series(0, 2) AS k
            JOIN (SELECT id, {NUMBER} FROM catalog_domain) AS domain ON domain.n = (person.n + k * 11) %% {_DOMAINS}
            WHERE person.n %% 10 < 3""",
    )
    insert(
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
            JOIN (SELECT id, {NUMBER} FROM catalog_domain) AS domain ON domain.n = (source.n - 1) * 11 %% {_DOMAINS}
            ORDER BY source.n""",
    )
    insert(
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
            JOIN (SELECT id, namespace, {NUMBER} FROM catalog_source) AS source ON source.n = n.n %% {_SOURCES}
            JOIN (SELECT id, {NUMBER} FROM catalog_domain) AS domain ON domain.n = n.n %% {_DOMAINS} ORDER BY n.n""",
    )
    insert(
        DatasetName,
        {"dataset": "id", "namespace": "namespace", "name": "qualified_name", "origin": "'crawl'", "is_main": "true"},
        "catalog_dataset AS dataset",
    )
    insert(
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
    insert(
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
            JOIN (SELECT id, {NUMBER}, count(*) OVER () AS many FROM classification_category) AS category
              ON category.n = field.id %% category.many WHERE field.position = 5""",
    )
    insert(
        Ownership,
        {
            "dataset": "dataset.id",
            "group": "owners.id",
            "kind": "'owner'",
            "origin": "'person'",
            "asserted_by": str(system),
        },
        f"""catalog_dataset AS dataset
            JOIN (SELECT id, {NUMBER} FROM auth_group) AS owners ON owners.n = dataset.id %% {_GROUPS}""",
    )
    some = "ARRAY(SELECT f.id FROM catalog_field AS f WHERE f.dataset_id = dataset.id AND f.position < 4 ORDER BY f.id)"
    insert(
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
        f"""generate_series(0, {GRANTS - 1}) AS n JOIN {PERSON} ON person.n = n.n %% {PEOPLE}
            JOIN (SELECT id, {NUMBER} FROM catalog_dataset) AS dataset ON dataset.n = (n.n * 7919) %% {DATASETS}""",
    )


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
            for n in range(OWNERS_APPROVE)
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
