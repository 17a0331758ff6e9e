"""Column lineage from SQL: hand-derived expectations over dialects, and generated queries."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.sql import (
    MAX_LENGTH,
    Doubt,
    FieldInput,
    Kind,
    KnownTables,
    SqlLineage,
    Subtype,
    Written,
    lineage_of,
)
from tests.lineage.sql_texts import SELECTS, STATEMENTS

TABLES = {
    "units": ["id", "name", "email", "kind", "price"],
    "orders": ["id", "unit_id", "amount", "at", "note"],
    "people": ["id", "name", "ssn"],
}
PREFIXES = {
    "postgres": ("shop", "public"), "redshift": ("shop", "public"), "duckdb": ("shop", "main"), "trino": ("hive", "shop"),
    "tsql": ("shop", "dbo"), "bigquery": ("acme-1", "shop"), "mysql": ("shop",), "mariadb": ("shop",), "sqlite": ("main",),
    "spark": ("shop",), "snowflake": ("SHOP", "PUBLIC"), "oracle": ("ORCL", "SHOP"), "plain": ("shop",),
}  # fmt: skip
LETTERS = {
    "I": Subtype.IDENTITY, "T": Subtype.TRANSFORMATION, "A": Subtype.AGGREGATION, "J": Subtype.JOIN,
    "F": Subtype.FILTER, "G": Subtype.GROUP_BY, "S": Subtype.SORT, "W": Subtype.WINDOW, "C": Subtype.CONDITIONAL,
}  # fmt: skip
ORDER = "ITAJFGSWC"
INITIALS = {subtype: letter for letter, subtype in LETTERS.items()}


def schema_of(dialect: str) -> dict[tuple[str, ...], list[str]]:
    prefix = PREFIXES[dialect]
    if prefix[0].isupper():
        return {(*prefix, table.upper()): [c.upper() for c in columns] for table, columns in TABLES.items()}
    return {(*prefix, table): columns for table, columns in TABLES.items()}


def read(sql: str, dialect: str, **extra) -> SqlLineage:
    prefix = PREFIXES[dialect]
    arguments = {"schema": schema_of(dialect), "default_path": prefix, "target": (*prefix, "v")} | extra
    return lineage_of(sql, dialect=dialect, **arguments)


def written(inputs: tuple[FieldInput, ...], prefix: tuple[str, ...]) -> str:
    """`units.id:I orders.at:FS*`: the tables under the default path are named shortly; * is masking."""
    words = []
    for each in inputs:
        table = each.table[len(prefix) :] if each.table[: len(prefix)] == prefix else each.table
        marks = {INITIALS[t.subtype] + "*" * t.masking for t in each.transformations}
        assert all((t.kind is Kind.DIRECT) == (INITIALS[t.subtype] in "ITA") for t in each.transformations)
        letters = sorted(marks, key=lambda mark: (ORDER.index(mark[0]), mark))
        words.append(f"{'.'.join((*table, each.column))}:{''.join(letters)}")
    return " ".join(words)


def told(lineage: SqlLineage, dialect: str) -> dict[str, dict[str, str]]:
    """{output: {column: inputs, "~": influences}}; a column without inputs has ""."""
    prefix = PREFIXES[dialect]

    def of(output: Written) -> dict[str, str]:
        columns = {column.name: written(column.inputs, prefix) for column in output.columns}
        influences = written(output.influences, prefix)
        return columns | ({"~": influences} if influences else {})

    return {
        ".".join(output.table[len(prefix) :] if output.table[: len(prefix)] == prefix else output.table): of(output)
        for output in lineage.outputs
    }


@pytest.mark.parametrize(("dialect", "sql", "expected"), SELECTS, ids=range(len(SELECTS)))
def test_a_query_tells_where_each_column_comes_from(dialect: str, sql: str, expected: dict[str, str]):
    lineage = read(sql, dialect)

    assert not lineage.problem
    assert told(lineage, dialect)["v"] == expected
    assert lineage.unresolved == ()


@pytest.mark.parametrize(("dialect", "sql", "expected"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_statements_tell_what_they_write(dialect: str, sql: str, expected: dict[str, dict[str, str]]):
    lineage = read(sql, dialect, target=None)

    assert not lineage.problem
    assert told(lineage, dialect) == expected
    assert {each.doubt for each in lineage.unresolved} <= {Doubt.TARGET_COLUMNS}


def test_inputs_name_each_table_with_the_columns_that_are_read():
    lineage = read("SELECT count(*) FROM people; SELECT u.name FROM units u WHERE u.kind = ''", "postgres", target=None)

    assert {read.table[-1]: read.columns for read in lineage.inputs} == {"people": (), "units": ("kind", "name")}
    assert lineage.outputs == ()


def test_each_output_has_its_own_inputs():
    lineage = read("CREATE TABLE a AS SELECT id FROM units; CREATE TABLE b AS SELECT id FROM people", "postgres")

    tables = {output.table[-1]: [each.table[-1] for each in output.inputs] for output in lineage.outputs}
    assert tables == {"a": ["units"], "b": ["people"]}


def test_a_temporary_table_is_neither_read_nor_written():
    lineage = read("CREATE TEMP TABLE t AS SELECT id FROM units; INSERT INTO people (id) SELECT id FROM t", "postgres")

    assert [each.table[-1] for each in lineage.inputs] == ["units"]
    assert [[each.table[-1] for each in output.inputs] for output in lineage.outputs] == [["units"]]


def test_a_view_known_to_the_catalog_keeps_its_own_column_names():
    known = schema_of("sqlite") | {("main", "v"): ["Total", "Of"]}
    lineage = read("SELECT sum(price) * 2, kind FROM units GROUP BY kind", "sqlite", schema=known)

    assert told(lineage, "sqlite")["v"] == {"Total": "units.price:A", "Of": "units.kind:I", "~": "units.kind:G"}


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("postgres", "SELECT nme FROM units", (Doubt.UNKNOWN_COLUMN, "nme")),
        ("postgres", 'SELECT "Name" FROM units', (Doubt.UNKNOWN_COLUMN, "Name")),
        ("postgres", "SELECT u.nme FROM units u", (Doubt.UNKNOWN_COLUMN, "u.nme")),
        ("postgres", "SELECT name FROM units, people", (Doubt.AMBIGUOUS_COLUMN, "name")),
        ("postgres", "SELECT a FROM x.strangers", (Doubt.UNKNOWN_TABLE, "shop.x.strangers")),
        ("bigquery", "SELECT a FROM Units", (Doubt.UNKNOWN_TABLE, "acme-1.shop.Units")),
        ("duckdb", "PIVOT units ON kind USING sum(price)", (Doubt.STATEMENT, "PIVOT")),
        ("postgres", "SELECT a INTO FROM units", (Doubt.STATEMENT, "SELECT")),
    ],
)
def test_what_cannot_be_resolved_is_said(dialect: str, sql: str, expected: tuple[Doubt, str]):
    lineage = read(sql, dialect)

    assert expected in [(each.doubt, each.name) for each in lineage.unresolved]
    assert all(each.sentence.endswith(".") for each in lineage.unresolved)


def test_an_unknown_tables_columns_are_followed_by_name():
    sql = "WITH source AS (SELECT * FROM raw.strangers), clean AS (SELECT upper(Nick) AS n FROM source) SELECT n FROM clean"
    lineage = read(sql, "postgres")

    assert told(lineage, "postgres")["v"] == {"n": "shop.raw.strangers.nick:T"}
    assert {each.doubt for each in lineage.unresolved} == {Doubt.UNKNOWN_TABLE, Doubt.STAR}


def test_unknown_target_columns_are_said():
    lineage = read("INSERT INTO elsewhere SELECT id FROM units", "postgres")

    assert told(lineage, "postgres") == {"elsewhere": {"id": "units.id:I"}}
    assert [each.doubt for each in lineage.unresolved] == [Doubt.TARGET_COLUMNS]


@pytest.mark.parametrize(
    ("dialect", "folded"), [("postgres", "ÜnÏt"), ("snowflake", "ÜNÏT"), ("duckdb", "ÜnÏt"), ("mysql", "ÜnÏt")]
)
def test_names_with_dots_quotes_and_unicode_come_back_exactly(dialect: str, folded: str):
    quote = "`" if dialect == "mysql" else '"'
    path = (*PREFIXES[dialect], 'a.b"c`d 漢')
    doubled = path[-1].replace(quote, quote * 2)
    lineage = lineage_of(
        f"SELECT {quote}x.y{quote}, ÜnÏt FROM {quote}{doubled}{quote}",
        dialect=dialect, schema={path: ["x.y", folded]}, default_path=PREFIXES[dialect], target=("v",),
    )  # fmt: skip

    assert [(each.table, each.columns) for each in lineage.inputs] == [(path, tuple(sorted(("x.y", folded))))]


def test_tables_that_differ_in_case_alone_are_told_apart():
    known = {("shop", "T"): ["a"], ("shop", "t"): ["a"]}
    for name in ("T", "t"):
        lineage = lineage_of(f"SELECT a FROM `{name}`", dialect="mysql", schema=known, default_path=("shop",))
        assert [each.table for each in lineage.inputs] == [("shop", name)]


def test_known_tables_serve_many_texts():
    known = KnownTables(schema_of("sqlite"), "sqlite")
    lineages = [
        lineage_of(f"SELECT NAME FROM {table}", dialect="sqlite", schema=known, default_path=("main",))
        for table in ("UNITS", "People")
    ]

    assert [each.inputs[0].table for each in lineages] == [("main", "units"), ("main", "people")]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT FROM WHERE", "could not be parsed"),
        ("SELECT 'secret", "without an end"),
        ("SELECT " + "(" * 4000 + "1", "nested too deeply"),
        ("SELECT 1 " * MAX_LENGTH, "characters long"),
        ("WITH c0 AS (SELECT * FROM units)" + "".join(
            f", c{n} AS (SELECT a.*, b.* FROM c{n - 1} a, c{n - 1} b)" for n in range(1, 40)
        ) + " SELECT * FROM c39", "too many columns"),
    ],
    ids=["grammar", "quote", "brackets", "length", "explosion"],
)  # fmt: skip
def test_a_text_that_cannot_be_read_gives_a_sentence(sql: str, words: str):
    lineage = read(sql, "postgres")

    assert words in lineage.problem
    assert lineage.problem.endswith(".")
    assert "secret" not in lineage.problem
    assert (lineage.inputs, lineage.outputs, lineage.unresolved) == ((), (), ())


def test_a_parser_that_goes_back_and_forth_is_stopped():
    assert (
        "takes too long"
        in lineage_of("SELECT " + "row(" * 25 + "1", dialect="trino", schema={}, default_path=("a", "b")).problem
    )


def test_a_wide_view_over_many_joins_is_explained_whole():
    known = {("d", "s", f"t{n}"): ["id", *(f"c{m}" for m in range(40))] for n in range(6)}
    columns = ", ".join(f"upper((t{n % 6}.c{n % 40})::text) AS k{n}" for n in range(100))
    joins = "".join(f" JOIN t{n} ON (t{n - 1}.id = t{n}.id)" for n in range(1, 6))
    lineage = lineage_of(
        f"SELECT {columns} FROM t0{joins}", dialect="postgres", schema=known, default_path=("d", "s"), target=("v",)
    )
    (view,) = lineage.outputs
    assert [len(column.inputs) for column in view.columns] == [1] * 100
    assert {(each.table[-1], each.column) for each in view.influences} == {(f"t{n}", "id") for n in range(6)}


PIECES = re.findall(r"\w+|[^\w\s]", " ".join(sql for _, sql, _ in (*SELECTS, *STATEMENTS)))


@settings(max_examples=300)
@given(
    pieces=st.lists(st.sampled_from(sorted(set(PIECES))), max_size=25),
    query=st.sampled_from([sql for _, sql, _ in (*SELECTS, *STATEMENTS)]),
    cut=st.floats(0, 1),
    dialect=st.sampled_from(sorted(PREFIXES)),
)
def test_no_text_raises(pieces: list[str], query: str, cut: float, dialect: str):
    words = query.split(" ")
    at = int(cut * len(words))
    for text in (" ".join(pieces), " ".join([*words[:at], *pieces[:3], *words[at + 1 :]])):
        lineage = read(text, dialect)
        assert not lineage.problem or lineage.problem.endswith(".")


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, dict[str, set[str]]]:
    """A select-project-join query over 1 to 4 tables, wrapped some times, with the lineage that it is made to have."""
    tables = draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=4))
    expected: dict[str, set[str]] = {}
    influences: set[str] = set()
    projections, joins = [], [f"{tables[0]} AS s0"]
    for position, table in enumerate(tables[1:], 1):
        other = draw(st.integers(0, position - 1))
        left, right = draw(st.sampled_from(TABLES[tables[other]])), draw(st.sampled_from(TABLES[table]))
        joins.append(
            f"{draw(st.sampled_from(['JOIN', 'LEFT JOIN']))} {table} s{position} ON s{other}.{left} = s{position}.{right}"
        )
        influences |= {f"{tables[other]}.{left}:J", f"{table}.{right}:J"}
    for number in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(tables) - 1))
        column = draw(st.sampled_from(TABLES[tables[at]]))
        form, letter = draw(
            st.sampled_from([("{}", "I"), ("({})", "I"), ("upper({})", "T"), ("md5({})", "T*"), ("{}::text", "T")])
        )
        projections.append(f"{form.format(f's{at}.{column}')} AS k{number}")
        expected[f"k{number}"] = {f"{tables[at]}.{column}:{letter}"}
    where = ""
    if draw(st.booleans()):
        column = draw(st.sampled_from(TABLES[tables[0]]))
        where = f" WHERE s0.{column} IS NOT NULL"
        influences.add(f"{tables[0]}.{column}:F")
    sql = f"SELECT {', '.join(projections)} FROM {' '.join(joins)}{where}"
    for level in range(draw(st.integers(0, 3))):
        sql = draw(st.sampled_from([
            f"SELECT * FROM ({sql}) w{level}",
            f"WITH w{level} AS ({sql}) SELECT {', '.join(expected)} FROM w{level}",
            f"SELECT {', '.join(f'w{level}.{name}' for name in expected)} FROM ({sql}) AS w{level}",
        ]))  # fmt: skip
    return sql, expected | {"~": influences}


@settings(max_examples=200)
@given(made=queries(), dialect=st.sampled_from(["postgres", "duckdb", "mysql", "sqlite", "redshift", "trino", "spark"]))
def test_generated_queries_have_the_lineage_they_are_made_to_have(made: tuple[str, dict[str, set[str]]], dialect: str):
    sql, expected = made
    if dialect in ("mysql", "sqlite", "spark", "trino"):
        sql = re.sub(r"(s\d\.\w+)::text", r"CAST(\1 AS CHAR)", sql)
    lineage = read(sql, dialect)

    found = {name: set(inputs.split()) for name, inputs in told(lineage, dialect)["v"].items()}
    influences: dict[str, set[str]] = {}
    for word in found.pop("~", set()):
        field, letters = word.split(":")
        influences.setdefault(field, set()).update(letters)
    wanted = dict(expected)
    assert {(field, letter) for field, letters in influences.items() for letter in letters} == {
        tuple(word.split(":")) for word in wanted.pop("~")
    }
    assert found == wanted
    assert lineage.unresolved == ()
