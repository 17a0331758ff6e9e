"""REST's bodies are read as JSON has them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework import serializers

from common.json_body import BodySerializer
from tests import factories


class _Order(BodySerializer):
    name = serializers.CharField(max_length=5, required=False)
    slug = serializers.SlugField(required=False)
    note = serializers.CharField(allow_blank=True, allow_null=True, required=False)
    count = serializers.IntegerField(min_value=1, required=False)
    weight = serializers.FloatField(required=False)
    urgent = serializers.BooleanField(required=False)
    colour = serializers.ChoiceField(choices=["red", "blue"], required=False)
    size = serializers.ChoiceField(choices=[(1, "Small"), (2, "Large")], required=False)
    until = serializers.DateTimeField(required=False)
    ids = serializers.ListField(child=serializers.IntegerField(), required=False)
    made_by = serializers.CharField(read_only=True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Desk", "slug": "desk-1", "note": None, "count": 3, "weight": 2, "urgent": False},
        {"note": "", "weight": 0.5, "colour": "red", "size": 2, "until": "2026-01-31T09:00:00Z", "ids": [1, 2]},
        {"count": 3.0, "until": "2026-01-31T09:00:00.25+01:00", "ids": []},
    ],
)
def test_what_is_described_is_read(body: dict[str, Any]) -> None:
    read = _Order(data=body)
    assert read.is_valid(), read.errors
    assert set(read.validated_data) == set(body)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", 5),
        ("name", True),
        ("name", ["Desk"]),
        ("name", {}),
        ("name", "Desk  "),
        ("slug", " desk"),
        ("slug", "desk\n"),
        ("slug", 7),
        ("count", "3"),
        ("count", 3.5),
        ("count", True),
        ("count", float("inf")),
        ("count", 0),
        ("weight", "2"),
        ("weight", False),
        ("urgent", "true"),
        ("urgent", "yes"),
        ("urgent", 1),
        ("urgent", None),
        ("colour", "green"),
        ("colour", ["red"]),
        ("colour", {"red": 1}),
        ("size", "2"),
        ("size", True),
        ("size", 3),
        ("until", 2026),
        ("until", "2026-01-31"),
        ("until", "2026-01-31T09:00:00"),
        ("until", "2026-02-31T09:00:00Z"),
        ("ids", 1),
        ("ids", "1"),
        ("ids", {"0": 1}),
        ("ids", ["1"]),
        ("made_by", "me"),
        ("nmae", "Desk"),
    ],
)
def test_another_type_or_an_unknown_member_is_refused_by_its_name(member: str, value: Any) -> None:
    read = _Order(data={"note": "fine", member: value})
    assert not read.is_valid()
    assert list(read.errors) == [member]


def test_a_refusal_names_all_that_is_wrong_and_what_is_known() -> None:
    read = _Order(data={"name": "too long", "count": "3", "ids": [1, "2", True], "colours": "red"})
    assert not read.is_valid()
    assert {"name", "count", "ids", "colours"} == set(read.errors)
    assert set(read.errors["ids"]) == {1, 2}
    assert "colours" in str(read.errors["colours"][0])
    assert "colour, size" in str(read.errors["colours"][0])


@pytest.mark.django_db
def test_json_that_is_nested_too_deeply_is_400(client: Client) -> None:
    headers = factories.bearer(factories.person(administrator=True))
    deep = b"[" * 100_000 + b"]" * 100_000
    answer = client.post("/api/v2/domains/", deep, content_type="application/json", headers=headers)
    assert answer.status_code == 400
    assert "nested too deeply" in answer.json()["detail"]
