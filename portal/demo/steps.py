"""What the nightly pipeline does, step by step: the SQL, and from which column each column comes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """An input column, `table` as `database:table`, and what happens to it on the way (OpenLineage's words)."""

    table: str
    name: str
    type: str = "DIRECT"
    subtype: str = "IDENTITY"
    masking: bool = False


def _as_is(row: Sequence[object]) -> Row:
    return tuple(row)


@dataclass(frozen=True, slots=True)
class Step:
    """One table of the warehouse made anew.

    With a `source` the rows of `query` are fetched there, `prepared` one by one, and written by `insert` (a list for each
    column); without one `query` itself writes. Tables are called `database:table`.
    """

    name: str
    description: str
    reads: tuple[str, ...]
    writes: str
    query: str
    empty: str
    count: str
    describe: str
    columns: Mapping[str, tuple[Column, ...]]
    source: str = ""
    insert: str = ""
    influences: tuple[Column, ...] = ()
    prepared: Callable[[Sequence[object]], Row] = field(default=_as_is)


def _plain(row: Sequence[object]) -> Row:
    """Values that a list of DuckDB takes, whatever the source's driver made of them."""
    return tuple(value if value is None or isinstance(value, int | float | str) else str(value) for value in row)


def _without_address(row: Sequence[object]) -> Row:
    """A user's row with a digest in place of the e-mail address: enough to count people, too little to write to them."""
    user_id, address, *rest = _plain(row)
    return user_id, hashlib.sha256(str(address).encode()).hexdigest()[:32], *rest


def _same(table: str, **columns: str) -> dict[str, tuple[Column, ...]]:
    """Columns that are copied: output → input."""
    return {output: (Column(table, name),) for output, name in columns.items()}


def _joined(table: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(table, name, "INDIRECT", "JOIN") for name in names)


def _grouped(table: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(table, name, "INDIRECT", "GROUP_BY") for name in names)


def _counted(table: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(table, name, "DIRECT", "AGGREGATION") for name in names)


LOAD_USERS = Step(
    name="load_users",
    description="Users without their names; e-mail addresses become digests.",
    source="ontrack",
    reads=("ontrack:users",),
    writes="warehouse:staging.users",
    query="SELECT id, email, role, last_sign_in_at FROM users",
    prepared=_without_address,
    empty="DELETE FROM staging.users",
    insert="INSERT INTO staging.users SELECT unnest(?), unnest(?), unnest(?), unnest(?)::TIMESTAMPTZ",
    count="SELECT count(*) FROM staging.users",
    describe="DESCRIBE staging.users",
    columns={
        **_same("ontrack:users", user_id="id", role="role", last_sign_in_at="last_sign_in_at"),
        "email_digest": (Column("ontrack:users", "email", "DIRECT", "TRANSFORMATION", masking=True),),
    },
)

LOAD_UNITS = Step(
    name="load_units",
    description="Units with the teaching period that they are taught in.",
    source="ontrack",
    reads=("ontrack:units", "ontrack:teaching_periods"),
    writes="warehouse:staging.units",
    query="""
SELECT units.id, units.code, units.name, teaching_periods.name, teaching_periods.year
FROM units JOIN teaching_periods ON teaching_periods.id = units.teaching_period_id
""",
    prepared=_plain,
    empty="DELETE FROM staging.units",
    insert="INSERT INTO staging.units SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
    count="SELECT count(*) FROM staging.units",
    describe="DESCRIBE staging.units",
    columns={
        **_same("ontrack:units", unit_id="id", code="code", name="name"),
        **_same("ontrack:teaching_periods", teaching_period="name", year="year"),
    },
    influences=(*_joined("ontrack:units", "teaching_period_id"), *_joined("ontrack:teaching_periods", "id")),
)

LOAD_TASKS = Step(
    name="load_tasks",
    description="Each task of each student with what it counts for and when it is due.",
    source="ontrack",
    reads=("ontrack:tasks", "ontrack:projects", "ontrack:task_definitions"),
    writes="warehouse:staging.tasks",
    query="""
SELECT tasks.id, projects.unit_id, projects.user_id, task_definitions.abbreviation, task_definitions.weighting,
       task_definitions.target_grade, tasks.status, task_definitions.due_date, tasks.completed_on
FROM tasks
JOIN projects ON projects.id = tasks.project_id
JOIN task_definitions ON task_definitions.id = tasks.task_definition_id
""",
    prepared=_plain,
    empty="DELETE FROM staging.tasks",
    insert="""
INSERT INTO staging.tasks
SELECT unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)::DATE, unnest(?)::DATE
""",
    count="SELECT count(*) FROM staging.tasks",
    describe="DESCRIBE staging.tasks",
    columns={
        **_same("ontrack:tasks", task_id="id", status="status", completed_on="completed_on"),
        **_same("ontrack:projects", unit_id="unit_id", user_id="user_id"),
        **_same(
            "ontrack:task_definitions",
            task="abbreviation",
            weighting="weighting",
            target_grade="target_grade",
            due_date="due_date",
        ),
    },
    influences=(
        *_joined("ontrack:tasks", "project_id", "task_definition_id"),
        *_joined("ontrack:projects", "id"),
        *_joined("ontrack:task_definitions", "id"),
    ),
)

LOAD_SUBMISSIONS = Step(
    name="load_submissions",
    description="Submissions with their outcome; what was said about them stays in OnTrack.",
    source="ontrack",
    reads=("ontrack:submissions",),
    writes="warehouse:staging.submissions",
    query="SELECT id, task_id, submitted_at, outcome FROM submissions",
    prepared=_plain,
    empty="DELETE FROM staging.submissions",
    insert="INSERT INTO staging.submissions SELECT unnest(?), unnest(?), unnest(?)::TIMESTAMPTZ, unnest(?)",
    count="SELECT count(*) FROM staging.submissions",
    describe="DESCRIBE staging.submissions",
    columns=_same(
        "ontrack:submissions", submission_id="id", task_id="task_id", submitted_at="submitted_at", outcome="outcome"
    ),
)

LOAD_SPLASHKIT_CALLS = Step(
    name="load_splashkit_calls",
    description="Which functions of SplashKit are called, by installation.",
    source="splashkit",
    reads=("splashkit:function_calls", "splashkit:program_runs"),
    writes="warehouse:staging.splashkit_calls",
    query="""
SELECT program_runs.id, program_runs.installation_id, program_runs.language, program_runs.started_at,
       function_calls.function_name, function_calls.calls
FROM function_calls JOIN program_runs ON program_runs.id = function_calls.program_run_id
""",
    prepared=_plain,
    empty="DELETE FROM staging.splashkit_calls",
    insert="""
INSERT INTO staging.splashkit_calls
SELECT unnest(?), unnest(?), unnest(?), unnest(?)::TIMESTAMPTZ, unnest(?), unnest(?)
""",
    count="SELECT count(*) FROM staging.splashkit_calls",
    describe="DESCRIBE staging.splashkit_calls",
    columns={
        **_same(
            "splashkit:program_runs",
            program_run_id="id",
            installation_id="installation_id",
            language="language",
            started_at="started_at",
        ),
        **_same("splashkit:function_calls", function_name="function_name", calls="calls"),
    },
    influences=(*_joined("splashkit:function_calls", "program_run_id"), *_joined("splashkit:program_runs", "id")),
)

BUILD_STUDENT_PROGRESS = Step(
    name="build_student_progress",
    description="How far each student is in each unit.",
    reads=(
        "warehouse:staging.tasks",
        "warehouse:staging.units",
        "warehouse:staging.users",
        "warehouse:staging.submissions",
    ),
    writes="warehouse:marts.student_progress",
    query="""
INSERT INTO marts.student_progress
WITH handed_in AS (
    SELECT task_id, count(*) AS submissions, max(submitted_at) AS last_submission_at
    FROM staging.submissions GROUP BY task_id
)
SELECT tasks.unit_id, tasks.user_id, units.code, units.teaching_period,
       count(*), count(tasks.completed_on), coalesce(sum(tasks.weighting) FILTER (tasks.status = 'complete'), 0),
       coalesce(sum(handed_in.submissions), 0), max(handed_in.last_submission_at),
       coalesce(sum(greatest(date_diff('day', tasks.due_date, tasks.completed_on), 0)), 0)
FROM staging.tasks AS tasks
JOIN staging.units AS units ON units.unit_id = tasks.unit_id
JOIN staging.users AS users ON users.user_id = tasks.user_id
LEFT JOIN handed_in ON handed_in.task_id = tasks.task_id
WHERE users.role = 'student'
GROUP BY tasks.unit_id, tasks.user_id, units.code, units.teaching_period
""",
    empty="DELETE FROM marts.student_progress",
    count="SELECT count(*) FROM marts.student_progress",
    describe="DESCRIBE marts.student_progress",
    columns={
        **_same("warehouse:staging.tasks", unit_id="unit_id", user_id="user_id"),
        **_same("warehouse:staging.units", code="code", teaching_period="teaching_period"),
        "tasks": _counted("warehouse:staging.tasks", "task_id"),
        "tasks_complete": _counted("warehouse:staging.tasks", "completed_on"),
        "weight_complete": _counted("warehouse:staging.tasks", "weighting", "status"),
        "submissions": _counted("warehouse:staging.submissions", "submission_id"),
        "last_submission_at": _counted("warehouse:staging.submissions", "submitted_at"),
        "days_late": _counted("warehouse:staging.tasks", "due_date", "completed_on"),
    },
    influences=(
        *_joined("warehouse:staging.tasks", "unit_id", "user_id", "task_id"),
        *_joined("warehouse:staging.units", "unit_id"),
        *_joined("warehouse:staging.users", "user_id"),
        *_joined("warehouse:staging.submissions", "task_id"),
        Column("warehouse:staging.users", "role", "INDIRECT", "FILTER"),
        *_grouped("warehouse:staging.tasks", "unit_id", "user_id"),
    ),
)

BUILD_UNIT_OVERVIEW = Step(
    name="build_unit_overview",
    description="How the students of each unit get on, without any student in it.",
    reads=("warehouse:marts.student_progress",),
    writes="warehouse:marts.unit_overview",
    query="""
INSERT INTO marts.unit_overview
SELECT unit_id, code, teaching_period, count(DISTINCT user_id), sum(tasks_complete) / sum(tasks),
       sum(submissions) / count(DISTINCT user_id)
FROM marts.student_progress
GROUP BY unit_id, code, teaching_period
""",
    empty="DELETE FROM marts.unit_overview",
    count="SELECT count(*) FROM marts.unit_overview",
    describe="DESCRIBE marts.unit_overview",
    columns={
        **_same("warehouse:marts.student_progress", unit_id="unit_id", code="code", teaching_period="teaching_period"),
        "students": _counted("warehouse:marts.student_progress", "user_id"),
        "share_complete": _counted("warehouse:marts.student_progress", "tasks_complete", "tasks"),
        "submissions_per_student": _counted("warehouse:marts.student_progress", "submissions", "user_id"),
    },
    influences=_grouped("warehouse:marts.student_progress", "unit_id", "code", "teaching_period"),
)

BUILD_FUNCTION_USAGE = Step(
    name="build_function_usage",
    description="Which functions of SplashKit are used most, in which language.",
    reads=("warehouse:staging.splashkit_calls",),
    writes="warehouse:marts.function_usage",
    query="""
INSERT INTO marts.function_usage
SELECT function_name, language, count(DISTINCT installation_id), sum(calls)
FROM staging.splashkit_calls
GROUP BY function_name, language
""",
    empty="DELETE FROM marts.function_usage",
    count="SELECT count(*) FROM marts.function_usage",
    describe="DESCRIBE marts.function_usage",
    columns={
        **_same("warehouse:staging.splashkit_calls", function_name="function_name", language="language"),
        "installations": _counted("warehouse:staging.splashkit_calls", "installation_id"),
        "calls": _counted("warehouse:staging.splashkit_calls", "calls"),
    },
    influences=_grouped("warehouse:staging.splashkit_calls", "function_name", "language"),
)

STEPS = (
    LOAD_USERS,
    LOAD_UNITS,
    LOAD_TASKS,
    LOAD_SUBMISSIONS,
    LOAD_SPLASHKIT_CALLS,
    BUILD_STUDENT_PROGRESS,
    BUILD_UNIT_OVERVIEW,
    BUILD_FUNCTION_USAGE,
)
