"""Kept events are read as what they were when they came."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lineage import openlineage
from lineage.kept import INPUT, OUTPUT, Reader
from tests.lineage.events import dataset, dataset_event, job_event, run_event

_WORDS = st.sampled_from(["_deleted", "a", "B", "é", '"_deleted":true', "{", "\\", "\u2028", "\x7f"]) | st.text(
    max_size=4
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)


def digest(value: Any) -> str:
    return openlineage.digest_of(openlineage.canonical(value)).hex


def kept(event: Any) -> bytes:
    """As the intake keeps what a client sends."""
    return openlineage.canonical(openlineage.decode(msgspec.json.encode(event)))


@given(st.dictionaries(_WORDS, _JSON, max_size=4))
def test_a_facet_is_known_by_the_digest_of_its_canonical_form(facets):
    reader = Reader()
    event = reader.read(kept(run_event(outputs=[dataset("a", of=facets)])), "0" * 32)
    (use,) = event.uses
    gone = facets.get("_deleted") is True
    assert use.facets.contents == {"of": None if gone else digest(facets)}
    assert gone or openlineage.decode(reader.contents[digest(facets)]) == facets


@given(_JSON)
def test_only_an_object_that_says_so_is_deleted(value):
    event = Reader().read(kept(dataset_event(dataset("a", schema=value))), "0" * 32)
    standing = isinstance(value, dict) and value.get("_deleted") is not True
    assert event.uses[0].facets.schema == (digest(value) if standing else None)


def test_the_same_text_says_something_else_of_an_input_than_of_an_output():
    same = [dataset("a") | {"inputFacets": {"read": {"x": 1}}, "outputFacets": {"wrote": {"x": 2}}}]
    event = Reader().read(kept(run_event(inputs=same, outputs=same)), "0" * 32)
    assert [(use.direction, set(use.used.contents)) for use in event.uses] == [(INPUT, {"read"}), (OUTPUT, {"wrote"})]


def test_what_an_event_without_a_run_says_of_uses_is_not_kept():
    used = dataset("a") | {"outputFacets": {"wrote": {"x": 2}}}
    reader = Reader()
    for event in (job_event() | {"outputs": [used]}, dataset_event(used)):
        (use,) = reader.read(kept(event), "0" * 32).uses
        assert not use.used.contents
    assert digest({"x": 2}) not in reader.contents
    reader.read(kept(run_event(outputs=[used])), "0" * 32)
    assert digest({"x": 2}) in reader.contents


def test_a_run_event_may_have_members_of_another_kind_in_any_shape():
    event = Reader().read(kept(run_event(inputs=["a"]) | {"dataset": "none"}), "0" * 32)
    assert event.run is not None
    assert [use.key.name for use in event.uses] == ["a"]
