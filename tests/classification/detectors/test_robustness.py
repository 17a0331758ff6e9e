"""Whatever a source holds, detection answers: in order, the same each time, without a value in its evidence."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification.detectors import ColumnSketch, CustomCategory, Rules, Sensitivity, TableSketch, classify
from classification.detectors.ruling import pattern_problem

texts = st.text(max_size=60)
columns = st.builds(
    ColumnSketch,
    name=texts,
    type=st.one_of(texts, st.sampled_from(["varchar(50)", "integer", "boolean", "jsonb", "bytea", "text[]", "inet"])),
    comment=texts,
    values=st.none() | st.lists(st.none() | texts, max_size=30),
    references=texts,
    is_key=st.booleans(),
)
tables = st.builds(TableSketch, name=texts, columns=st.lists(columns, max_size=6), schema=texts, comment=texts)


@given(tables)
@settings(deadline=None, max_examples=150)
def test_any_sketch_is_answered_in_order_and_the_same_each_time(table):
    verdicts = classify(table)
    assert len(verdicts) == len(table.columns)
    assert classify(table) == verdicts
    assert all(0 <= verdict.confidence <= 1 for verdict in verdicts)


CANARIES = {
    "email": ["canary.one@hidden.org", "canary.two@hidden.org", "canary.three@hidden.org"],
    "notes": ["Spoke with Canary Hiddenbird about the refund", "Canary Hiddenbird called again this morning"],
    "tax_file_number": ["876543210", "123456782", "876543219"],
    "profile": ['{"email": "canary.json@hidden.org", "ssn": "219-09-9999"}'],
    "c7": ["Hiddenbird, Canary", "Smith, John", "Jones, Mary"],
}


@pytest.mark.parametrize("name", sorted(CANARIES))
def test_evidence_never_holds_a_value(name):
    table = TableSketch("people", [ColumnSketch(name, "varchar(255)", values=CANARIES[name])])
    (verdict,) = classify(table)
    said = " ".join(contribution.text for contribution in verdict.evidence)
    assert verdict.evidence
    assert not any(part in said for value in CANARIES[name] for part in [value, *value.split()] if len(part) > 5)


HOSTILE = {
    "a 10 MB cell": ["x" * 10_000_000, "a@" * 5_000_000, "{" * 10_000_000 + "}"],
    "lone surrogates": ["\ud800\udfff bad", "caf\udce9", "\udcff" * 50],
    "only nulls": [None] * 1_600,
    "binary": ["\x00\x01\x02\xff" * 30, "\x89PNG\r\n\x1a\n" + "\x00" * 99],
    "arrays": ["{a,b,c}", "[1, 2, 3]", "{}"],
    "deep json": ["[" * 100_000 + "]" * 100_000, '{"a":' * 900 + "1" + "}" * 900],
    "long numbers": ["9" * 5_000, "1" * 2_000 + "2", "123456789" * 300],
    "digits of other scripts": ["١٢٣٤٥٦٧٨٩", "१२३४५६७८९", "²³¹"],
    "placeholders": ["n/a", "unknown", "0000", "-", "TEST", "xxx"],
    "words that make patterns slow": [
        "a" * 1_999 + "!",
        "1." * 1_000,
        "a-" * 1_000 + "@",
        "(0" * 999,
        "/a" * 999 + " ",
    ],
}


@pytest.mark.parametrize("what", sorted(HOSTILE))
@pytest.mark.parametrize("name", ["email", "phone", "notes", "address", "ip", "c1", "full_name"])
def test_hostile_values_are_answered(what, name):
    table = TableSketch("t", [ColumnSketch(name, "text", values=HOSTILE[what]), ColumnSketch("id", "integer")])
    assert len(classify(table)) == 2


def test_a_column_of_nulls_is_judged_by_its_name():
    (verdict,) = classify(TableSketch("t", [ColumnSketch("email", "varchar(255)", values=[None] * 1_600)]))
    assert verdict.category == "email"


def test_personal_data_inside_json_documents_is_found():
    document = json.dumps({"id": 7, "contact": {"email": "jo@acme.example", "phones": ["+61 412 555 019"]}})
    secret = json.dumps({"user": {"ssn": "219-09-9999"}})
    harmless = json.dumps({"retries": 3, "mode": "fast"})
    verdicts = classify(
        TableSketch(
            "events",
            [
                ColumnSketch("payload", "jsonb", values=[document] * 3),
                ColumnSketch("extra", "jsonb", values=[secret, secret.replace("7", "8")]),
                ColumnSketch("options", "jsonb", values=[harmless]),
            ],
        )
    )
    assert [verdict.category for verdict in verdicts] == ["free_text_pii", "us_ssn", None]
    assert verdicts[1].level is Sensitivity.RESTRICTED


def test_a_hostile_pattern_of_an_administrator_is_refused_or_runs_in_linear_time():
    evil = CustomCategory(
        "own", "Own", Sensitivity.INTERNAL, False, patterns=("(a+)+$", "(x{900}){900}", "(", r"(a)\1")
    )
    rules = Rules(version="1", categories=(evil,))
    table = TableSketch("t", [ColumnSketch("c1", "text", values=["a" * 1_999 + "!" + str(n) for n in range(20)])])
    assert classify(table, rules)[0].category is None
    assert pattern_problem("(a+)+$") == ""
    assert "cannot be used" in pattern_problem("(x{900}){900}")
    assert "cannot be used" in pattern_problem("(")
    assert "characters" in pattern_problem("a" * 2_000)
