"""Read lineage through the web server: graphs of 5,000 and of 100,000 jobs, and columns with 20 versions of history.

Each job reads three datasets of the layer before and writes one; 40 layers, asked from the middle, both ways, as far as it
goes. Of the columns, each of a table is made from two of the layer before; every table was explained in 20 ways, of which
one is current. Times are those of a whole HTTP request to granian (two workers) from one client on the same machine, the
answer read to its end, by somebody who sees everything and, where it says so, by somebody who reads one domain.
"""

from __future__ import annotations

import os
import uuid

from django.db import connection

from accounts.models import Principal, User
from accounts.tokens import Scope, mint
from bench.harness import Figure
from bench.serving import p95, web
from catalog.models import Dataset, Domain, DomainMembership

_LAYERS = 40
_REQUESTS = int(os.environ.get("BENCH_GRAPH_REQUESTS", "40"))
_SMALL, _LARGE = 5_000, 100_000

# Layer 0 holds what nobody writes; which three a job reads is drawn by hash, the same each time.
_DATASETS = """
    INSERT INTO catalog_dataset (
        path, name, qualified_name, namespace, kind, domain_id, owner_names, tag_names, properties, first_seen, last_seen,
        changed_at, comment, description, definition, field_count, fingerprint, version
    )
    SELECT ARRAY['bench', 'layer_' || layer, 't' || place], 't' || place, format('bench.layer_%%s.t%%s', layer, place),
           %(namespace)s, 'table', %(domain)s, '{}', '{}', '{}', now(), now(), now(), '', '', '', 0, '', 0
    FROM generate_series(0, %(layers)s) AS layer, generate_series(0, %(width)s - 1) AS place
    ORDER BY layer, place
"""

_JOBS = """
    INSERT INTO lineage_job (namespace, name, first_seen, last_seen, latest_state)
    SELECT namespace, 'load_' || qualified_name, now(), now(), 'completed' FROM catalog_dataset
    WHERE namespace = %(namespace)s AND path[2] <> 'layer_0' ORDER BY id
"""

_EDGES = """
    WITH placed AS MATERIALIZED (
        SELECT id, qualified_name, substr(path[2], 7)::int AS layer, substr(path[3], 2)::int AS place
        FROM catalog_dataset WHERE namespace = %(namespace)s
    )
    INSERT INTO lineage_datasetedge (upstream_id, downstream_id, job_id, first_seen, last_seen, run_id)
    SELECT DISTINCT up.id, down.id, job.id, now() - interval '30 days', now(), gen_random_uuid()
    FROM placed AS down CROSS JOIN generate_series(1, 3) AS input
    JOIN placed AS up ON up.layer = down.layer - 1
      AND up.place = (hashtext(format('%%s %%s %%s', down.layer, down.place, input)) & 2147483647) %% %(width)s
    JOIN lineage_job AS job ON job.namespace = %(namespace)s AND job.name = 'load_' || down.qualified_name
    ON CONFLICT DO NOTHING
"""

_COLUMN_LAYERS, _TABLES, _COLUMNS, _VERSIONS = 20, 5, 20, 20

_COLUMN = """
    INSERT INTO lineage_column (dataset_id, name)
    SELECT id, 'c' || number FROM catalog_dataset, generate_series(0, %(columns)s - 1) AS number
    WHERE namespace = %(namespace)s
"""

_EXPLANATIONS = """
    INSERT INTO lineage_explanation (job_id, dataset_id, content, origin, current)
    SELECT edge.job_id, edge.downstream_id, gen_random_uuid(), 'event', version = 1
    FROM (SELECT DISTINCT job_id, downstream_id FROM lineage_datasetedge AS edge
          JOIN catalog_dataset AS down ON down.id = edge.downstream_id AND down.namespace = %(namespace)s) AS edge,
         generate_series(1, %(versions)s) AS version
"""

_COLUMN_EDGES = """
    WITH placed AS MATERIALIZED (
        SELECT own.id, own.dataset_id, substr(own.name, 2)::int AS number,
               substr(path[2], 7)::int AS layer, substr(path[3], 2)::int AS place
        FROM lineage_column AS own JOIN catalog_dataset AS dataset ON dataset.id = own.dataset_id
        WHERE dataset.namespace = %(namespace)s
    )
    INSERT INTO lineage_columnedge (explanation_id, downstream_id, upstream_id, type, subtype, current)
    SELECT explanation.id, down.id, up.id, 1, 'IDENTITY', explanation.current
    FROM lineage_explanation AS explanation
    JOIN placed AS down ON down.dataset_id = explanation.dataset_id
    CROSS JOIN (VALUES (0, 0), (1, 1)) AS other (place, number)
    JOIN placed AS up ON up.layer = down.layer - 1 AND up.place = (down.place + other.place) %% %(width)s
      AND up.number = (down.number + other.number) %% %(columns)s
"""


def run() -> list[Figure]:
    administrator, reader = tokens()
    small, large, columns = _graph(_SMALL), _graph(_LARGE), _column_graph()
    with web() as port:

        def of(path: str, token: str, least: int) -> float:
            return p95(port, f"/api/v2/datasets/{path}", token, least=least, requests=_REQUESTS)

        full = f"{small}/lineage/?depth=1000&limit=10000"
        limited = f"{large}/lineage/?depth=1000&limit=2000"
        ids = f"{large}/lineage/?only=ids"
        flows = f"{columns}/column-lineage/?depth=20&limit=5000"
        return [
            Figure("5,000 jobs, both ways, full depth, p95", "ms", of(full, administrator, 500_000), 100),
            Figure("the same, who reads one domain", "ms", of(full, reader, 500_000)),
            Figure("100,000 jobs, limited to 2,000 nodes, p95", "ms", of(limited, administrator, 200_000), 300),
            Figure("the same, who reads one domain", "ms", of(limited, reader, 200_000)),
            Figure("100,000 jobs, unlimited, ids only, p95", "ms", of(ids, administrator, 300_000), 1000),
            Figure("the same, who reads one domain", "ms", of(ids, reader, 300_000)),
            Figure("columns, depth 20, 3,800 edges, 20 versions, p95", "ms", of(flows, administrator, 200_000), 200),
            Figure("the same, who reads one domain", "ms", of(flows, reader, 200_000)),
        ]


def domain() -> Domain:
    return Domain.objects.get_or_create(slug="bench", defaults={"name": "Bench", "open_tier": 0})[0]


def tokens() -> tuple[str, str]:
    """Of an administrator, and of somebody who is a viewer of the domain."""
    found = []
    for is_admin in (True, False):
        name = f"bench-{uuid.uuid4().hex[:12]}"
        user = User.objects.create_user(name, f"{name}@example.org", is_superuser=is_admin, is_staff=is_admin)
        system = Principal.objects.system()
        if not is_admin:
            DomainMembership.objects.create(domain=domain(), role="viewer", principal=user.principal, granted_by=system)
        found.append(mint(principal=user.principal, name="bench", scopes=[Scope.LINEAGE_READ], by=system).text)
    return found[0], found[1]


def _graph(jobs: int) -> int:
    """A layered graph of so many jobs, made at its first use; gives the dataset in its middle."""
    return _made(f"bench://{jobs}", jobs // _LAYERS, _LAYERS)


def _column_graph() -> int:
    return _made("bench://columns", _TABLES, _COLUMN_LAYERS - 1, columns=True)


def _made(namespace: str, width: int, layers: int, *, columns: bool = False) -> int:
    values = {
        "namespace": namespace, "width": width, "layers": layers, "domain": domain().pk,
        "columns": _COLUMNS, "versions": _VERSIONS,
    }  # fmt: skip
    if not Dataset.objects.filter(namespace=namespace).exists():
        statements = [_DATASETS, _JOBS, _EDGES, *([_COLUMN, _EXPLANATIONS, _COLUMN_EDGES] if columns else [])]
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement, values)
                cursor.execute("ANALYZE catalog_dataset, lineage_job, lineage_column, lineage_explanation")
            cursor.execute("VACUUM ANALYZE")
    return Dataset.objects.get(namespace=namespace, qualified_name=f"bench.layer_{layers // 2}.t0").pk
