"""Read lists of 100,000 jobs and 1,000,000 runs through the web server, what needs somebody first.

Ten runs a job, a tenth of an hour apart; of the latest, some two in a hundred failed, one is overdue and one runs. Each job
reads one of 20,000 datasets, every second of which is in a domain. Times are those of whole HTTP requests from one client
to granian (two workers) on the same machine, by somebody who sees everything and by somebody who reads that domain.
"""

from __future__ import annotations

import os

from django.db import connection

from bench.harness import Figure
from bench.lineage_graph import domain, tokens
from bench.serving import p95, web
from lineage.models import Job

_JOBS, _DATASETS, _RUNS = (int(os.environ.get("BENCH_JOBS", "100000")), 20_000, 10)

_MADE = (
    """
    INSERT INTO catalog_dataset (
        path, name, qualified_name, namespace, kind, domain_id, owner_names, tag_names, properties, first_seen, last_seen,
        changed_at, comment, description, definition, field_count, fingerprint, version
    )
    SELECT ARRAY['bench', 't' || number], 't' || number, 'bench.t' || number, 'bench://runs', 'table',
           CASE WHEN number %% 2 = 0 THEN %(domain)s END, '{}', '{}', '{}', now(), now(), now(), '', '', '', 0, '', 0
    FROM generate_series(1, %(datasets)s) AS number
    """,
    """
    INSERT INTO lineage_job (namespace, name, first_seen, last_seen, latest_state)
    SELECT 'bench://runs/' || number %% 50, 'load_' || number, now() - interval '1 day', now(), ''
    FROM generate_series(1, %(jobs)s) AS number
    """,
    """
    INSERT INTO lineage_jobdataset (job_id, direction, dataset_id, first_seen, last_seen)
    SELECT job.id, 1, dataset.id, now() - interval '1 day', now()
    FROM lineage_job AS job
    JOIN catalog_dataset AS dataset ON dataset.namespace = 'bench://runs'
     AND dataset.qualified_name = 'bench.t' || (1 + substr(job.name, 6)::int %% %(datasets)s)
    WHERE job.namespace LIKE 'bench://runs/%%'
    """,
    # The latest are number 1 of each job.
    """
    INSERT INTO lineage_run (
        id, job_id, first_at, first_digest, last_at, started_at, ended_at, ended_digest, ended_state, completed_at
    )
    SELECT gen_random_uuid(), job_id, began, gen_random_uuid(), coalesce(ended, began), began, ended,
           CASE WHEN ended IS NOT NULL THEN gen_random_uuid() END, state, CASE WHEN state = 'completed' THEN ended END
    FROM (
        SELECT job.id AS job_id, began,
               CASE WHEN number > 1 OR job.id %% 100 > 1 THEN began + interval '90 seconds' END AS ended,
               CASE WHEN number = 1 AND job.id %% 100 <= 1 THEN NULL
                    WHEN (job.id + number) %% 50 = 7 THEN 'failed'
                    WHEN (job.id + number) %% 200 = 9 THEN 'aborted' ELSE 'completed' END AS state
        FROM lineage_job AS job, generate_series(1, %(runs)s) AS number,
             LATERAL (
                SELECT now() - (number - 1) * interval '6 minutes' - job.id %% 360 * interval '1 second'
                       - CASE WHEN number = 1 AND job.id %% 100 = 1 THEN interval '0' ELSE interval '30 minutes' END AS began
             ) AS moment
        WHERE job.namespace LIKE 'bench://runs/%%'
    ) AS told
    """,
    """
    UPDATE lineage_job AS job SET
        latest_run = latest.id, latest_state = latest.state, latest_at = latest.began_at, usual_seconds = 90
    FROM (SELECT DISTINCT ON (job_id) job_id, id, state, began_at FROM lineage_run ORDER BY job_id, began_at DESC, id DESC)
         AS latest
    WHERE job.id = latest.job_id AND job.namespace LIKE 'bench://runs/%%'
    """,
)


def run() -> list[Figure]:
    _make()
    administrator, reader = tokens()
    with web() as port:

        def of(path: str, token: str = administrator) -> float:
            return p95(port, f"/api/v2/{path}", token, least=10_000)

        since = "2000-01-01T00:00:00Z"
        return [
            Figure("jobs, what needs somebody first, p95", "ms", of("jobs/?order=attention"), 100),
            Figure("the same, who reads one domain", "ms", of("jobs/?order=attention", reader), 100),
            Figure("failing jobs", "ms", of("jobs/?order=attention&state=failed"), 100),
            Figure("jobs by a part of their name", "ms", of("jobs/?order=attention&q=load_9")),
            Figure("runs, what needs somebody first", "ms", of("job-runs/?order=attention"), 100),
            Figure("the same, who reads one domain", "ms", of("job-runs/?order=attention", reader), 100),
            Figure("runs, latest first", "ms", of("job-runs/"), 100),
            Figure("runs that failed", "ms", of("job-runs/?state=failed"), 100),
            Figure("overdue runs", "ms", of("job-runs/?state=overdue"), 100),
            Figure("runs since a time", "ms", of(f"job-runs/?since={since}"), 100),
            Figure("runs of a namespace", "ms", of("job-runs/?order=attention&namespace=bench://runs/7")),
        ]


def _make() -> None:
    if Job.objects.filter(namespace="bench://runs/1").exists():
        return
    values = {"jobs": _JOBS, "datasets": _DATASETS, "runs": _RUNS, "domain": domain().pk}
    with connection.cursor() as cursor:
        for statement in _MADE:
            cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE lineage_job, lineage_run, lineage_jobdataset, catalog_dataset")
