"""Find datasets by what people type: the exact name first, then names that begin so, names that hold it, then full text.

Everything passes the one door: whoever may only discover a dataset finds it by its name and tags, never by a column or a
description, which it may not read. A mistyped word is corrected only to words that the principal's own datasets hold.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NewType

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import connection
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Exists,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Greatest, Length, Ln, Lower

from catalog.models import Dataset, Field, Tier
from catalog.queries.spelling import nearest_words
from catalog.visibility import scope_of
from common.errors import Invalid
from common.pagination import Page, page_of

if TYPE_CHECKING:
    from accounts.models import Principal
    from catalog.filters import Narrowing

MAX_QUERY = 200
MAX_WORDS = 12
MATCH_CAP = 2_000
"""How many datasets are ranked, the better ways of matching first; a search with more is to be narrowed."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_BUCKET = 10_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the query. `instead` holds what is looked for in its place, where it was mistyped."""

    text: str
    instead: tuple[str, ...] = ()

    @property
    def alternatives(self) -> tuple[str, ...]:
        return self.instead or (self.text,)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query as it is understood."""

    text: str
    words: tuple[Word, ...]

    @property
    def corrected(self) -> str:
        """What was looked for instead, for the sentence above the results; empty where nothing was corrected."""
        if not any(word.instead for word in self.words):
            return ""
        return " ".join(word.alternatives[0] for word in self.words)

    def text_search(self, *, named_only: bool = False) -> SearchQuery:
        """All the words, each also as the beginning of one; `named_only` leaves columns and descriptions out."""
        weights = "AB" if named_only else ""
        parts = [" | ".join(f"'{one}':*{weights}" for one in word.alternatives) for word in self.words]
        return SearchQuery(" & ".join(f"({part})" for part in parts), config="simple", search_type="raw")

    def any_word(self) -> SearchQuery:
        words = " | ".join(f"'{one}':*" for word in self.words for one in word.alternatives)
        return SearchQuery(words, config="simple", search_type="raw")


Matched = NewType("Matched", str)
"""The ids of what matched, as PostgreSQL writes an array: thousands, which go back to it as they came; empty for none."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results. `columns` names, by dataset, the columns that the words were found in.

    `matched` are the ids that the page is of, as far as they were ranked; None without a query, when all were.
    """

    page: Page[Dataset]
    wanted: Wanted | None
    matched: Matched | None = None
    columns: dict[int, list[str]] = field(default_factory=dict)


def words_of(text: str) -> list[str]:
    """The words of a text as the search index cuts them: at everything that is no letter or digit, and at camelCase."""
    return [match.lower() for match in _WORD.findall(_CAMEL.sub(" ", text))]


def understood(text: str) -> Wanted | None:
    """A query without correction; None for one that says nothing. Raises `Invalid` for one that cannot be searched."""
    if "\x00" in text:
        raise Invalid("Leave the NUL character out of the query.", {"q": ["holds a NUL character"]})
    text = " ".join(text.split())
    if len(text) > MAX_QUERY:
        raise Invalid(f"A query has at most {MAX_QUERY} characters.", {"q": [f"at most {MAX_QUERY} characters"]})
    if not text:
        return None
    return Wanted(text, tuple(Word(word) for word in dict.fromkeys(words_of(text)))[:MAX_WORDS])


def search(
    *,
    principal: Principal,
    text: str,
    narrowing: Narrowing,
    cursor: str | None = None,
    size: int = 25,
    sort: str = "",
) -> Found:
    """A page of the visible datasets that match `text` and `narrowing`, best first; without text by name.

    Four statements, and seven more where nothing matched and a word may be mistyped (beside the principal's scope).
    """
    wanted = understood(text)
    if wanted is None:
        return Found(page_of(listed(principal, narrowing), order=_order(sort), cursor=cursor, size=size), None)
    matched = _matched(principal, wanted, narrowing)
    if not matched and wanted.words:
        corrected = _corrected(principal, wanted)
        if corrected is not None:
            wanted = corrected
            matched = _matched(principal, wanted, narrowing)
    page = _page(principal, wanted, matched, cursor, size)
    return Found(page, wanted, matched, _matching_columns(page.rows, wanted))


def listed(principal: Principal, narrowing: Narrowing) -> QuerySet[Dataset]:
    """The visible datasets that pass the filters, with their tier and `name_key`, in no order."""
    rows = Dataset.objects.not_merged().visible_to(principal)
    return for_lists(narrowing.apply(rows), principal)


def matching(principal: Principal, narrowing: Narrowing, wanted: Wanted) -> QuerySet[Dataset]:
    """The visible datasets that match, each with its `score` (more is better) and tier, in no order."""
    rows = Dataset.objects.filter(pk__in=candidates(principal, wanted, narrowing))
    return for_lists(rows.annotate(score=_score(principal, wanted)), principal)


def _matched(principal: Principal, wanted: Wanted, narrowing: Narrowing) -> Matched:
    statement, parameters = candidates(principal, wanted, narrowing).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT array_agg(pk)::text FROM ({statement}) AS candidate", parameters)  # noqa: S608
        [found] = cursor.fetchone()
    return Matched(found or "")


def those(ids: Matched | Iterable[int]) -> QuerySet[Dataset]:
    """The datasets of these ids, as one parameter however many there are."""
    array = ids if isinstance(ids, str) else f"{{{','.join(map(str, ids))}}}"
    # Not `IN (SELECT unnest(…))`: that is looked up id by id, this is one scan of the index for ids side by side.
    condition = RawSQL('"catalog_dataset"."id" = ANY(%s::bigint[])', [array or "{}"], output_field=BooleanField())
    found: QuerySet[Dataset] = Dataset.objects.filter(condition)
    return found


def for_lists(rows: QuerySet[Any], principal: Principal) -> QuerySet[Dataset]:
    """With what a list shows of each dataset, and without the large columns that it does not."""
    found: QuerySet[Dataset] = (
        rows.with_tier(principal)  # type: ignore[attr-defined]
        .annotate(name_key=Lower("name"))
        .select_related("source__system", "schema", "domain")
        .defer("search", "definition", "properties")
    )
    return found


_ORDERS = {
    "": ("name_key", "id"),
    "name": ("name_key", "id"),
    "-name": ("-name_key", "-id"),
    "-changed": ("-changed_at", "-id"),
    "changed": ("changed_at", "id"),
}


def _order(sort: str) -> tuple[str, ...]:
    if sort not in _ORDERS:
        raise Invalid("sort is name, -name, changed or -changed.", {"sort": ["name, -name, changed or -changed"]})
    return _ORDERS[sort]


def _page(principal: Principal, wanted: Wanted, matched: Matched, cursor: str | None, size: int) -> Page[Dataset]:
    """Ranked by what ranking needs; what a list shows is read of the page's rows alone, not of all that match."""
    ranked: QuerySet[Dataset] = those(matched).annotate(score=_score(principal, wanted)).only("id")
    page = page_of(ranked, order=("-score", "id"), cursor=cursor, size=size)
    shown = for_lists(those([row.pk for row in page]), principal).in_bulk()
    return replace(page, rows=[shown[row.pk] for row in page if row.pk in shown])


def candidates(principal: Principal, wanted: Wanted, narrowing: Narrowing) -> QuerySet[Any]:
    """The ids of what is ranked, each once: each way of matching is found by an index of its own.

    PostgreSQL reads one way after the other and stops when there are enough; what matches in several is found by the best.
    """
    visible = Dataset.objects.not_merged().visible_to(principal)
    rows = narrowing.apply(visible).annotate(name_key=Lower("name")).order_by()
    exact, begins, holds = Q(name_key__in=_name_keys(wanted)), Q(), Q()
    for key in _name_keys(wanted):
        begins |= Q(name_key__startswith=key)
        holds |= Q(name_key__contains=key)
    ways = [exact, begins]
    if len(wanted.text) > 2:
        ways.append(holds)
    if wanted.words:
        ways.append(text_condition(principal, wanted))
    # A way includes those before it, except the last. The first are read as the index has them: the shorter before the longer.
    found = [rows.filter(exact), *(rows.filter(way & ~better) for better, way in pairwise(ways))]
    found[1] = found[1].order_by("name_key", "pk")
    limited = [branch.values("pk")[:MATCH_CAP] for branch in found]
    return limited[0].union(*limited[1:], all=True)[:MATCH_CAP]


def text_condition(principal: Principal, wanted: Wanted) -> Q:
    """Full text, as far as the principal may read each dataset."""
    scope = scope_of(principal)
    if scope.everything:
        return Q(search=wanted.text_search())
    read = Q(search=wanted.text_search()) & scope.condition(Tier.METADATA)
    return read | Q(search=wanted.text_search(named_only=True))


def _name_keys(wanted: Wanted) -> tuple[str, ...]:
    """The query as a name: as it is, and with the underscores that people leave out."""
    key = wanted.text.lower()
    return tuple(dict.fromkeys([key, key.replace(" ", "_")]))


def _column_paths(wanted: Wanted) -> list[list[str]]:
    """The query as a column's path, in the ways that columns are written: an index finds these, case folding none."""
    text = wanted.corrected or wanted.text
    key = text.lower()
    joined = key.replace(" ", "_")
    first, *others = text.split()
    camel = first + "".join(word[:1].upper() + word[1:] for word in others)
    names = [text, key, key.upper(), key.title(), joined, joined.upper(), camel, camel[:1].upper() + camel[1:]]
    return [name.split(".") for name in dict.fromkeys(names)]


def _named_by_a_column(principal: Principal, wanted: Wanted) -> Q:
    """A standing column is called exactly so, in a dataset whose columns the principal may know."""
    columns = Field.objects.filter(dataset=OuterRef("pk"), gone_since__isnull=True)
    exact = Q(Exists(columns.filter(path__in=_column_paths(wanted))))
    scope = scope_of(principal)
    return exact if scope.everything else exact & scope.condition(Tier.METADATA)


def _text_rank(principal: Principal, wanted: Wanted) -> Any:
    """How well the text fits; where columns may not be known, neither do they move a dataset up."""
    if not wanted.words:
        return Value(0.0)
    whole = SearchRank(F("search"), wanted.text_search())
    scope = scope_of(principal)
    if scope.everything:
        return whole
    # D and C, where columns and descriptions stand, weigh nothing; B and A, the names, what they weigh by default.
    named = SearchRank(F("search"), wanted.text_search(named_only=True), weights=[0.0, 0.0, 0.4, 1.0])
    return Case(When(scope.condition(Tier.METADATA), then=whole), default=named, output_field=FloatField())


_BY_DEPENDENTS = 500


def _weight(principal: Principal) -> Any:
    """What depends on a dataset moves it up a little: tenfold as much weighs as a name that is a letter shorter.

    Not where its lineage may not be read: the order would tell of it.
    """
    weight = Cast(Ln(F("criticality") + Value(1.0)) * Value(float(_BY_DEPENDENTS)), BigIntegerField())
    scope = scope_of(principal)
    if scope.everything:
        return weight
    return Case(When(scope.condition(Tier.METADATA), then=weight), default=Value(0), output_field=BigIntegerField())


def _score(principal: Principal, wanted: Wanted) -> Combinable:
    """A whole number: the way of matching first, then how well, and how much depends on the dataset.

    Shorter names first where the name begins so or holds it; among the others, those with a column called exactly so.
    Among several of exactly this name, the one that most depends on is first.
    """
    keys = _name_keys(wanted)
    left = Value(1_000_000) - Cast(Length("name"), BigIntegerField()) * 1000
    short = Greatest(left, Value(0), output_field=BigIntegerField())
    begins, holds = Q(), Q()
    for key in keys:
        begins |= Q(name__istartswith=key)
        holds |= Q(name__icontains=key)
    rank = Cast(_text_rank(principal, wanted) * Value(1_000_000.0), BigIntegerField())
    way = Case(
        When(
            Q(name__iexact=keys[0]) | Q(name__iexact=keys[-1]) | Q(qualified_name__iexact=keys[0]),
            then=Value(4 * _BUCKET),
        ),
        When(begins, then=Value(3 * _BUCKET) + short),
        When(holds, then=Value(2 * _BUCKET) + short),
        When(_named_by_a_column(principal, wanted), then=Value(_BUCKET) + rank),
        default=rank,
        output_field=BigIntegerField(),
    )
    return way + _weight(principal)


def _corrected(principal: Principal, wanted: Wanted) -> Wanted | None:
    """The query with each word that the principal's datasets lack replaced by the nearest ones that they hold."""
    known = _seen_words(principal, [word.text for word in wanted.words])
    unknown = [word.text for word in wanted.words if word.text not in known]
    near = nearest_words(unknown)
    seen = _seen_words(principal, [one for found in near.values() for one in found])
    words = []
    for word in wanted.words:
        instead = tuple(one for one in near.get(word.text, ()) if one in seen)[:3]
        words.append(Word(word.text, instead))
    if not any(word.instead for word in words):
        return None
    return Wanted(wanted.text, tuple(words))


def _seen_words(principal: Principal, words: Iterable[str]) -> set[str]:
    """Those of the words with which a word of a visible dataset begins; one statement."""
    branches = [
        Dataset.objects.standing()
        .visible_to(principal)
        .filter(text_condition(principal, Wanted(word, (Word(word),))))
        .order_by()
        .annotate(found=Value(word))
        .values_list("found", flat=True)[:1]
        for word in dict.fromkeys(words)
    ]
    if not branches:
        return set()
    return set(branches[0].union(*branches[1:], all=True)) if len(branches) > 1 else set(branches[0])


_COLUMNS = """
    SELECT dataset_id, (array_agg(name ORDER BY position))[1:3]
    FROM (
        SELECT dataset_id, position, array_to_string(path, '.') AS name FROM catalog_field
        WHERE dataset_id = ANY(%s) AND gone_since IS NULL
          AND to_tsvector('simple', catalog_search_words(array_to_string(path, ' '))) @@ to_tsquery('simple', %s)
    ) AS matched
    GROUP BY dataset_id
"""


def _matching_columns(rows: Sequence[Dataset], wanted: Wanted) -> dict[int, list[str]]:
    """By dataset, up to three columns that hold a word of the query, for datasets whose columns the reader may know."""
    ids = [row.pk for row in rows if row.tier >= Tier.METADATA]
    words = " | ".join(f"'{one}':*" for word in wanted.words for one in word.alternatives)
    if not words:
        return {}
    found: dict[int, list[str]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [ids, words])
        found.update(cursor.fetchall())
    return dict(found)
