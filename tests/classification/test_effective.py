"""Which label counts: claims about the pure core."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classification.effective import STRONGEST_FIRST, Assertion, effective

assertions = st.lists(
    st.builds(
        Assertion,
        dataset_id=st.integers(1, 3),
        field_id=st.none(),
        rank=st.integers(1, 4),
        origin=st.sampled_from(STRONGEST_FIRST),
    )
    | st.builds(
        lambda field, rank, origin, standing: Assertion(1 + field % 3, field, rank, origin, standing),
        st.integers(10, 20),
        st.integers(1, 4),
        st.sampled_from(STRONGEST_FIRST),
        st.booleans(),
    )
    | st.builds(
        lambda field, rank: Assertion(1 + field % 3, field, rank, "pipeline", inherited=True),
        st.integers(10, 20),
        st.integers(1, 4),
    ),
    unique_by=lambda one: (one.dataset_id, one.field_id, "inherited" if one.inherited else one.origin),
)


@given(assertions)
def test_a_dataset_is_never_below_its_standing_fields(found: list[Assertion]) -> None:
    made = effective(found)
    for assertion in found:
        if assertion.field_id is not None and assertion.standing:
            standing = {one.standing for one in found if one.field_id == assertion.field_id}
            if standing == {True}:
                assert made.datasets[assertion.dataset_id] >= made.fields[assertion.field_id]


@given(assertions)
def test_a_person_is_never_overruled(found: list[Assertion]) -> None:
    made = effective(found)
    for assertion in found:
        if assertion.origin == "person" and assertion.field_id is not None:
            assert made.fields[assertion.field_id] == assertion.rank


@given(assertions, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(found: list[Assertion], random) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert effective(shuffled) == effective(found)


def test_a_field_that_is_gone_keeps_its_level_and_raises_nothing() -> None:
    made = effective([Assertion(1, 10, 4, "person", standing=False), Assertion(1, 11, 2, "person")])
    assert (made.datasets, made.fields) == ({1: 2}, {10: 4, 11: 2})


def test_what_is_inherited_raises_a_field_and_never_lowers_it() -> None:
    own, inherited = Assertion(1, 10, 3, "code"), Assertion(1, 10, 4, "pipeline", inherited=True)
    assert effective([own, inherited]).fields == {10: 4}
    assert effective([own, Assertion(1, 10, 2, "pipeline", inherited=True)]).fields == {10: 3}
    assert effective([inherited]).datasets == {1: 4}


def test_what_is_inherited_counts_for_nothing_where_a_person_decided() -> None:
    decided = Assertion(1, 10, 2, "person")
    assert effective([Assertion(1, 10, 4, "pipeline", inherited=True), decided]).fields == {10: 2}
