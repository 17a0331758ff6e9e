"""Observations that are packed tell as much as before: what comes late between them makes the versions that it always made."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import ApiToken
from accounts.tokens import mint
from catalog.models import Dataset, SchemaVersion
from lineage.draining import drain
from lineage.folding import fold_batch
from lineage.intake import accept_batch
from lineage.models import PackedObservations, SchemaObservation
from lineage.schema_packing import pack_schemas, pack_schemas_of
from tests.factories import pipeline
from tests.lineage.events import dataset, dataset_event
from tests.lineage.state import folded_state, forget
from tests.thoroughness import examples

pytestmark = pytest.mark.django_db
SCHEMAS = (("id",), ("id", "name"), ("id", "email"))


def told(second: int, schema: int, name: str = "units") -> dict[str, Any]:
    return dataset_event(dataset(name, fields=SCHEMAS[schema]), seconds=second)


@pytest.fixture
def token(db: None) -> ApiToken:
    sender = pipeline("packing")
    return mint(principal=sender, name="packing", scopes=["lineage:write"], by=sender).token


def fold(token: ApiToken, events: list[dict[str, Any]]) -> None:
    accept_batch(json.dumps(events).encode(), token=token)
    drain()


def everything() -> list[int]:
    return list(Dataset.objects.values_list("pk", flat=True))


def versions() -> list[tuple[str, int]]:
    rows = SchemaVersion.objects.filter(dataset__name="units").order_by("number")
    return [(f"{row.seen_at:%S}", len(row.content["fields"])) for row in rows]


def test_what_comes_late_between_packed_ones_splits_them_where_it_came(token: ApiToken) -> None:
    fold(token, [told(second, 0) for second in range(0, 50, 10)])
    assert pack_schemas_of(everything(), least=2) == 4
    assert (SchemaObservation.objects.count(), PackedObservations.objects.count()) == (1, 1)
    assert versions() == [("00", 1)]
    fold(token, [told(15, 1)])
    assert versions() == [("00", 1), ("15", 2), ("20", 1)]
    fold(token, [told(35, 1)])
    assert versions() == [("00", 1), ("15", 2), ("20", 1), ("35", 2), ("40", 1)]


def test_what_repeats_a_packed_one_changes_nothing(token: ApiToken) -> None:
    fold(token, [told(second, 0) for second in range(0, 50, 10)])
    pack_schemas_of(everything(), least=2)
    fold(token, [told(25, 0), told(60, 0)])
    assert versions() == [("00", 1)]


def test_an_event_that_was_packed_and_comes_again_changes_nothing(token: ApiToken) -> None:
    fold(token, [told(0, 0), told(10, 1), told(20, 0), told(30, 1)])
    before = versions()
    pack_schemas_of(everything(), least=1)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lineage_event")  # past its retention, the log knows no duplicate
    fold(token, [told(10, 1), told(20, 0)])
    assert versions() == before
    pack_schemas_of(everything(), least=1)
    fold(token, [told(40, 1)])
    assert versions() == before


def test_a_few_alike_and_what_was_not_told_yet_stay_as_they_are(token: ApiToken) -> None:
    fold(token, [told(0, 0), told(10, 0), told(20, 1)])
    assert pack_schemas_of(everything()) == 0
    accept_batch(json.dumps([told(5, 2)]).encode(), token=token)
    fold_batch()  # folded, and the catalog not told
    assert pack_schemas_of(everything(), least=1) == 0


def test_a_pass_reaches_every_dataset_in_pieces(token: ApiToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineage.schema_packing._DATASETS_AT_ONCE", 2)
    fold(token, [told(second, 0, f"t_{number}") for number in range(5) for second in range(4)])
    moved = [pack_schemas(least=2, seconds=0) for _ in range(4)]
    assert sum(moved) == 15
    assert pack_schemas(least=2) == 0


def test_a_packed_observation_takes_a_fifth_of_the_space(token: ApiToken) -> None:
    fold(token, [told(second, 0) for second in range(3001)])
    pack_schemas_of(everything())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_column_size(packed)), sum(cardinality(times)) FROM lineage_packedobservations AS packed"
        )
        size, count = cursor.fetchone()
    assert count == 3000
    assert size / count < 25


steps = st.one_of(
    st.just("pack"),
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 2), st.sampled_from(["units", "tasks"])), min_size=1, max_size=4
    ),
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=2, max_size=14))
def test_packing_at_any_time_between_late_events_leaves_the_state_of_a_clean_fold(
    token: ApiToken, history: list[Any]
) -> None:
    forget()
    events = []
    for step in history:
        if step == "pack":
            pack_schemas_of(everything(), least=1)
        else:
            told_now = [told(second, schema, name) for second, schema, name in step]
            events += told_now
            fold(token, told_now)
    packed = folded_state()
    forget()
    if events:
        fold(token, events)
    assert packed == folded_state()
