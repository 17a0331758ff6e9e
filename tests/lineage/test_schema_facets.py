"""Schema facets, whatever a producer makes of them, become fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.snapshots import FieldType
from lineage.schema_facets import fields_of, type_of


def test_nested_fields_follow_the_one_that_holds_them():
    facet = {
        "fields": [
            {"name": "id", "type": "BIGINT", "description": "The key."},
            {"name": "buyer", "type": "struct", "fields": [{"name": "email", "type": "VARCHAR(200)"}]},
        ]
    }
    assert [(field.path, field.position, field.type) for field in fields_of(facet)] == [
        (("id",), 1, FieldType.INTEGER),
        (("buyer",), 2, FieldType.STRUCT),
        (("buyer", "email"), 3, FieldType.STRING),
    ]
    assert fields_of(facet)[0].comment == "The key."


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("character varying(20)", FieldType.STRING),
        ("double precision", FieldType.FLOAT),
        ("timestamp with time zone", FieldType.TIMESTAMP),
        ("array<string>", FieldType.ARRAY),
        ("text[]", FieldType.ARRAY),
        ("Nullable(Int64)", FieldType.INTEGER),
        ("DECIMAL(10,2)", FieldType.DECIMAL),
        ("something of its own", FieldType.OTHER),
        ("", FieldType.OTHER),
    ],
)
def test_type_names_of_many_producers_are_understood(native, expected):
    assert type_of(native) is expected


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "type", "fields"]), inner),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"fields": anything}))
def test_no_facet_breaks_it_and_no_path_comes_twice(facet):
    paths = [field.path for field in fields_of(facet)]
    assert len(paths) == len(set(paths))
