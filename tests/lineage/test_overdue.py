"""A run without an end is overdue after max(10 min, 3 x its job's usual duration), 24 hours without history."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from common.errors import Invalid
from common.pagination import page_over
from lineage.attention import jobs_by_attention, runs_by_attention
from lineage.filters import JobFilter, RunFilter
from lineage.models import Job, Run, RunState

NOW = dt.datetime(2026, 11, 1, 6, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def job_with_run(
    name: str, *, began: dt.datetime, usual: float | None = None, state: RunState = RunState.RUNNING
) -> tuple[Job, Run]:
    ended = None if state == RunState.RUNNING else state
    job = Job.objects.create(
        namespace="n", name=name, first_seen=began, latest_state=state, latest_at=began, usual_seconds=usual
    )
    run = Run.objects.create(
        id=uuid.uuid4(), job=job, first_at=began, first_digest=uuid.uuid4(), last_at=began, ended_state=ended,
        ended_at=None if ended is None else began,
    )  # fmt: skip
    return job, run


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("usual", "allowed"),
    [
        (None, dt.timedelta(hours=24)),
        (0.0, dt.timedelta(minutes=10)),
        (199.0, dt.timedelta(minutes=10)),
        (200.0, dt.timedelta(minutes=10)),
        (201.0, dt.timedelta(seconds=603)),
        (3600.0, dt.timedelta(hours=3)),
        (86_400.0, dt.timedelta(days=3)),
    ],
)
def test_a_run_is_overdue_just_after_its_time_and_not_at_it(usual: float | None, allowed: dt.timedelta) -> None:
    job, run = job_with_run("load", began=NOW, usual=usual)
    for now, expected in ((NOW + allowed, False), (NOW + allowed + SECOND, True)):
        for row in (Job.objects.with_overdue(now).get(pk=job.pk), Run.objects.with_overdue(now).get(pk=run.pk)):
            assert row.due_at == NOW + allowed
            assert row.overdue is expected
            assert row.shown_state == ("overdue" if expected else "running")
        assert Job.objects.overdue(now).exists() is expected
        assert Run.objects.overdue(now).exists() is expected


@pytest.mark.django_db
@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.FAILED, RunState.ABORTED])
def test_what_has_ended_is_never_overdue(state: RunState) -> None:
    job, run = job_with_run("load", began=NOW, state=state)
    late = NOW + dt.timedelta(days=400)
    for row in (Job.objects.with_overdue(late).get(pk=job.pk), Run.objects.with_overdue(late).get(pk=run.pk)):
        assert (row.due_at, row.overdue, row.shown_state) == (None, False, state)


@pytest.mark.django_db
def test_durations_that_no_clock_shows_are_due_in_the_year_9999() -> None:
    job, _ = job_with_run("odd", began=NOW, usual=3e11)
    assert Job.objects.with_overdue(NOW).get(pk=job.pk).due_at.year == 9999


class Law(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(
        usual=st.none() | st.floats(0, 1e6, allow_nan=False).map(lambda seconds: round(seconds, 3)),
        age=st.integers(0, 400_000),
    )
    def test_the_law_holds_for_any_duration_and_age(self, usual: float | None, age: int) -> None:
        job, run = job_with_run("load", began=NOW, usual=usual)
        now = NOW + age * SECOND
        allowed = 86_400 if usual is None else max(600, 3 * usual)
        if abs(age - allowed) > 0.001:
            assert Run.objects.with_overdue(now).get(pk=run.pk).overdue is (age > allowed)
            assert Job.objects.with_overdue(now).get(pk=job.pk).overdue is (age > allowed)
        Job.objects.filter(pk=job.pk).delete()


@pytest.mark.django_db
def test_overdue_and_failing_jobs_come_first_and_then_the_latest() -> None:
    now = timezone.now()
    hour = dt.timedelta(hours=1)
    job_with_run("done", began=now - hour, state=RunState.COMPLETED)
    job_with_run("done later", began=now - hour / 2, state=RunState.COMPLETED)
    job_with_run("running", began=now - hour)
    job_with_run("failed", began=now - 9 * hour, state=RunState.FAILED)
    job_with_run("overdue", began=now - hour, usual=1)
    Job.objects.create(namespace="n", name="declared")
    expected = ["overdue", "failed", "running", "done later", "done", "declared"]
    stretches = jobs_by_attention(Job.objects.with_overdue(now), now)
    assert [job.name for job in page_over(stretches)] == expected
    # In pages of any size, forwards and back, each row comes once.
    for size in range(1, 7):
        pages = [page_over(stretches, size=size)]
        while cursor := pages[-1].next_cursor:
            pages.append(page_over(stretches, cursor=cursor, size=size))
        assert [job.name for page in pages for job in page] == expected
        back = [pages[-1]]
        while cursor := back[-1].previous_cursor:
            back.append(page_over(stretches, cursor=cursor, size=size))
        assert [job.name for page in reversed(back) for job in page] == expected


@pytest.mark.django_db
def test_of_runs_the_latest_of_jobs_that_need_somebody_come_first_and_then_all_by_time() -> None:
    now = timezone.now()
    hour = dt.timedelta(hours=1)

    def run_of(name: str, began: dt.datetime, state: RunState, *, latest: bool, job: Job | None = None) -> Job:
        if job is None:
            job = Job.objects.create(namespace="n", name=name)
        ended = None if state == RunState.RUNNING else state
        run = Run.objects.create(
            id=uuid.uuid4(), job=job, first_at=began, first_digest=uuid.uuid4(), last_at=began, ended_state=ended,
            ended_at=None if ended is None else began,
        )  # fmt: skip
        if latest:
            Job.objects.filter(pk=job.pk).update(latest_run=run.pk, latest_state=state, latest_at=began)
        return job

    recovered = run_of("recovered", now - 5 * hour, RunState.FAILED, latest=False)
    run_of("recovered", now - 4 * hour, RunState.COMPLETED, latest=True, job=recovered)
    run_of("broken", now - 90 * hour, RunState.FAILED, latest=True)
    run_of("late", now - 30 * hour, RunState.RUNNING, latest=True)
    run_of("going", now - hour, RunState.RUNNING, latest=True)
    run_of("done", now, RunState.COMPLETED, latest=True)
    gone = run_of("gone", now - 99 * hour, RunState.FAILED, latest=True)
    Job.objects.filter(pk=gone.pk).update(deleted_at=now, last_seen=now - hour)
    stretches = runs_by_attention(Run.objects.with_overdue(now).select_related("job"), now)
    shown = [(run.job.name, run.shown_state) for run in page_over(stretches)]
    assert shown == [
        ("late", "overdue"), ("broken", "failed"), ("going", "running"), ("done", "completed"),
        ("recovered", "completed"), ("recovered", "failed"), ("gone", "failed"),
    ]  # fmt: skip
    pages = [page_over(stretches, size=2)]
    while cursor := pages[-1].next_cursor:
        pages.append(page_over(stretches, cursor=cursor, size=2))
    assert [(run.job.name, run.shown_state) for page in pages for run in page] == shown


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["WyJuIl0", "WyJuIiw5XQ", "WyJuIiwiYSJd", "WyJuIiwwLDFd", "WyJuIiwwLCJ4IiwxXQ"])
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="first page"):
        page_over(jobs_by_attention(Job.objects.all(), timezone.now()), cursor=cursor)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "names"),
    [("overdue", {"late"}), ("running", {"late", "going"}), ("failed", {"broken"}), ("never", {"declared"})],
)
def test_lists_are_narrowed_to_a_state(state: str, names: set[str]) -> None:
    now = timezone.now()
    job_with_run("late", began=now - dt.timedelta(days=2))
    job_with_run("going", began=now)
    job_with_run("broken", began=now, state=RunState.FAILED)
    Job.objects.create(namespace="n", name="declared")
    assert {job.name for job in JobFilter({"state": state}, queryset=Job.objects.all()).qs} == names
    if state != "never":
        assert {run.job.name for run in RunFilter({"state": state}, queryset=Run.objects.all()).qs} == names
