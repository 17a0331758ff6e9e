"""Folds at the same time, on real connections and real commits."""

from __future__ import annotations

import json
import random
import threading

import pytest
from django.db import connection, transaction

from accounts.tokens import mint
from catalog.models import Dataset
from lineage import folding, sql_statements
from lineage.draining import drain
from lineage.folding import fold_batch
from lineage.intake import accept, accept_batch
from lineage.job_sql import read_jobs_sql
from lineage.merging import decide_same, separate
from lineage.models import ColumnEdge, DatasetEdge, Event, Explanation, Job, PendingEvent, Run, SetAsideEvent
from lineage.tasks import fold
from stack.supervision import wait_until
from tests.factories import dataset as make_dataset
from tests.factories import person, pipeline
from tests.lineage.events import NAMESPACE, dataset, run_event, run_id
from tests.lineage.state import folded_state, forget
from tests.lineage.threads import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token(db):
    sender = pipeline()
    return mint(principal=sender, name="many", scopes=["lineage:write"], by=sender).token


def tangled_events(count: int) -> list[dict]:
    """Runs whose inputs and outputs come apart, over few jobs and datasets, so that folds meet at the same rows."""
    chance = random.Random(7)
    events = []
    for number in range(count):
        run, job = run_id(), f"job_{chance.randrange(4)}"
        names = [f"t{chance.randrange(8)}" for _ in range(4)]
        events.append(run_event("START", job=job, run=run, seconds=number, inputs=names[:2]))
        written = [dataset(name, fields=["id", f"c{number % 3}"]) for name in names[2:]]
        events.append(run_event("COMPLETE", job=job, run=run, seconds=number + 50, outputs=written))
    chance.shuffle(events)
    return events


def test_several_folds_at_once_end_in_the_same_state_as_one(token):
    events = tangled_events(300)
    body = json.dumps(events).encode()
    accept_batch(body, token=token)
    drain()
    expected = folded_state()
    forget()
    accept_batch(body, token=token)
    in_threads(4, lambda number: drain(batch_size=20))
    drain()
    assert not PendingEvent.objects.exists()
    assert folded_state() == expected


def test_events_accepted_while_folds_run_are_all_folded(token):
    runs = [run_id() for _ in range(120)]

    def work(number: int) -> None:
        if number < 2:
            for run in runs[number::2]:
                accept(json.dumps(run_event(run=run, inputs=["a"], outputs=["b"])).encode(), token=token)
        else:
            for _ in range(20):
                drain(batch_size=7)

    in_threads(4, work)
    drain()
    assert Run.objects.count() == 120
    assert not PendingEvent.objects.exists()


def test_two_folds_that_hold_the_two_halves_of_a_run_find_its_edges(token):
    for _ in range(10):
        run = run_id()
        accept(json.dumps(run_event("START", run=run, inputs=[f"in {run}"])).encode(), token=token)
        accept(json.dumps(run_event("COMPLETE", run=run, outputs=[f"out {run}"])).encode(), token=token)
        ids = list(PendingEvent.objects.order_by("event_id").values_list("event_id", flat=True))
        in_threads(2, lambda number, ids=ids: fold_batch(1, only=[ids[number]]))
        assert DatasetEdge.objects.filter(upstream__qualified_name=f"in {run}").count() == 1


def test_what_another_fold_holds_is_passed_over_and_not_lost(token):
    accept(json.dumps(run_event()).encode(), token=token)
    with transaction.atomic():
        PendingEvent.objects.select_for_update().get()
        counted: list[int] = []
        in_threads(1, lambda number: counted.append(drain()))
        assert counted == [0]
    assert drain() == 1


def test_a_worker_leaves_a_thread_to_others_however_many_folds_it_is_sent(token):
    accept(json.dumps(run_event()).encode(), token=token)
    folded: list[int] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE lineage_pendingevent IN ACCESS EXCLUSIVE MODE")
        two = threading.Thread(target=in_threads, args=(2, lambda number: folded.append(fold())))
        two.start()
        assert wait_until(lambda: _waiting_for("lineage_pendingevent") == 2, seconds=30)
        assert fold() == 0
    two.join(timeout=120)
    assert sorted(folded) == [0, 1]


def test_separating_waits_for_a_merge_that_is_being_decided_and_undoes_it_too():
    a, b, c = (make_dataset(f"{name}_told") for name in "abc")
    admin = person("Ada", administrator=True)
    decide_same(first=a, second=b, same=True, by=admin)
    apart = threading.Thread(target=in_threads, args=(1, lambda number: separate(dataset=b, by=admin)))
    with transaction.atomic():
        decide_same(first=b, second=c, same=True, by=admin)
        apart.start()
        assert wait_until(_somebody_waits_for_a_lock, seconds=30)
    apart.join(timeout=120)
    assert not Dataset.objects.filter(merged_into__isnull=False).exists()


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])


def _waiting_for(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", [table])
        return int(cursor.fetchone()[0])


def test_a_fold_whose_connection_is_lost_leaves_its_events_waiting(token):
    accept_batch(json.dumps([run_event(inputs=["a"], outputs=["b"]) for _ in range(3)]).encode(), token=token)

    def kill_before_the_end(execute, sql, params, many, context):
        if sql.startswith("DELETE FROM lineage_pendingevent"):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (pid,) = cursor.fetchone()
            in_threads(1, lambda number: _terminate(pid))
        return execute(sql, params, many, context)

    with pytest.raises(Exception), connection.execute_wrapper(kill_before_the_end):  # noqa: B017 -- the driver's own
        drain()
    connection.close()
    assert PendingEvent.objects.filter(attempts=0).count() == 3
    assert not Run.objects.exists()
    assert drain() == 3


@pytest.mark.parametrize(
    ("limit", "milliseconds", "poisoned"),
    [("_LONGEST_WAIT", 500, False), ("_LONGEST_WAIT", 500, True), ("_LONGEST_STATEMENT", 500, False)],
)
def test_a_lock_that_is_held_too_long_counts_against_no_event(token, monkeypatch, limit, milliseconds, poisoned):
    accept(json.dumps(run_event(job="held")).encode(), token=token)
    drain()
    accept_batch(json.dumps([run_event(job="held") for _ in range(3)]).encode(), token=token)
    good = list(PendingEvent.objects.values_list("event_id", flat=True))
    if poisoned:
        accept(json.dumps(run_event(job="poison")).encode(), token=token)
        Event.objects.filter(id=max(Event.objects.values_list("id", flat=True))).update(body='{"eventTime": "never"}')
    folded: list[int] = []
    with monkeypatch.context() as patch, transaction.atomic():
        patch.setattr(folding, limit, milliseconds)
        Job.objects.select_for_update().get(name="held")
        for _ in range(PendingEvent.MAX_ATTEMPTS if poisoned else 1):
            in_threads(1, lambda number: folded.append(_drained_at_once()))
    assert set(folded) == {0} and SetAsideEvent.objects.count() == poisoned
    assert PendingEvent.objects.filter(event_id__in=good, attempts=0).count() == 3
    assert set(SetAsideEvent.objects.values_list("event_id", flat=True)).isdisjoint(good)
    assert _drained_at_once() == 3


def _drained_at_once() -> int:
    """What waits to be tried again is tried now."""
    PendingEvent.objects.update(not_before=None)
    return drain()


def _terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _sql_event(select: str, seconds: float = 0, inputs: tuple[str, ...] = ("app.public.people",)) -> bytes:
    query = {"sql": {"query": f"INSERT INTO app.public.mails (id) SELECT {select} FROM app.public.people"}}
    told = [dataset(name, fields=["id", "name"]) for name in inputs]
    event = run_event("COMPLETE", inputs=told, outputs=["app.public.mails"], seconds=seconds, job_facets=query)
    return json.dumps(event).encode()


def test_a_fold_waits_for_no_sql_that_is_read_and_what_it_makes_outdated_is_not_written(token):
    accept(_sql_event("id"), token=token)
    drain()
    accept(_sql_event("name", seconds=9), token=token)
    folded: list[int] = []

    def fold_meanwhile(execute, sql, params, many, context):
        if sql == sql_statements.TABLES_OF_NAMESPACE:
            in_threads(1, lambda number: folded.append(drain()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fold_meanwhile):
        read_jobs_sql()
    assert folded == [1]
    assert not Explanation.objects.filter(origin="sql").exists()
    read_jobs_sql()
    assert [edge.upstream.name for edge in ColumnEdge.objects.select_related("upstream")] == ["name"]


def test_sql_is_not_written_about_a_dataset_that_was_merged_while_it_was_read(token):
    """No run reads `people`, so the merge does not know of the job yet."""
    accept(_sql_event("id", inputs=()), token=token)
    drain()
    people, other = make_dataset("people_made"), make_dataset("another")
    Dataset.objects.filter(pk=people.pk).update(
        namespace=NAMESPACE, name="people", qualified_name="app.public.people", path=["app", "public", "people"]
    )
    Dataset.objects.filter(pk=other.pk).update(namespace="a", domain=None)
    admin = person("Ada", administrator=True)

    def merge_meanwhile(execute, sql, params, many, context):
        if sql == sql_statements.HOLD_STANDING:
            in_threads(1, lambda number: decide_same(first=people, second=other, same=True, by=admin))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(merge_meanwhile):
        read_jobs_sql()
    assert not DatasetEdge.objects.exists()
    read_jobs_sql()
    stands = Dataset.objects.get(pk__in=[people.pk, other.pk], merged_into=None)
    assert stands == other
    assert DatasetEdge.objects.get().upstream == stands


def test_an_event_of_a_month_without_a_partition_makes_the_partition(token):
    from django.utils import timezone

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE lineage_event_{timezone.now():%Y%m}")
    accept(json.dumps(run_event()).encode(), token=token)
    assert drain() == 1


def test_observations_that_folds_add_at_the_same_time_all_reach_the_catalog(token):
    told = [["id"], ["id", "b"], ["id"], ["id", "c"]] * 5
    events = [run_event(outputs=[dataset("a", fields=fields)], seconds=n) for n, fields in enumerate(told)]
    random.Random(3).shuffle(events)
    accept_batch(json.dumps(events).encode(), token=token)
    in_threads(3, lambda number: drain(batch_size=1))
    drain()
    assert Dataset.objects.get(qualified_name="a").version == len(told)
