"""Patterns, and what they become in each source's language."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Invalid
from ingestion.connectors.scope import Pattern, Scope, glob_matches, like, parse_pattern, sqlite_glob

NAMES = st.text(alphabet="aB.*?[]%_|\\\"'é", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("public.*", Pattern("public", "*")),
        ("public", Pattern("public", "*")),
        ('"a.b".c', Pattern("a.b", "c")),
        ("sales.a.b", Pattern("sales", "a.b")),
        ('"say ""hi""".t', Pattern('say "hi"', "t")),
    ],
)
def test_a_pattern_has_a_schema_and_a_dataset(text: str, pattern: Pattern):
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", '"a.b', "x" * 301])
def test_a_pattern_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(Invalid):
        Scope(include=(text,))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@given(NAMES)
def test_a_quoted_name_fits_itself_only(name: str):
    glob = parse_pattern(f"s.{quoted(name)}").dataset
    assert glob_matches(glob, name)
    assert not glob_matches(glob, name + "a")


@given(glob=NAMES, name=NAMES)
def test_every_source_agrees_on_what_fits(glob: str, name: str):
    expected = glob_matches(glob, name)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("PRAGMA case_sensitive_like = ON")
        row = connection.execute(
            "SELECT ? LIKE ? ESCAPE '|', ? GLOB ?", [name, like(glob), name, sqlite_glob(glob)]
        ).fetchone()
    connection.close()
    assert row == (expected, expected)
