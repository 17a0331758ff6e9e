"""What waits for a decision: suggestions in groups of columns that look alike, riskiest and least certain first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from django.db import connection
from django.db.models import F, Q

from catalog.composed import Anyone, composed, values_of
from catalog.models import Dataset
from catalog.visibility import scope_of
from classification.counting import named_sql
from classification.models import Category, Decision, Label, Level, WaitingSum
from classification.querysets import LabelQuerySet
from common import prepared
from common.errors import Invalid

if TYPE_CHECKING:
    from accounts.models import Principal

By = WaitingSum.By
PAGE = 20
SAMPLE = 5
COUNT_CAP = 1_000
MOST_AT_ONCE = 5_000
"""So many suggestions are decided in one transaction at most."""


@dataclass(frozen=True, slots=True)
class Key:
    """What the columns of a group have in common. Suggestions after `until`, the newest when it was shown, are not meant."""

    category: int
    level: int
    phrase: str
    type: str
    until: int

    def __str__(self) -> str:
        return json.dumps([self.category, self.level, self.phrase, self.type, self.until], ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Key:
        """Raises `Invalid` for what `str` of a key did not write."""
        try:
            category, level, phrase, kind, until = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            raise _unreadable() from None
        numbers = all(type(one) is int and 0 <= one < 2**63 for one in (category, level, until))
        words = all(isinstance(one, str) and "\x00" not in one for one in (phrase, kind))
        if not (numbers and words):
            raise _unreadable()
        return cls(category, level, phrase, kind, until)

    @property
    def condition(self) -> Q:
        return Q(
            category=self.category, level=self.level, phrase=self.phrase, field__type=self.type, pk__lte=self.until
        )


def _unreadable() -> Invalid:
    return Invalid("One of the chosen groups cannot be read. Reload the page and choose again.")


@dataclass(frozen=True, slots=True)
class Group:
    """Suggestions of one category for columns that look alike, and some of them: the least certain first."""

    key: Key
    category: Category
    level: Level
    count: int
    datasets: int
    certainty: float
    sample: Sequence[Label]

    @property
    def percent(self) -> int:
        """How certain the detectors are on average; never 100, for nobody has decided."""
        return min(99, round(self.certainty * 100))

    @property
    def more(self) -> int:
        return self.count - len(self.sample)

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """Why, for the first of the sample."""
        return (self.sample[0].evidence or []) if self.sample else []


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Of what waits, that of one category, source or domain, each by its slug; "" for all."""

    category: str = ""
    source: str = ""
    domain: str = ""


EVERYTHING = Narrowed()


def waiting_for(principal: Principal) -> LabelQuerySet:
    """Suggestions that the principal may decide about."""
    found: LabelQuerySet = Label.objects.current().suggested().decidable_by(principal)
    return found


def groups_of(principal: Principal, narrowed: Narrowed = EVERYTHING, *, start: int = 0) -> tuple[list[Group], bool]:
    """A page of groups that the principal may decide about, and whether there are more; six statements at most.

    How many there are is read from the sums of `classification.counting`, the sample from the labels themselves.
    """
    rows = _counted(principal, narrowed, start)
    until = Label.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    keys = [Key(row.category_id, row.level_id, row.phrase, row.type, until) for row in rows[:PAGE]]
    samples = _samples(principal, narrowed, keys)
    categories = Category.objects.in_bulk([key.category for key in keys])
    levels = {level.pk: level for level in Level.objects.all()}
    groups = [
        Group(
            key=key,
            category=categories[key.category],
            level=levels[key.level],
            count=row.columns,
            datasets=row.datasets,
            certainty=row.certainty,
            sample=samples[key],
        )
        for key, row in zip(keys, rows, strict=False)
        if key in samples  # a group that was decided this moment
    ]
    return groups, len(rows) > PAGE


class _Counted(NamedTuple):
    """How many columns look alike, of how many datasets, and how certain the detectors are on average."""

    category_id: int
    level_id: int
    phrase: str
    type: str
    columns: int
    datasets: int
    certainty: float


_SUMS = """
    SELECT category_id, level_id, phrase, type, columns, datasets, confidence FROM classification_waitingsum
    WHERE by = %(by)s AND (%(everywhere)s OR domain_id = ANY(%(curated)s::bigint[]))
      AND (%(source)s = '' OR source_id = (SELECT id FROM catalog_source WHERE slug = %(source)s))
      AND (%(domain)s = '' OR domain_id = (SELECT id FROM catalog_domain WHERE slug = %(domain)s))
"""
# Of datasets for which somebody answers outside the domains that they curate: few, so their own rows are added up.
_OWNED = """
    UNION ALL
    SELECT (one->>0)::bigint, (one->>1)::bigint, one->>2, one->>3, (one->>4)::bigint, 1, (one->>5)::bigint
    FROM classification_datasetcount AS dataset CROSS JOIN LATERAL jsonb_array_elements(waiting) AS one
    WHERE dataset_id IN ({owned}) AND (domain_id IS NULL OR domain_id <> ALL(%(curated)s::bigint[]))
      AND (%(source)s = '' OR source_id = (SELECT id FROM catalog_source WHERE slug = %(source)s))
      AND (%(domain)s = '' OR domain_id = (SELECT id FROM catalog_domain WHERE slug = %(domain)s))
"""
_GROUPS = """
    SELECT category_id, level_id, phrase, type, sum(columns)::bigint, sum(datasets)::bigint,
           (sum(confidence) / (10000.0 * sum(columns)))::float8
    FROM ({sums}) AS found JOIN classification_level AS level ON level.id = found.level_id
    WHERE %(category)s = '' OR category_id = (SELECT id FROM classification_category WHERE slug = %(category)s)
    GROUP BY level.rank, category_id, level_id, phrase, type HAVING sum(columns) > 0
    ORDER BY level.rank DESC, 7, 5 DESC, category_id, level_id, phrase, type LIMIT %(most)s OFFSET %(start)s
"""


def _counted(principal: Principal, narrowed: Narrowed, start: int) -> list[_Counted]:
    scope = scope_of(principal)
    sums = _SUMS
    in_domain = narrowed.domain or not scope.everything
    values: dict[str, Any] = {
        "by": By.PLACE if narrowed.source else By.DOMAIN if in_domain else By.ALL,
        "everywhere": scope.everything,
        "curated": [] if scope.everything else scope.curated_domains(),
        "most": PAGE + 1,
        "start": start,
        **asdict(narrowed),
    }
    if not scope.everything:
        owned, more = named_sql(scope.answered_for())
        sums += _OWNED.format(owned=owned)
        values |= more
    with connection.cursor() as cursor:
        # Constants, and a statement of Django's own; the values are parameters.
        cursor.execute(_GROUPS.format(sums=sums), values)
        return [_Counted(*row) for row in cursor.fetchall()]


_SAMPLE = """
    SELECT found.id FROM unnest(
        %(categories)s::bigint[], %(levels)s::bigint[], %(phrases)s::text[], %(types)s::text[]
    ) AS wanted (category_id, level_id, phrase, type)
    CROSS JOIN LATERAL (
        SELECT label.id FROM classification_label AS label
        JOIN catalog_field AS field ON field.id = label.field_id
        WHERE label.valid_to IS NULL AND label.state = 'suggested' AND label.category_id = wanted.category_id
          AND label.level_id = wanted.level_id AND label.phrase = wanted.phrase AND field.type = wanted.type
          AND field.gone_since IS NULL AND label.id <= %(until)s
          AND EXISTS (SELECT FROM ({datasets}) AS dataset WHERE dataset.id = label.dataset_id)
        ORDER BY label.confidence, label.id LIMIT %(sample)s
    ) AS found
"""


def _samples(principal: Principal, narrowed: Narrowed, keys: Sequence[Key]) -> dict[Key, list[Label]]:
    """Some suggestions of each group, the least certain first; two statements, which read an index in its order."""
    found: dict[Key, list[Label]] = {}
    if not keys:
        return found
    datasets = Dataset.objects.standing().filter(scope_of(principal).curation())
    if narrowed.source:
        datasets = datasets.filter(source__slug=narrowed.source)
    if narrowed.domain:
        datasets = datasets.filter(domain__slug=narrowed.domain)
    sql, values = named_sql(datasets.values("id"))
    asked: dict[str, Any] = {
        "categories": [key.category for key in keys],
        "levels": [key.level for key in keys],
        "phrases": [key.phrase for key in keys],
        "types": [key.type for key in keys],
        "until": keys[0].until,
        "sample": SAMPLE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(datasets=sql), asked | values)
        ids = [row[0] for row in cursor.fetchall()]
    of_group = {(key.category, key.level, key.phrase, key.type): key for key in keys}
    labels = Label.objects.filter(pk__in=ids).select_related("dataset", "field__profile", "rule_set")
    for label in labels.order_by("confidence", "pk"):
        group = (label.category_id or 0, label.level_id, label.phrase, label.field.type if label.field else "")
        if (key := of_group.get(group)) is not None:
            found.setdefault(key, []).append(label)
    return found


def chosen(principal: Principal, texts: Sequence[str]) -> list[Label]:
    """The suggestions of these groups that the principal may decide about, at most `MOST_AT_ONCE`; one statement.

    Raises `Invalid` where no group was chosen, or one cannot be read.
    """
    if not texts or len(texts) > PAGE * 5:
        raise Invalid("Choose at least one group.", {"group": ["Choose at least one."]})
    wanted = Q()
    for text in texts:
        wanted |= Key.read(text).condition
    found = waiting_for(principal).filter(wanted).select_related("dataset__source", "field", "category")
    return list(found.order_by("pk")[:MOST_AT_ONCE])


def count_waiting(principal: Principal) -> int:
    """How many suggestions the principal may decide about, counted up to `COUNT_CAP`; one statement."""
    everything = scope_of(principal).everything
    [(count,)] = prepared.rows(_count_of(everything), {} if everything else values_of(principal))
    return int(count)


@cache
def _count_of(everything: bool) -> str:
    anyone = cast("Principal", Anyone(is_administrator=everything))
    return f"SELECT count(*) FROM ({composed(waiting_for(anyone).order_by().values('pk')[:COUNT_CAP])}) AS waiting"  # noqa: S608


def last_decisions(principal: Principal, *, limit: int = 3) -> list[Decision]:
    """What the principal decided last and may undo, newest first."""
    return list(Decision.objects.filter(by=principal, undone_at__isnull=True).order_by("-pk")[:limit])


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A column on which lineage carries a higher level than a person gave it: the person's counts."""

    decided: Label
    inherited: Label


def disagreements(principal: Principal, *, limit: int = 20) -> list[Disagreement]:
    """Where what is inherited stands above what a person decided; two statements."""
    higher = (
        Label.objects.current()
        .filter(state=Label.State.INHERITED)
        .decidable_by(principal)
        .filter(field__labels__valid_to__isnull=True, field__labels__state="confirmed", field__labels__origin="person")
        .filter(level__rank__gt=F("field__labels__level__rank"))
        .select_related("level", "category", "dataset", "field", "source")
        .order_by("-level__rank", "pk")[:limit]
    )
    inherited = {label.field_id: label for label in higher}
    people = Label.objects.current().confirmed().filter(field__in=list(inherited), origin="person")
    return [
        Disagreement(label, inherited[label.field_id])
        for label in people.select_related("level", "category", "author__user")
    ]
