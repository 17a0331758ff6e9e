"""What is said of a column by a sample of it, and that no value comes through."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.profiling import ColumnProfile, distinct_estimate, masked, profile_of, shape_of
from catalog.snapshots import FieldType

TEXT = FieldType.STRING


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("SCN-125", "A-999"),
        ("Jane Smith", "Aa Aa"),
        ("jane@uni.edu.au", "a@a.a.a"),
        ("0412 345 678", "9999 999 999"),
        ("Ünïcode", "Aa"),
        ("李小龙", "a"),
        ("$%^", "***"),
        ("---", "***"),
        ("", "(empty)"),
        ("4" * 30, "9…"),
        ("a1" * 40, "a9a9a9a9a9a9a9a9a9a9a9a…"),
    ],
)
def test_shape_of_a_value(value: str, shape: str):
    assert shape_of(value) == shape


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("jane.smith@uni.edu.au", "j•••.•••@•••.•••.au"),
        ("j@x.au", "•••@•••.au"),
        ("Jane Smith", "J••• •••"),
        ("0412 345 678", "0••• ••• •••"),
        ("SCN-125", None),
        ("M", None),
        ("abcd\x00bcd\ne", "a••• ••• •••"),
        ("first two three four five six seven", "f••• ••• ••• ••• ••• •••…"),
        ("secret{pw}", "s•••••••"),
        ("Call me @home.Bob", "C••• ••• @•••.•••"),
        ("look ftp://x of Jane.Lee", "l••• •••://••• ••• •••.•••"),
        ("jane@uni.edu.au and Bob.Lee", "j•••@•••.•••.••• ••• •••…"),
        ("https://www.uni.edu.au/jane", "h•••://•••.•••.•••.au/•••"),
        ("https://uni.edu.au:8443", "h•••://•••.•••.au:•••"),
        ("https://uni.edu.au/cv.Lee", "h•••://•••.•••.au/•••.•••"),
        ("https://jane@home.Bob.", "h•••://•••@•••.•••"),
        ("j" * 74 + "@x.abcdef", "j•••@•••.•••"),
        ("j" * 75 + "@x.com", "j•••@•••.•••"),
        ("!!!", None),
        ("", None),
    ],
)
def test_mask_of_a_value(value: str, mask: str | None):
    assert masked(value) == mask


@given(st.text(min_size=1, max_size=120))
def test_mask_holds_no_two_letters_or_digits_of_the_value_but_an_ending(value: str):
    mask = masked(value)
    if mask is None:
        return
    shown = "".join(letter for letter in mask if letter.isalnum())
    assert len(shown) <= 4
    assert shown[1:] == "" or value.rstrip().lower().endswith("." + shown.lower()[-3:]) or shown[-2:].isalpha()


@given(st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=60), st.sampled_from(list(FieldType)))
def test_no_text_makes_a_profile_fail(values: list[str | None], kind: FieldType):
    found = profile_of(values, kind, rows=1_000)
    assert found.null_share is None or 0 <= found.null_share <= 1
    assert found.distinct is None or found.distinct <= 1_000


def test_profile_counts_nulls_lengths_and_values():
    found = profile_of(["abc", "abc", "abcde", None], TEXT, rows=4, whole=True)
    assert (found.null_share, found.distinct, found.distinct_exact) == (0.25, 2, True)
    assert (found.shortest, found.longest, found.mean_length) == (3, 5, 3.7)
    assert found.shapes == (("a", 1.0),)


def test_column_of_nulls_is_empty_and_one_without_rows_is_unknown():
    assert profile_of([None, None], TEXT, whole=True) == ColumnProfile(null_share=1.0, distinct=0, distinct_exact=True)
    assert profile_of([], TEXT) == ColumnProfile()


def test_fewer_than_five_values_have_no_exemplar():
    assert profile_of(["male", "female", "other", "none"] * 20, TEXT).exemplars == ()
    assert profile_of(["alpha", "bravo", "charlie", "delta", "hotel"], TEXT).exemplars == ("a•••", "b•••", "c•••")


def test_bounds_are_those_of_numbers_and_times_alone():
    assert profile_of(["9", "10", "x", "NaN"], FieldType.INTEGER).minimum == "9"
    assert profile_of(["9", "10"], FieldType.INTEGER).maximum == "10"
    assert profile_of(["2024-01-31", "infinity", "1999-12-31"], FieldType.DATE).minimum == "1999-12-31"
    moments = profile_of(["2024-01-31 10:00:00+00", "2024-01-31 09:00:00.5+00"], FieldType.TIMESTAMP)
    assert (moments.minimum, moments.maximum) == ("2024-01-31 09:00:00", "2024-01-31 10:00:00")
    assert profile_of(["Ada", "Zoe"], TEXT).minimum is None


def test_binary_columns_tell_their_sizes_and_nothing_else():
    found = profile_of(["3", "10000000", None], FieldType.BINARY)
    assert (found.shortest, found.longest, found.shapes, found.exemplars, found.distinct) == (
        3,
        10_000_000,
        (),
        (),
        None,
    )


def test_estimate_of_distinct_values_is_near_the_truth():
    draw = random.Random(1)
    people = draw.sample(range(10**9), 50_000)
    states = [draw.choice("abcdefgh") for _ in range(50_000)]
    few = Counter(map(str, draw.sample(states, 200)))
    all_different = Counter(map(str, draw.sample(people, 200)))
    assert distinct_estimate(few, 50_000) == 8
    assert distinct_estimate(all_different, 50_000) == 50_000


def test_shape_of_one_value_among_many_shapes_is_not_told():
    values = ["ab-1"] * 10 + ["a1", "1a", "a1a", "1a1", "a1a1", "1a1a"]
    assert profile_of(values, TEXT).shapes == (("a-9", 0.625),)
