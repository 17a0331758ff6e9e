"""Numbers and times as people read them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.template import Context, Template

from common.templatetags.formats import breakable, compact, duration, filesize, number, relative
from common.templatetags.ui import initials

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0421, "42 ms"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (3671, "1 h 1 min"),
        (3600, "1 h"),
        (90_000, "1 d 1 h"),
        (-1, "–"),
        (None, "–"),
    ],
)
def test_duration_is_told_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(("value", "words"), [(999, "999"), (999.6, "1\u202fk"), (1_234_567, "1.23\u202fM"), (0, "0")])
def test_estimate_has_three_digits(value, words):
    assert compact(value) == words


def test_number_and_size_keep_thin_spaces():
    assert number(12345) == "12\u202f345"
    assert number(12.53) == "12.5"
    assert filesize(1_536_000) == "1.54\u202fMB"
    assert filesize(12) == "12\u202fB"


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (dt.timedelta(seconds=-59), "just now"),
        (dt.timedelta(minutes=-1), "1 minute ago"),
        (dt.timedelta(hours=-47), "1 day ago"),
        (dt.timedelta(days=3), "in 3 days"),
        (dt.timedelta(days=30, minutes=-5), "in 30 days"),
        (dt.timedelta(hours=30), "in 1 day"),
        (dt.timedelta(seconds=30), "in a moment"),
    ],
)
def test_relative_time_counts_whole_units(shift, words):
    assert relative(NOW + shift, NOW) == words


def test_name_wraps_after_separators_and_stays_escaped():
    assert breakable("a.b_<c>") == "a.<wbr>b_&lt;c&gt;"


def test_initials_of_names_without_letters_do_not_fail():
    assert initials("Ada Okafor") == "AO"
    assert initials("dbt") == "D"
    assert initials("— ()") == ""
    assert initials("") == ""


def test_what_is_not_there_gives_the_empty_text():
    template = Template("{% load formats %}{% ago row.at empty='not yet' %}, {% ago row.missing.at empty='never' %}")
    assert template.render(Context({"row": {"at": None}})) == "not yet, never"
