"""The state is a function of the set of events."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import ApiToken
from catalog.models import Dataset
from lineage import statements
from lineage.draining import drain
from lineage.folding import fold_batch
from lineage.intake import accept, accept_batch
from lineage.models import DatasetEdge, DirtyDataset, Event, Job, PendingEvent, Run, RunDataset, RunState, SetAsideEvent
from lineage.queries import fold_lag
from tests.factories import pipeline
from tests.lineage.events import at, dataset, dataset_event, job_event, run_event, run_id
from tests.lineage.generated import UNHURRIED, generated_events, log, token_of
from tests.lineage.state import folded_state, forget
from tests.thoroughness import examples

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(db) -> ApiToken:
    return token_of(pipeline("fold"))


@pytest.fixture
def send(token):
    """Accept events and fold them."""

    def sent(*events, batch_size: int = 1000) -> None:
        for event in events:
            accept(json.dumps(event).encode(), token=token)
        drain(batch_size=batch_size)

    return sent


def edges() -> set[tuple[str, str, str]]:
    rows = DatasetEdge.objects.select_related("upstream", "downstream", "job")
    return {(row.upstream.qualified_name, row.job.name, row.downstream.qualified_name) for row in rows}


def test_lineage_shows_from_start_on(send):
    send(run_event("START", inputs=["a"], outputs=["b"]))
    assert edges() == {("a", "load_units", "b")}
    assert Job.objects.get().latest_state == RunState.RUNNING


def test_a_run_accumulates_what_its_events_tell_apart(send):
    run = run_id()
    send(run_event("START", run=run, inputs=["a"]))
    send(run_event("COMPLETE", run=run, outputs=["b"], seconds=90))
    assert edges() == {("a", "load_units", "b")}
    found = Run.objects.get()
    assert (found.state, found.duration.total_seconds()) == (RunState.COMPLETED, 90)


def runs_written_again() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'lineage_run'")
        return cursor.fetchone()[0]


def test_a_run_that_is_told_at_once_is_written_once_with_its_version(send):
    code = {"sql": {"query": "SELECT 1"}}
    apart, at_once = run_id(), run_id()
    send(run_event("START", run=apart, inputs=["b", "a"], job_facets=code))
    send(run_event("COMPLETE", run=apart, outputs=["c"], seconds=9))
    before = runs_written_again()
    send(
        run_event("START", run=at_once, inputs=["b", "a"], job_facets=code),
        run_event("COMPLETE", run=at_once, outputs=["c"], seconds=9),
    )
    assert runs_written_again() == before
    assert {str(found) for found in Run.objects.exclude(version=None)} == {apart, at_once}
    assert Run.objects.values("version").distinct().count() == 1


def test_complete_without_start_is_a_run(send):
    send(run_event("COMPLETE", inputs=["a"], outputs=["b"]))
    found = Run.objects.get()
    assert (found.state, found.started_at, found.duration) == (RunState.COMPLETED, None, None)
    assert edges() == {("a", "load_units", "b")}


def test_two_runs_of_a_templated_job_do_not_mix(send):
    send(run_event(inputs=["a"], outputs=["b"]), run_event(inputs=["c"], outputs=["d"]))
    assert edges() == {("a", "load_units", "b"), ("c", "load_units", "d")}


def test_several_writers_of_one_dataset_are_all_shown(send):
    send(run_event(job="one", inputs=["a"], outputs=["z"]), run_event(job="two", inputs=["b"], outputs=["z"]))
    assert edges() == {("a", "one", "z"), ("b", "two", "z")}


def test_a_job_event_has_edges_without_a_run(send):
    send(job_event(inputs=["a"], outputs=["b"]))
    assert edges() == {("a", "load_units", "b")}
    assert not Run.objects.exists()


def test_a_dataset_event_describes_a_dataset(send):
    send(dataset_event(dataset("a", fields=["id"])))
    assert Dataset.objects.get().facets.get(name="schema").content.value["fields"][0]["name"] == "id"


def test_a_deleted_facet_is_gone_whatever_the_order(send):
    old = dataset_event(dataset("a", documentation={"description": "old"}), seconds=0)
    gone = dataset_event(dataset("a", documentation={"_deleted": True}), seconds=1)
    send(gone, old)
    assert Dataset.objects.get().facets.get(name="documentation").content is None


def test_a_dataset_is_as_fresh_as_the_last_completed_write(send):
    run = run_id()
    send(run_event("COMPLETE", run=run, seconds=60), run_event("START", run=run, outputs=["b"]))
    send(run_event("FAIL", outputs=["b"], seconds=500))
    assert Dataset.objects.get().data_updated_at.isoformat() == at(60).replace("Z", "+00:00")
    assert not DirtyDataset.objects.exists()


def test_the_schema_that_a_run_saw_stays_with_the_run(send):
    send(
        run_event(outputs=[dataset("a", fields=["id"])], seconds=0),
        run_event(outputs=[dataset("a", fields=["id", "name"])], seconds=9),
    )
    assert RunDataset.objects.values("schema").distinct().count() == 2


def versions_of(name: str) -> list[list[str]]:
    found = Dataset.objects.get(qualified_name=name).versions.order_by("number")
    return [[".".join(field["path"]) for field in version.content["fields"]] for version in found]


def test_a_schema_that_changes_is_a_version_and_one_that_repeats_is_none(send):
    told = [["id"], ["id"], ["id", "name"], ["id", "name"], ["id"]]
    send(*(run_event(outputs=[dataset("a", fields=fields)], seconds=n) for n, fields in enumerate(told)))
    assert versions_of("a") == [["id"], ["id", "name"], ["id"]]
    assert [field.path for field in Dataset.objects.get().fields.filter(gone_since=None)] == [["id"]]


def test_a_late_event_that_tells_of_another_schema_makes_the_versions_that_there_were(send):
    send(run_event(outputs=[dataset("a", fields=["id"])], seconds=0))
    send(run_event(outputs=[dataset("a", fields=["id"])], seconds=9))
    assert versions_of("a") == [["id"]]
    send(dataset_event(dataset("a", fields=["id", "name"]), seconds=5))
    assert versions_of("a") == [["id"], ["id", "name"], ["id"]]


def test_nested_fields_of_a_pipeline_are_fields_of_the_dataset(send):
    schema = {"fields": [{"name": "who", "type": "struct", "fields": [{"name": "email", "type": "string"}]}]}
    send(dataset_event(dataset("a", schema=schema)))
    assert versions_of("a") == [["who", "who.email"]]


def test_the_producer_of_a_schema_facet_makes_no_version(send):
    schema = {"fields": [{"name": "id", "type": None}]}
    send(*(dataset_event(dataset("a", schema=schema | {"_producer": str(n)}), seconds=n) for n in range(3)))
    assert versions_of("a") == [["id"]]


def test_the_parent_of_a_run_is_known_even_if_it_comes_late(send):
    parent, child = run_id(), run_id()
    facet = {"parent": {"run": {"runId": parent}, "job": {"namespace": "airflow", "name": "dag"}}}
    send(run_event("COMPLETE", run=child), run_event("START", run=child, run_facets=facet))
    assert str(Run.objects.get().parent) == parent


def test_a_parent_that_is_no_uuid_is_no_parent(send):
    send(
        run_event(run_facets={"parent": {"run": {"runId": "scheduled__2026"}, "job": {"namespace": "n", "name": "p"}}})
    )
    assert Run.objects.get().parent is None


def test_an_end_is_not_undone_by_a_late_start(send):
    run = run_id()
    send(run_event("FAIL", run=run, seconds=5))
    send(run_event("START", run=run, seconds=0))
    assert Run.objects.get().state == RunState.FAILED


def test_a_run_under_two_job_names_belongs_to_the_first_and_both_jobs_are_right(send):
    run = run_id()
    send(run_event("RUNNING", run=run, job="late", seconds=10))
    assert Job.objects.get(name="late").latest_run is not None
    send(run_event("START", run=run, job="early", seconds=0))
    assert Run.objects.get().job.name == "early"
    assert Job.objects.get(name="late").latest_run is None


def test_names_meet_the_catalog_by_any_of_its_names(send):
    from tests.factories import dataset as crawled

    known = crawled("units")
    send(run_event(outputs=[dataset(known.qualified_name, namespace=known.namespace)]))
    assert RunDataset.objects.get().dataset_id == known.pk


@pytest.mark.parametrize(
    "name", ["a/b/c", "a:b:c", "100%", "%2F%s", "données", "数据", "🦘", "q\"u'o`te", "back\\slash", "{}"]
)
def test_names_survive_the_fold(send, name):
    send(run_event(job=name, inputs=[name], outputs=["b"]))
    assert edges() == {(name, name, "b")}


def test_no_lag_when_nothing_waits_and_some_when_something_does(token):
    assert fold_lag() == (0, 0.0)
    accept(json.dumps(run_event()).encode(), token=token)
    pending, seconds = fold_lag()
    assert pending == 1 and 0 <= seconds < 60


def statements_to_fold(token: ApiToken, count: int) -> int:
    events = []
    for number in range(count):
        run = run_id()
        parent = {"parent": {"run": {"runId": run_id()}, "job": {"namespace": "n", "name": "p"}}}
        read = [dataset(f"in_{count}_{number}", fields=["id"])]
        written = [dataset(f"out_{count}_{number}") | {"outputFacets": {"outputStatistics": {"rowCount": number}}}]
        sql = {"sql": {"query": f"SELECT {number}"}}
        events.append(run_event("COMPLETE", run=run, job=f"job_{count}_{number}", inputs=read, outputs=written,
                                run_facets=parent, job_facets=sql))  # fmt: skip
        events.append(job_event(job=f"declared_{count}_{number}", inputs=[f"in_{count}_{number}"], outputs=["x"]))
    accept_batch(json.dumps(events).encode(), token=token)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert len(fold_batch()) == 2 * count
    return len(captured)


def test_the_number_of_statements_does_not_grow_with_the_batch(token):
    few, many = statements_to_fold(token, 5), statements_to_fold(token, 250)
    assert few == many <= 35


def test_a_fold_that_dies_leaves_everything_as_it_was(token):
    accept_batch(json.dumps([run_event(inputs=["a"], outputs=["b"]) for _ in range(5)]).encode(), token=token)

    class Killed(BaseException):
        """Like the signal that ends a worker: nothing catches it on the way."""

    def die_at_the_end(execute, sql, params, many, context):
        if sql.startswith("DELETE FROM lineage_pendingevent"):
            raise Killed
        return execute(sql, params, many, context)

    with pytest.raises(Killed), connection.execute_wrapper(die_at_the_end):
        fold_batch()
    assert PendingEvent.objects.count() == 5
    assert not Run.objects.exists() and not Job.objects.exists()
    drain()
    assert Run.objects.count() == 5


def poison(token: ApiToken) -> None:
    """An event as an older version might have let it through: it is in the log and cannot be read."""
    accept(json.dumps(run_event(job="poison")).encode(), token=token)
    Event.objects.filter(id=max(Event.objects.values_list("id", flat=True))).update(body='{"eventTime": "never"}')


def test_a_poisonous_event_is_set_aside_and_blocks_nothing(token):
    good = [run_event(inputs=["a"], outputs=["b"]) for _ in range(9)]
    accept_batch(json.dumps(good[:4]).encode(), token=token)
    poison(token)
    accept_batch(json.dumps(good[4:]).encode(), token=token)
    drain()
    assert Run.objects.count() == 9
    waiting = PendingEvent.objects.get()
    assert waiting.attempts == 1 and "RFC 3339" in waiting.last_error
    for _ in range(PendingEvent.MAX_ATTEMPTS - 1):
        PendingEvent.objects.update(not_before=None)
        drain()
    assert not PendingEvent.objects.exists()
    assert "RFC 3339" in SetAsideEvent.objects.get().reason


def test_a_failed_event_waits_before_it_is_tried_again(token):
    poison(token)
    drain()
    drain()
    assert PendingEvent.objects.get().attempts == 1


def test_what_is_put_off_waits_as_long_again_as_it_has_waited(db):
    now, waits = timezone.now(), []
    for number, minutes in enumerate((0, 10, 600)):
        waiting = PendingEvent.objects.create(event_id=number, received_at=now - dt.timedelta(minutes=minutes))
        with connection.cursor() as cursor:
            cursor.execute(statements.PUT_OFF, {"event_id": number, "reason": "slow"})
        waiting.refresh_from_db()
        assert waiting.not_before is not None
        waits.append(round((waiting.not_before - now).total_seconds() / 60))
        assert (waiting.attempts, waiting.last_error) == (0, "slow")
    assert waits == [1, 10, 60]


def state_after(events, token: ApiToken, batches: list[int]) -> dict:
    """Fold the events in this order, cut into batches of these sizes in turn."""
    forget()
    rest = list(events)
    sizes = iter(batches * (len(rest) + 1))
    while rest:
        size = next(sizes)
        part, rest = rest[:size], rest[size:]
        # Straight into the log: the intake would recognise a duplicate, the fold has to bear it.
        for event in part:
            log(event, token)
        drain()
    return folded_state()


def check_any_order(events, seed, batches) -> None:
    token = ApiToken.objects.first() or token_of(pipeline())
    expected = state_after(events, token, [len(events)])
    shuffled = [*events, *random.Random(seed).choices(events, k=len(events) // 2)]
    random.Random(seed).shuffle(shuffled)
    assert state_after(shuffled, token, batches) == expected


_orders = {
    "events": st.lists(generated_events(), min_size=1, max_size=14),
    "seed": st.integers(0, 2**32),
    "batches": st.lists(st.integers(1, 6), min_size=1, max_size=4),
}


@given(**_orders)
@settings(max_examples=examples(25), deadline=None, suppress_health_check=UNHURRIED)
def test_any_order_any_split_and_any_duplicates_give_the_same_state(db, events, seed, batches):
    check_any_order(events, seed, batches)


@pytest.mark.long
@given(**_orders)
@settings(max_examples=120, deadline=None, suppress_health_check=UNHURRIED)
def test_any_order_gives_the_same_state_at_length(db, events, seed, batches):
    check_any_order(events, seed, batches)
