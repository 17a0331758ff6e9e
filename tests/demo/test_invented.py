"""The demo's rows: invented, the same every time, and whole."""

from __future__ import annotations

import pytest

from portal.demo.invented import Table, ontrack, splashkit

REFERENCES = {
    ("units", "teaching_period_id"): "teaching_periods",
    ("units", "convenor_id"): "users",
    ("unit_roles", "unit_id"): "units",
    ("unit_roles", "user_id"): "users",
    ("task_definitions", "unit_id"): "units",
    ("projects", "unit_id"): "units",
    ("projects", "user_id"): "users",
    ("tasks", "project_id"): "projects",
    ("tasks", "task_definition_id"): "task_definitions",
    ("submissions", "task_id"): "tasks",
    ("submissions", "assessor_id"): "users",
    ("task_comments", "task_id"): "tasks",
    ("task_comments", "author_id"): "users",
    ("program_runs", "installation_id"): "installations",
    ("function_calls", "program_run_id"): "program_runs",
}


def column(table: Table, name: str) -> list[object]:
    return [row[table.columns.index(name)] for row in table.rows]


def test_the_same_rows_come_every_time():
    assert ontrack() == ontrack()
    assert splashkit() == splashkit()


def test_no_address_or_number_can_be_that_of_a_real_person():
    users = ontrack()["users"]
    assert all(str(email).endswith("example.org") for email in column(users, "email"))
    assert all(str(phone).startswith("0491 57") for phone in column(users, "phone"))
    assert all(str(address).startswith("203.0.113.") for address in column(users, "last_sign_in_from"))


@pytest.mark.parametrize("place", REFERENCES, ids=".".join)
def test_every_reference_leads_to_a_row(place: tuple[str, str]):
    tables = {**ontrack(), **splashkit()}
    table, name = place
    targets = set(column(tables[REFERENCES[place]], "id"))
    assert {value for value in column(tables[table], name) if value is not None} <= targets
