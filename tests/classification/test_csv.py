"""Labels as CSV, out and in."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Field
from classification.actions import set_level
from classification.actions.importing import import_labels
from classification.label_csv import HEADER, exported, planned, safe, unsafe
from classification.models import Category, Label, Level
from common.errors import Forbidden, Invalid
from tests.factories import Cast, dataset


def written(*lines: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([("namespace", "dataset", "column", "category", "level"), *lines])
    return text.getvalue().encode()


def line(cast: Cast, column: str, category: str = "", level: str = "confidential") -> tuple[str, ...]:
    return (cast.dataset.namespace, cast.dataset.qualified_name, column, category, level)


@given(st.text())
def test_no_cell_is_a_formula_and_each_reads_back(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    if not text.startswith("'"):
        assert unsafe(safe(text)) == text


def test_what_is_exported_imports_without_a_change(cast: Cast) -> None:
    set_level(
        fields=[cast.field("email")],
        level=Level.objects.get(slug="confidential"),
        category=Category.objects.get(slug="email"),
        reason='=HYPERLINK("https://example.org")',
        by=cast.steward,
    )
    text = "".join(exported(cast.steward))
    header, row = csv.reader(io.StringIO(text))
    assert tuple(header) == HEADER
    assert row[2:6] == ["email", "email", "confidential", "confirmed"] and row[9].startswith("'=")
    plan = planned(cast.steward, text.encode())
    assert (plan.changes, plan.faults, plan.same) == ((), (), 1)
    assert "".join(exported(cast.outsider)).splitlines() == [",".join(HEADER)], "only what the reader sees"


def test_a_file_is_a_persons_word(cast: Cast) -> None:
    plan = planned(cast.steward, written(line(cast, "email", "email"), line(cast, "id", "", "public")))
    assert [(one.line, str(one.field), one.before) for one in plan.changes] == [(2, "email", None), (3, "id", None)]
    assert import_labels(wanted=plan.changes, reason="From the register", by=cast.steward) == 2
    label = Label.objects.get(field=cast.field("email"))
    assert (label.category, label.origin, label.author) == (Category.objects.get(slug="email"), "person", cast.steward)


def test_errors_are_told_by_line(cast: Cast) -> None:
    plan = planned(
        cast.steward,
        written(
            line(cast, "email"),
            line(cast, "nothing"),
            line(cast, "name", "no_such"),
            line(cast, "name", "", "secret"),
            line(cast, "email", "", "public"),
            ("nowhere", "x", "y", "", "public"),
        ),
    )
    assert [fault.line for fault in plan.faults] == [3, 4, 5, 6, 7]
    assert "has no column nothing" in plan.faults[0].text
    assert "line 2 says something" in plan.faults[3].text
    assert len(plan.changes) == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"a,b\n1,2\n", b"namespace\x00", b'namespace,dataset,column,category,level\n"']
)
def test_what_is_no_such_file_is_refused_with_a_reason(cast: Cast, content: bytes) -> None:
    plan = planned(cast.steward, content)
    assert plan.faults and not plan.changes


def test_whoever_may_not_label_imports_nothing(cast: Cast) -> None:
    plan = planned(cast.analyst, written(line(cast, "email")))
    with pytest.raises(Forbidden):
        import_labels(wanted=plan.changes, reason="Mine", by=cast.analyst)
    with pytest.raises(Invalid):
        import_labels(wanted=(), reason="Mine", by=cast.steward)


def test_reading_a_file_costs_the_same_for_many_lines(cast: Cast) -> None:
    def cost(count: int) -> int:
        made = [dataset(domain=cast.domain, fields=["email"]) for _ in range(count)]
        lines = [(one.namespace, one.qualified_name, "email", "email", "confidential") for one in made]
        content = written(*lines)
        with CaptureQueriesContext(connection) as queries:
            assert len(planned(cast.administrator, content).changes) == count
        return len(queries)

    assert Field.objects.exists()
    assert cost(1) == cost(6)
