"""Read the review and coverage where 500,000 suggestions wait in 100,000 datasets of ten columns.

20 sources, 10 domains and an owner for each of 200 datasets; suggestions of 25 categories, for 4,000 kinds of look-alike
columns (one in three is rare). Times are those of what the pages read, in this process, for an administrator and for a
steward of two domains who owns 50 datasets of others. Counting is that of datasets about which something changed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import DomainRole, Principal, User
from bench.harness import Figure, stopwatch
from catalog.models import Dataset, Domain, DomainMembership, Origin, Ownership, Source
from classification.counting import count, count_noted, settle
from classification.coverage import coverage_by, coverage_of_all
from classification.models import CoverageDay, Label
from classification.review import chosen, count_waiting, groups_of

_NAMESPACE = "bench://review"
_DATASETS, _COLUMNS, _READS = 100_000, 10, 15

_MADE = """
    INSERT INTO catalog_dataset (
        path, name, qualified_name, namespace, kind, owner_names, tag_names, properties, first_seen, last_seen,
        changed_at, comment, description, definition, field_count, fingerprint, version, domain_id, source_id
    )
    SELECT ARRAY['bench', 't' || number], 't' || number, 'bench.t' || number, %(namespace)s, 'table',
           ARRAY['Owner ' || number / 200], '{}', '{}', now(), now(), now(), '', '', '', %(columns)s, '', 0,
           (SELECT id FROM catalog_domain WHERE slug = 'bench-' || 1 + number %% 10),
           (SELECT id FROM catalog_source WHERE slug = 'bench-' || 1 + number / 5000)
    FROM generate_series(0, %(datasets)s - 1) AS number
"""
_FIELDS = """
    INSERT INTO catalog_field (dataset_id, path, position, native_type, type, nullable, comment, description, first_seen)
    SELECT id, ARRAY['c' || number], number, 'text', 'string', true, '', '', now()
    FROM catalog_dataset, generate_series(0, %(columns)s - 1) AS number WHERE namespace = %(namespace)s
"""
_EXAMINED = """
    INSERT INTO classification_examination (dataset_id, rule_set_id, examined_at, with_values)
    SELECT id, (SELECT min(id) FROM classification_ruleset), now(), false FROM catalog_dataset
    WHERE namespace = %(namespace)s
"""
# Half the columns; which look alike is drawn so that a few kinds are many and many are few.
_LABELS = """
    INSERT INTO classification_label (
        dataset_id, field_id, level_id, category_id, state, origin, author_id, confidence, reason, phrase, hint, valid_from
    )
    SELECT field.dataset_id, field.id, category.level_id, category.id, 'suggested', 'code', principal.id,
           0.5 + chance %% 49 / 100.0, 'Bench', 'kind ' || look, '', now()
    FROM catalog_field AS field
    JOIN catalog_dataset AS dataset ON dataset.id = field.dataset_id AND dataset.namespace = %(namespace)s
    CROSS JOIN LATERAL (SELECT hashtext('bench ' || field.id) & 2147483647 AS chance) AS drawn
    CROSS JOIN LATERAL (
        SELECT CASE WHEN chance %% 3 = 0 THEN chance / 7 %% 4000 ELSE floor(sqrt(chance / 7 %% 40000))::int END AS look
    ) AS looks
    JOIN (
        SELECT id, level_id, row_number() OVER (ORDER BY id) - 1 AS place FROM classification_category
    ) AS category ON category.place = look %% 25
    CROSS JOIN (SELECT id FROM accounts_principal WHERE kind = 'system' LIMIT 1) AS principal
    WHERE field.position < %(columns)s / 2
"""


def run() -> list[Figure]:
    steward, administrator = _made()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    waiting = Label.objects.current().suggested().count()
    if waiting < 500_000:
        raise RuntimeError(f"Only {waiting} suggestions wait.")
    figures = [Figure("suggestions that wait", "", waiting)]
    for who, principal in (("administrator", administrator), ("steward", steward)):
        reads: dict[str, Callable[[Principal], object]] = {
            "first page of groups": groups_of,
            "fifth page of groups": lambda reader: groups_of(reader, start=80),
            "how many wait, up to 1,000": count_waiting,
            "coverage of everything": coverage_of_all,
            "coverage by source": lambda reader: coverage_by(reader, CoverageDay.By.SOURCE),
            "coverage by owner": lambda reader: coverage_by(reader, CoverageDay.By.OWNER),
        }
        for name, read in reads.items():
            figures.append(Figure(f"{who}: {name}", "ms", _milliseconds(read, principal), 100))
        decided = _milliseconds(_of_first_group, principal)
        figures.append(Figure(f"{who}: reading the suggestions of a group, to decide about them", "ms", decided))
        with CaptureQueriesContext(connection) as queries:
            groups_of(_again(principal))
        figures.append(Figure(f"{who}: statements of a page of groups", "", len(queries)))
    ids = list(Dataset.objects.filter(namespace=_NAMESPACE).values_list("pk", flat=True)[:1000])
    with stopwatch() as nothing:
        count(ids)
    Dataset.objects.filter(pk__in=ids).update(owner_names=["Another"])
    with stopwatch() as counted:
        count_noted()
    with stopwatch() as settled:
        settle()
    return [
        *figures,
        Figure("counting 1,000 datasets, nothing changed", "ms", nothing.seconds * 1000),
        Figure("counting 1,000 datasets that changed", "ms", counted.seconds * 1000, 2_000),
        Figure("adding up", "ms", settled.seconds * 1000),
    ]


def _again(principal: Principal) -> Principal:
    """The principal as a new request has it, without what was read of it before."""
    return Principal.objects.get(pk=principal.pk)


def _of_first_group(reader: Principal) -> object:
    (first, *_), _more = groups_of(reader)
    return chosen(reader, [str(first.key)])[:1]


def _milliseconds(read: Callable[[Principal], object], principal: Principal) -> float:
    """The median of some readings."""
    seconds = []
    for _ in range(_READS):
        reader = _again(principal)
        with stopwatch() as watch:
            read(reader)
        seconds.append(watch.seconds)
    return statistics.median(seconds) * 1000


def _made() -> tuple[Principal, Principal]:
    """The steward and the administrator; all that they read is made at its first use, and counted."""
    found = Principal.objects.filter(user__username="bench-steward@example.org").first()
    administrator = Principal.objects.system()
    if found is not None:
        return found, administrator
    for number in range(1, 21):
        Source.objects.get_or_create(
            slug=f"bench-{number}",
            defaults={
                "name": f"Bench {number}",
                "platform": "postgres",
                "namespace": f"{_NAMESPACE}{number}",
                "created_by": administrator,
            },
        )
    for number in range(1, 11):
        Domain.objects.get_or_create(slug=f"bench-{number}", defaults={"name": f"Bench {number}"})
    values = {"namespace": _NAMESPACE, "datasets": _DATASETS, "columns": _COLUMNS}
    with connection.cursor() as cursor:
        for statement in (_MADE, _FIELDS, _EXAMINED, _LABELS):
            cursor.execute(statement, values)
            cursor.execute("ANALYZE")
    while count_noted():
        pass
    settle()
    user = User.objects.create_user("bench-steward@example.org")
    steward = Principal.objects.get(user=user)
    for domain in Domain.objects.filter(slug__in=["bench-1", "bench-2"]):
        DomainMembership.objects.create(
            domain=domain, principal=steward, role=DomainRole.STEWARD, granted_by=administrator
        )
    far = Dataset.objects.filter(namespace=_NAMESPACE, domain__slug="bench-7")[:50]
    Ownership.objects.bulk_create(
        Ownership(dataset=one, principal=steward, origin=Origin.PERSON, asserted_by=administrator) for one in far
    )
    return steward, administrator
