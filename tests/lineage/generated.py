"""Events of all kinds over few names, and the log that takes them without asking whether it has them."""

from __future__ import annotations

from django.db import connection
from hypothesis import HealthCheck
from hypothesis import strategies as st

from accounts.models import ApiToken, Principal
from accounts.tokens import mint
from lineage import openlineage
from lineage.packing import packed
from lineage.told import DELETION
from tests.lineage.events import NAMESPACE, dataset, dataset_event, job_event, run_event, run_id

UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def token_of(principal: Principal) -> ApiToken:
    return mint(principal=principal, name="fold", scopes=["lineage:write"], by=principal).token


def log(event, token: ApiToken) -> None:
    kept = openlineage.canonical(event)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH written AS (
                INSERT INTO lineage_event (digest, event_time, kind, principal_id, body)
                VALUES (%s, now(), 'run', %s, %s) RETURNING id, received_at
            )
            INSERT INTO lineage_pendingevent (event_id, received_at) SELECT id, received_at FROM written
            """,
            [openlineage.digest_of(kept), token.principal_id, packed(kept)],
        )


_names = st.sampled_from(["a", "b", "c", "d"])
_some = st.lists(_names, max_size=3)


_keys = _names.map(lambda name: {"namespace": NAMESPACE, "name": name})


@st.composite
def _columns(draw):
    """A columnLineage facet, an older one, or one that takes it back."""
    told = {"type": draw(st.sampled_from(["DIRECT", "INDIRECT"])), "masking": draw(st.booleans())}
    source = draw(_keys) | {"field": draw(st.sampled_from(["id", "name"])), "transformations": [told]}
    whole = [draw(_keys) | {"field": "id"}] if draw(st.booleans()) else []
    facet = {"fields": {"id": {"inputFields": [source]}}, "dataset": whole}
    return draw(st.sampled_from([facet, facet, {"_deleted": True}]))


@st.composite
def _facets(draw):
    one = draw(
        st.sampled_from(["none"] * 4 + ["text", "gone", "columns", "columns", "lineage", "names", "rename", "version"])
    )
    if one == "text":
        return {"documentation": {"description": "x"}}
    if one == "gone":
        return {"documentation": {"_deleted": True}}
    if one == "columns":
        return {"columnLineage": draw(_columns())}
    if one == "lineage":
        told = [key | {"type": "DATASET"} for key in draw(st.lists(_keys, max_size=2))]
        return {"lineage": {"inputs": told, "fields": {}}}
    if one == "names":
        return {"symlinks": draw(st.sampled_from([{"_deleted": True}, {"identifiers": [draw(_keys)]}]))}
    if one == "rename":
        kind = draw(st.sampled_from(["RENAME", "RENAME", "OVERWRITE", "vanish"]))
        return {"lifecycleStateChange": {"lifecycleStateChange": kind, "previousIdentifier": draw(_keys)}}
    return {"version": {"datasetVersion": draw(_names)}} if one == "version" else {}


@st.composite
def generated_events(draw):
    seconds = draw(st.integers(0, 5))
    job = draw(st.sampled_from(["j1", "j2"]))
    job_facets = draw(
        st.sampled_from(
            [{}, {}, {}, {"documentation": {"description": "x"}}, {"documentation": {"_deleted": True}},
             {"sql": {"query": "SELECT 1"}}, {"sql": {"query": "SELECT 2"}}, {DELETION: {"_producer": "p"}}]
        )
    )  # fmt: skip
    fields = st.sampled_from([(), ("id",), ("id", "name")])
    read = [dataset(name, fields=draw(fields), **draw(_facets())) for name in draw(_some)]
    written = [dataset(name, fields=draw(fields), **draw(_facets())) for name in draw(_some)]
    shape = draw(st.sampled_from(["run"] * 6 + ["job", "dataset"]))
    if shape == "dataset":
        return dataset_event(dataset(draw(_names), **draw(_facets())), seconds=seconds)
    if shape == "job":
        return job_event(job=job, seconds=seconds, inputs=draw(_some), outputs=draw(_some), job_facets=job_facets)
    waits = {"jobDependencies": {"upstream": [{"job": {"namespace": "airflow", "name": "j1"}}]}}
    parent = {"parent": {"run": {"runId": run_id(77)}, "job": {"namespace": "n", "name": "p"}}}
    rooted = {"parent": parent["parent"] | {"root": {"run": {"runId": run_id(1)}}}}
    run_facets = draw(st.sampled_from([{}, parent, rooted, waits]))
    kind = draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER", None]))
    run = run_id(draw(st.integers(1, 4)))
    return run_event(
        kind,
        job=job,
        run=run,
        seconds=seconds,
        inputs=read,
        outputs=written,
        run_facets=run_facets,
        job_facets=job_facets,
    )
