"""Rows for the demo's databases. All people are invented; addresses are under example.org, telephone numbers and network
addresses from the ranges kept for fiction and documentation. The same seed gives the same rows.
"""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

Row = tuple[object, ...]

STUDENTS = 240
TUTORS = 14
TASKS_PER_UNIT = 9

_FIRST = (
    "Aisha", "Alejandro", "Amara", "Anders", "Bao", "Beatriz", "Bram", "Callum", "Chiara", "Dalia", "Deniz",
    "Elif", "Emeka", "Farid", "Freya", "Giulia", "Hana", "Hugo", "Imani", "Ingrid", "Jarrah", "Jonas", "Kalani",
    "Keiko", "Kofi", "Lara", "Leilani", "Liam", "Lucía", "Mateus", "Mei", "Mirabel", "Nadia", "Niko", "Noor",
    "Olu", "Oskar", "Petra", "Priya", "Quinn", "Rafael", "Rohan", "Saoirse", "Selin", "Soren", "Tala", "Tariq",
    "Thandi", "Uma", "Viktor", "Wren", "Xiu", "Yara", "Yusuf", "Zofia",
)  # fmt: skip
_LAST = (
    "Abbott", "Adeyemi", "Albrecht", "Amato", "Baptiste", "Barlow", "Bhatt", "Castellanos", "Chidi", "Dagher",
    "Drummond", "Eriksen", "Farrugia", "Fitzroy", "Ganesan", "Haddad", "Hale", "Ishikawa", "Ivarsson", "Jankowski",
    "Kamara", "Kerr", "Kovac", "Lafleur", "Lindgren", "Maalouf", "Marlowe", "Mbeki", "Moana", "Nakagawa", "Novak",
    "Obi", "Okonjo", "Papadakis", "Pereira", "Quill", "Rahimi", "Renwick", "Sandoval", "Sato", "Silvan", "Tamm",
    "Tennant", "Ueda", "Vasquez", "Volkov", "Wanganeen", "Whitlock", "Yilmaz", "Zielinski",
)  # fmt: skip
_UNITS = (
    ("PRG101", "Introduction to Programming"),
    ("DSA201", "Data Structures and Algorithms"),
    ("PRO202", "Professional Practice"),
    ("CON301", "Concurrent and Distributed Programming"),
    ("TPP302", "Team Project: Planning"),
)
_PERIODS = (
    (1, "Trimester 1", 2026, dt.date(2026, 3, 9), dt.date(2026, 5, 29)),
    (2, "Trimester 2", 2026, dt.date(2026, 7, 13), dt.date(2026, 10, 2)),
)
_REMARKS = (
    "Well done, this shows that you understand it.",
    "Please explain why you chose this structure.",
    "The tests do not cover the empty case yet.",
    "I was ill last week and would like a few more days.",
    "See my note on the second page; then it is complete.",
    "Could we talk about this in the next session?",
)
_FUNCTIONS = (
    "open_window",
    "draw_circle",
    "draw_bitmap",
    "play_sound",
    "key_typed",
    "mouse_position",
    "load_font",
    "write_line",
)


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one table, in the order of `columns`."""

    columns: tuple[str, ...]
    rows: Sequence[Row]


def ontrack() -> Mapping[str, Table]:
    """Every table of OnTrack with its rows, each after those that it refers to."""
    chance = random.Random(1)  # noqa: S311 -- invented rows, no secret
    users = list(_users(chance))
    units = [
        (
            number,
            code,
            name,
            f"{name}, as taught in {period[1]} {period[2]}.",
            period[0],
            STUDENTS + 1 + number % 5,
            period[0] == 2,
        )
        for number, (period, (code, name)) in enumerate(((p, u) for p in _PERIODS for u in _UNITS), start=1)
    ]
    unit_roles = [
        (number, unit, user, "convenor" if user == STUDENTS + 1 + unit % 5 else "tutor")
        for number, (unit, user) in enumerate(
            ((unit[0], STUDENTS + 1 + (unit[0] + offset) % TUTORS) for unit in units for offset in range(4)), start=1
        )
    ]
    definitions = list(_definitions(units))
    projects = list(_projects(chance, units))
    tasks = list(_tasks(chance, projects, definitions))
    submissions = list(_submissions(chance, tasks))
    return {
        "users": Table(
            (
                "id", "student_number", "username", "first_name", "last_name", "preferred_name", "email", "date_of_birth",
                "phone", "role", "receives_reminders", "last_sign_in_at", "last_sign_in_from", "created_at",
            ),
            users,
        ),
        "teaching_periods": Table(("id", "name", "year", "start_date", "end_date"), _PERIODS),
        "units": Table(("id", "code", "name", "description", "teaching_period_id", "convenor_id", "active"), units),
        "unit_roles": Table(("id", "unit_id", "user_id", "role"), unit_roles),
        "task_definitions": Table(
            ("id", "unit_id", "abbreviation", "name", "weighting", "target_grade", "due_date"), definitions
        ),
        "projects": Table(("id", "unit_id", "user_id", "enrolled_on", "target_grade", "portfolio_submitted"), projects),
        "tasks": Table(
            ("id", "project_id", "task_definition_id", "status", "completed_on", "times_assessed"),
            [task[:6] for task in tasks],
        ),
        "submissions": Table(("id", "task_id", "submitted_at", "assessor_id", "outcome", "pages"), submissions),
        "task_comments": Table(
            ("id", "task_id", "author_id", "body", "created_at", "reply_to_id"), list(_comments(chance, submissions))
        ),
    }  # fmt: skip


def splashkit() -> Mapping[str, Table]:
    """Every table of SplashKit's usage metrics with its rows."""
    chance = random.Random(2)  # noqa: S311
    installations = [
        (
            number,
            f"{chance.getrandbits(64):016x}",
            chance.choice(("Windows", "macOS", "Linux")),
            chance.choice(("7.1", "7.2", "8.0")),
            chance.choice(("AU", "IN", "LK", "NZ", None)),
            dt.date(2026, 7, 1) + dt.timedelta(days=chance.randrange(100)),
        )
        for number in range(1, 121)
    ]
    runs = [
        (
            number,
            chance.randrange(1, 121),
            chance.choice(("C++", "C#", "Python")),
            _at(dt.date(2026, 7, 13) + dt.timedelta(days=chance.randrange(110)), chance),
            round(chance.expovariate(1 / 90), 1),
        )
        for number in range(1, 901)
    ]
    calls = [
        (run[0], name, 1 + int(chance.expovariate(1 / 40)))
        for run in runs
        for name in sorted(chance.sample(_FUNCTIONS, chance.randrange(1, 5)))
    ]
    return {
        "installations": Table(
            ("id", "anonymous_id", "operating_system", "version", "country", "first_seen"), installations
        ),
        "program_runs": Table(("id", "installation_id", "language", "started_at", "seconds"), runs),
        "function_calls": Table(("program_run_id", "function_name", "calls"), calls),
    }


def _at(day: dt.date, chance: random.Random) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(chance.randrange(8, 23), chance.randrange(60)), tzinfo=dt.UTC)


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())


def _users(chance: random.Random) -> Iterator[Row]:
    for number in range(1, STUDENTS + TUTORS + 1):
        student = number <= STUDENTS
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        username = f"{_plain(first)[:1]}{_plain(last)}{number}"
        born = dt.date(2000 if student else 1975, 1, 1) + dt.timedelta(days=chance.randrange(2900))
        yield (
            number,
            f"S{226_000_000 + number * 37}" if student else None,
            username,
            first,
            last,
            first[:3] if chance.random() < 0.1 else None,
            f"{username}@{'student.' if student else ''}example.org",
            born,
            # 0491 570 006, 156-159 and 110 are kept for fiction in Australia.
            chance.choice(
                ("0491 570 006", "0491 570 156", "0491 570 157", "0491 570 158", "0491 570 159", "0491 570 110")
            ),
            "student" if student else "convenor" if number <= STUDENTS + 5 else "tutor",
            chance.random() < 0.9,
            _at(dt.date(2026, 9, 1) + dt.timedelta(days=chance.randrange(60)), chance),
            f"203.0.113.{chance.randrange(1, 255)}",
            _at(dt.date(2025, 2, 1) + dt.timedelta(days=chance.randrange(380)), chance),
        )


def _definitions(units: Sequence[Row]) -> Iterator[Row]:
    number = 0
    for unit in units:
        start = _PERIODS[0 if unit[4] == 1 else 1][3]
        for place in range(TASKS_PER_UNIT):
            number += 1
            grade = (0, 0, 0, 0, 1, 1, 2, 2, 3)[place]
            weight = (6, 6, 8, 10, 12, 12, 14, 14, 18)[place]
            name = f"{('Pass', 'Credit', 'Distinction', 'High distinction')[grade]} task {place + 1}"
            yield (
                number,
                unit[0],
                f"{place + 1}{'PCDH'[grade]}",
                name,
                weight,
                grade,
                start + dt.timedelta(weeks=place + 2),
            )


def _projects(chance: random.Random, units: Sequence[Row]) -> Iterator[Row]:
    number = 0
    for unit in units:
        start = _PERIODS[0 if unit[4] == 1 else 1][3]
        for user in sorted(chance.sample(range(1, STUDENTS + 1), 45)):
            number += 1
            enrolled = start - dt.timedelta(days=chance.randrange(1, 30))
            yield number, unit[0], user, enrolled, chance.choice((0, 1, 1, 2, 2, 3)), chance.random() < 0.4


def _tasks(chance: random.Random, projects: Sequence[Row], definitions: Sequence[Row]) -> Iterator[Row]:
    """Tasks with, after the table's own columns, the due date that submissions are made around."""
    by_unit: dict[object, list[Row]] = {}
    for definition in definitions:
        by_unit.setdefault(definition[1], []).append(definition)
    number = 0
    for project in projects:
        diligence = chance.random()
        for definition in by_unit[project[1]]:
            if int(str(definition[5])) > int(str(project[4])):
                continue
            number += 1
            due = cast(dt.date, definition[6])
            if chance.random() < 0.3 + 0.65 * diligence:
                completed = due + dt.timedelta(days=chance.randrange(-6, 12))
                yield number, project[0], definition[0], "complete", completed, chance.randrange(1, 4), due
            else:
                status = chance.choice(
                    ("not_started", "working_on_it", "ready_for_feedback", "discuss", "fix_and_resubmit")
                )
                yield (
                    number,
                    project[0],
                    definition[0],
                    status,
                    None,
                    int(status in ("discuss", "fix_and_resubmit")),
                    due,
                )


def _submissions(chance: random.Random, tasks: Sequence[Row]) -> Iterator[Row]:
    number = 0
    for task in tasks:
        times = max(int(str(task[5])), int(task[3] == "ready_for_feedback"))
        end = cast(dt.date, task[4] or task[6])
        for left in reversed(range(times)):
            number += 1
            last = left == 0
            outcome = task[3] if last else "fix_and_resubmit"
            assessor = None if outcome == "ready_for_feedback" else STUDENTS + 1 + chance.randrange(TUTORS)
            day = end - dt.timedelta(days=1 + 4 * left)
            yield (
                number,
                task[0],
                _at(day, chance),
                assessor,
                None if assessor is None else outcome,
                chance.randrange(1, 25),
            )


def _comments(chance: random.Random, submissions: Sequence[Row]) -> Iterator[Row]:
    number = 0
    for submission in submissions:
        if submission[3] is None or chance.random() < 0.6:
            continue
        number += 1
        at = cast(dt.datetime, submission[2])
        yield number, submission[1], submission[3], chance.choice(_REMARKS), at + dt.timedelta(hours=20), None
