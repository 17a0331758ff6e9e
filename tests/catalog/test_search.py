"""Search: what is found, in which order, by whom, and in how many statements."""

from __future__ import annotations

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from catalog.filters import Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.facets import facets_of
from catalog.queries.search import Found, search, understood
from catalog.queries.spelling import distance, variants
from catalog.search_index import refresh_search
from common.errors import Invalid
from tests import factories

pytestmark = pytest.mark.django_db


def indexed(*datasets: Dataset) -> None:
    refresh_search([dataset.pk for dataset in datasets])


def find(principal: Principal, text: str, filters: str = "", **options: object) -> Found:
    return search(principal=principal, text=text, narrowing=Narrowing(QueryDict(filters)), **options)


def names(found: Found) -> list[str]:
    return [row.name for row in found.page.rows]


@pytest.fixture
def cast() -> factories.Cast:
    return factories.personas()


def test_exact_name_comes_before_names_that_begin_so_and_those_before_full_text(cast: factories.Cast) -> None:
    made = [
        factories.dataset(name, domain=cast.domain, source=cast.source, fields=fields)
        for name, fields in [
            ("marks", ["submissions"]),
            ("late_submissions", ["id"]),
            ("submissions_archive", ["id"]),
            ("submissions", ["id"]),
        ]
    ]
    indexed(*made)
    assert names(find(cast.steward, "submissions")) == [
        "submissions",
        "submissions_archive",
        "late_submissions",
        "marks",
    ]


def test_a_dataset_is_found_by_a_column_and_says_which(cast: factories.Cast) -> None:
    grades = factories.dataset("grades", domain=cast.domain, fields=["id", "studentNumber", "comment.author"])
    indexed(grades)
    found = find(cast.analyst, "student number")
    assert names(found) == ["grades"]
    assert found.columns == {grades.pk: ["studentNumber"]}


@pytest.mark.parametrize(
    ("typed", "exact", "other"),
    [
        ("grade", "grade", ["grade_date", "grade_text", "grade_note"]),
        ("Student Number", "student_number", ["student_number_old", "student_number_new"]),
        ("student number", "studentNumber", ["student_number_old", "student_number_new"]),
        ("comment.author", "comment.author", ["comment.author.name", "comment.author.mail"]),
    ],
)
def test_a_column_called_exactly_so_comes_before_columns_that_only_hold_it(
    cast: factories.Cast, typed: str, exact: str, other: list[str]
) -> None:
    holding = factories.dataset("holding", domain=cast.domain, fields=other)
    called = factories.dataset("called", domain=cast.domain, fields=[exact])
    named = factories.dataset(typed, domain=cast.domain)
    indexed(holding, called, named)
    for reader in (cast.administrator, cast.analyst):
        assert names(find(reader, typed)) == [typed, "called", "holding"]


def test_one_typo_is_forgiven_and_said(cast: factories.Cast) -> None:
    indexed(factories.dataset("submissions", domain=cast.domain))
    for typed in ("submisions", "submissoins", "submizsions", "submiissions"):
        found = find(cast.analyst, typed)
        assert names(found) == ["submissions"], typed
        assert found.wanted is not None
        assert found.wanted.corrected == "submissions"


def test_a_known_word_is_never_corrected(cast: factories.Cast) -> None:
    indexed(factories.dataset("units", domain=cast.domain), factories.dataset("unity", domain=cast.domain))
    found = find(cast.analyst, "unity")
    assert names(found) == ["unity"]
    assert found.wanted is not None
    assert found.wanted.corrected == ""


def test_corrections_come_only_from_datasets_that_the_principal_sees(cast: factories.Cast) -> None:
    hidden = factories.domain("Hidden", open_tier=Tier.NONE)
    indexed(factories.dataset("salaries", domain=hidden))
    found = find(cast.outsider, "salarie")
    assert names(found) == []
    assert found.wanted is not None
    assert found.wanted.corrected == ""


def test_columns_and_descriptions_do_not_find_what_may_only_be_discovered(cast: factories.Cast) -> None:
    people = factories.dataset("people", domain=cast.domain, fields=["passport"])
    people.description = "Everyone with a passport"
    people.save()
    indexed(people)
    assert names(find(cast.outsider, "passport")) == []
    assert names(find(cast.outsider, "people")) == ["people"]
    assert names(find(cast.analyst, "passport")) == ["people"]


def test_column_that_may_not_be_known_moves_nothing(cast: factories.Cast) -> None:
    plain = factories.dataset("first", domain=cast.domain, fields=["id"])
    telling = factories.dataset("other", domain=cast.domain, fields=["exams", "exams_total"])
    Dataset.objects.filter(pk__in=[plain.pk, telling.pk]).update(tag_names=["Exams"])
    indexed(plain, telling)
    assert names(find(cast.steward, "exams")) == ["other", "first"]
    assert names(find(cast.outsider, "exams")) == ["first", "other"]


def test_hidden_datasets_are_neither_found_nor_counted(cast: factories.Cast) -> None:
    hidden = factories.domain("Hidden", open_tier=Tier.NONE)
    indexed(factories.dataset("payroll", domain=hidden), factories.dataset("payroll_open", domain=cast.domain))
    assert names(find(cast.outsider, "payroll")) == ["payroll_open"]
    counted = facets_of(principal=cast.outsider, wanted=understood("payroll"), narrowing=Narrowing({}))
    assert counted.total == 1
    assert [option.value for option in counted.options["domain"]] == ["teaching"]


def test_gone_datasets_are_hidden_unless_asked_for(cast: factories.Cast) -> None:
    gone = factories.dataset("gone_table", domain=cast.domain)
    Dataset.objects.filter(pk=gone.pk).update(gone_since=gone.first_seen)
    indexed(gone)
    assert names(find(cast.steward, "gone_table")) == []
    assert names(find(cast.steward, "gone_table", "gone=show")) == ["gone_table"]
    assert names(find(cast.steward, "gone_table", "gone=only")) == ["gone_table"]


def test_pages_together_hold_each_result_once_and_in_order(cast: factories.Cast) -> None:
    made = [
        factories.dataset(f"report_{number:02}", domain=cast.domain, source=cast.source, fields=[])
        for number in range(23)
    ]
    indexed(*made)
    for text in ("report", ""):
        everything = names(find(cast.steward, text, size=200))
        walked: list[str] = []
        cursor: str | None = None
        while True:
            found = find(cast.steward, text, cursor=cursor, size=5)
            walked += names(found)
            cursor = found.page.next_cursor
            if cursor is None:
                break
        assert walked == everything
        assert len(walked) == (23 if text else 24)


def test_numbers_past_the_cap_are_left_out(cast: factories.Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.queries.facets.CAP", 2)
    for _ in range(3):
        factories.dataset(domain=cast.domain)
    counted = facets_of(principal=cast.steward, wanted=None, narrowing=Narrowing({}))
    assert (counted.total, counted.capped) == (2, True)
    assert {option.count for option in counted.options["kind"]} == {None}


def test_beyond_the_cap_the_better_ways_of_matching_are_ranked(
    cast: factories.Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.queries.search.MATCH_CAP", 3)
    made = [
        factories.dataset(name, domain=cast.domain) for name in ("marks_c", "late_marks", "marks_a", "marks", "marks_b")
    ]
    indexed(*made)
    assert names(find(cast.steward, "marks")) == ["marks", "marks_a", "marks_b"]
    monkeypatch.setattr("catalog.queries.search.MATCH_CAP", 5)
    assert names(find(cast.steward, "marks")) == ["marks", "marks_c", "marks_a", "marks_b", "late_marks"]


def test_what_matches_in_several_ways_is_found_once(cast: factories.Cast) -> None:
    indexed(factories.dataset("marks", domain=cast.domain, fields=["marks"]))
    found = find(cast.steward, "marks")
    assert names(found) == ["marks"]
    counted = facets_of(
        principal=cast.steward, wanted=found.wanted, narrowing=Narrowing(QueryDict("")), matched=found.matched
    )
    assert counted.total == 1


def test_facets_count_their_own_alternatives_and_narrow_the_others(cast: factories.Cast) -> None:
    research = factories.domain("Research", open_tier=Tier.METADATA)
    factories.dataset("a", domain=cast.domain, source=cast.source)
    factories.dataset("b", domain=research)
    factories.dataset("c", domain=research)
    counted = facets_of(principal=cast.administrator, wanted=None, narrowing=Narrowing(QueryDict("domain=research")))
    assert counted.total == 2
    assert {option.value: option.count for option in counted.options["domain"]} == {"research": 2, "teaching": 2}
    assert [option.value for option in counted.options["domain"] if option.chosen] == ["research"]
    assert cast.source.slug not in {option.value for option in counted.options["source"]}


@pytest.mark.parametrize(
    "text", ["", "users", "user mail", "'; drop table", "a:* & !b", "\\", "%_", "😀", "x" * 200, "a.b.c", "( | )"]
)
def test_any_text_can_be_searched(cast: factories.Cast, text: str) -> None:
    find(cast.analyst, text)


def test_what_cannot_be_searched_is_refused_with_a_sentence(cast: factories.Cast) -> None:
    for text in ("x" * 201, "nul\x00"):
        with pytest.raises(Invalid):
            find(cast.analyst, text)
    for filters in ("kind=planet", "level=high", "level=-1", "schema=x", "gone=perhaps", "owner=%00"):
        with pytest.raises(Invalid):
            Narrowing(QueryDict(filters))


def test_a_search_takes_the_same_statements_however_many_rows_there_are(cast: factories.Cast) -> None:
    def statements() -> int:
        fresh = Principal.objects.select_related("user").get(pk=cast.analyst.pk)
        with CaptureQueriesContext(connection) as captured:
            find(fresh, "table")
        return len(captured)

    indexed(factories.dataset("table_one", domain=cast.domain))
    few = statements()
    indexed(*[factories.dataset(f"table_x{number}", domain=cast.domain) for number in range(40)])
    assert statements() == few == 5


def test_variants_are_exactly_the_words_one_slip_away() -> None:
    found = variants("abc")
    assert {"ab", "acb", "abbc", "xbc", "abc1"} <= found
    assert "abc" not in found
    assert all(distance("abc", other) == 1 for other in found)
