from __future__ import annotations

import pytest

from catalog.snapshots import FieldType
from lineage.schemas import field_type, fields_of


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("VARCHAR(20)", "string"), ("text", "string"), ("STRING", "string"), ("character varying", "string"),
        ("int", "integer"), ("BIGINT", "integer"), ("int64", "integer"), ("long", "integer"), ("uint8", "integer"),
        ("NUMERIC(10,2)", "decimal"), ("decimal(38,0)", "decimal"), ("double precision", "float"), ("FLOAT64", "float"),
        ("boolean", "boolean"), ("timestamp with time zone", "timestamp"), ("DATETIME", "timestamp"), ("date", "date"),
        ("time", "time"), ("interval", "interval"), ("array<string>", "array"), ("integer[]", "array"),
        ("struct<a:int>", "struct"), ("RECORD", "struct"), ("map<string,int>", "map"), ("jsonb", "json"), ("uuid", "uuid"),
        ("bytea", "binary"), ("inet", "network"), ("point", "geometry"), ("interesting", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_types_are_normalised(native, expected):
    assert field_type(native) is FieldType(expected)


@pytest.mark.parametrize("facet", [None, [], {}, {"fields": None}, {"fields": [1, {"name": 2}, {"name": ""}, {}]}])
def test_what_is_no_field_is_passed_over(facet):
    assert fields_of(facet) == ()


def test_fields_keep_their_places_and_the_first_of_two_names_counts():
    facet = {
        "fields": [{"name": "a", "type": "int"}, {"name": "b.c", "description": "x"}, {"name": "a", "type": "text"}]
    }
    found = fields_of(facet)
    assert [(field.path, field.position, field.native_type, field.comment) for field in found] == [
        (("a",), 1, "int", None),
        (("b.c",), 2, "", "x"),
    ]
