"""Keyset pages show every row once, forwards and backwards, and no cursor breaks them."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import System
from common.errors import Invalid
from common.pagination import page_link, page_of, page_size


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    descriptions=st.lists(st.sampled_from(["a", "b", "ü", ""]), max_size=12),
    size=st.integers(1, 5),
    order=st.sampled_from([("description", "id"), ("-description", "id"), ("-id",), ("description", "-id")]),
)
def test_pages_forwards_and_back_hold_every_row_once(descriptions, size, order):
    System.objects.all().delete()
    for number, text in enumerate(descriptions):
        System.objects.create(slug=f"s{number}", name=f"s{number}", description=text)
    expected = list(System.objects.order_by(*order))
    forwards, cursor, last = [], None, None
    while True:
        last = page_of(System.objects.all(), order=order, cursor=cursor, size=size)
        forwards += last.rows
        if (cursor := last.next_cursor) is None:
            break
    assert forwards == expected
    back, cursor = list(last.rows), last.previous_cursor
    while cursor is not None:
        page = page_of(System.objects.all(), order=order, cursor=cursor, size=size)
        back = [*page.rows, *back]
        cursor = page.previous_cursor
    assert back == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    "cursor", ["x", "é", "bnVsbA", "W10", "WyJuIiwieCJd", "WyJuIixudWxsXQ", "WyJuIiwxLDJd", "\x00"]
)
def test_cursor_that_no_page_gave_is_refused_with_a_sentence(cursor):
    with pytest.raises(Invalid, match="first page"):
        page_of(System.objects.all(), order=("-id",), cursor=cursor)


@pytest.mark.django_db
def test_half_a_surrogate_pair_in_a_cursor_is_refused_before_the_database_is_asked():
    with pytest.raises(Invalid, match="first page"):
        page_of(System.objects.all(), order=("name",), cursor="WyJuIiwiXHVkODAwIl0")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1e3", "٣", "9" * 30])
def test_limit_is_a_number_up_to_200(limit):
    with pytest.raises(Invalid):
        page_size(RequestFactory().get("/", {"limit": limit}))


def test_link_of_a_page_keeps_the_other_parameters():
    request = RequestFactory().get("/runs/", {"state": "failed", "cursor": "old", "tag": ["a", "b"]})
    assert page_link(request, "new") == "/runs/?state=failed&tag=a&tag=b&cursor=new"
    assert page_link(request, None) is None
