"""`bin/manage classify_columns` reads rows of the benchmark's form and writes predictions in order."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

ROWS = [
    {"id": 1, "table": "customers", "column": "email", "sql_type": "varchar(255)", "comment": "", "values": None},
    {
        "id": 2,
        "table": "customers",
        "column": "order_no",
        "sql_type": "bigint",
        "values": ["1", None],
        "label_type": "email",
    },
    {"id": 3, "table": "staff", "column": "dob", "sql_type": "date"},
    {"id": "x", "table": None, "column": "taille", "values": [1.5, {"a": 1}, True]},
]


def test_predictions_come_in_order_in_the_scorers_form(tmp_path):
    file = tmp_path / "columns.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n", encoding="utf-8")
    out = StringIO()
    call_command("classify_columns", str(file), stdout=out)
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["id"] for row in written] == [1, 2, 3, "x"]
    assert [row["type"] for row in written] == ["email", None, "date_of_birth", None]
    assert written[0].keys() == {"id", "type", "pii", "level", "confidence"}
    assert [row["level"] for row in written[:3]] == ["Confidential", "Internal", "Confidential"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"table": "t"}'])
def test_a_line_that_is_no_row_is_named(tmp_path, text):
    file = tmp_path / "columns.jsonl"
    file.write_text(json.dumps(ROWS[0]) + "\n" + text + "\n", encoding="utf-8")
    with pytest.raises(CommandError, match="Line 2"):
        call_command("classify_columns", str(file), stdout=StringIO())


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("classify_columns", str(tmp_path / "none.jsonl"), stdout=StringIO())
