"""What waits for a decision: suggestions in groups of columns that look alike, riskiest and least certain first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Avg, Count, F, Max, Q, Window
from django.db.models.functions import RowNumber

from classification.models import Category, Decision, Label, Level
from classification.querysets import LabelQuerySet
from common.errors import Invalid

if TYPE_CHECKING:
    from accounts.models import Principal

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


def waiting_for(principal: Principal, *, category: str = "", source: str = "", domain: str = "") -> LabelQuerySet:
    """Suggestions that the principal may decide about; of one category, source or domain by its slug."""
    found: LabelQuerySet = Label.objects.current().suggested().decidable_by(principal)
    given = {"category__slug": category, "dataset__source__slug": source, "dataset__domain__slug": domain}
    return found.filter(**{name: value for name, value in given.items() if value})


def groups_of(waiting: LabelQuerySet, *, start: int = 0) -> tuple[list[Group], bool]:
    """A page of groups, and whether there are more; four statements."""
    names = ("category_id", "level_id", "phrase", "field__type")
    rows = list(
        waiting.values(*names)
        .annotate(
            count=Count("pk"), datasets=Count("dataset", distinct=True), certainty=Avg("confidence"), until=Max("pk")
        )
        .order_by("-level__rank", "certainty", "-count", *names)[start : start + PAGE + 1]
    )
    keys = [
        Key(row["category_id"], row["level_id"], row["phrase"], row["field__type"], row["until"]) for row in rows[:PAGE]
    ]
    samples = _samples(waiting, keys)
    categories = Category.objects.in_bulk([key.category for key in keys])
    levels = {level.pk: level for level in Level.objects.all()}
    groups = [
        Group(
            key=key,
            category=categories[key.category],
            level=levels[key.level],
            count=row["count"],
            datasets=row["datasets"],
            certainty=row["certainty"] or 0.0,
            sample=samples.get((key.category, key.level, key.phrase, key.type), ()),
        )
        for key, row in zip(keys, rows, strict=False)
    ]
    return groups, len(rows) > PAGE


def _samples(waiting: LabelQuerySet, keys: Sequence[Key]) -> dict[tuple[int, int, str, str], list[Label]]:
    """Some suggestions of each group; one statement."""
    found: dict[tuple[int, int, str, str], list[Label]] = {}
    if not keys:
        return found
    wanted = Q()
    for key in keys:
        wanted |= key.condition
    numbered = waiting.filter(wanted).annotate(
        place=Window(
            RowNumber(),
            partition_by=[F("category"), F("level"), F("phrase"), F("field__type")],
            order_by=[F("confidence").asc(), F("pk").asc()],
        )
    )
    rows = (
        numbered.filter(place__lte=SAMPLE)
        .select_related("dataset", "field__profile", "rule_set")
        .order_by("confidence", "pk")
    )
    for label in rows:
        group = (label.category_id or 0, label.level_id, label.phrase, label.field.type if label.field else "")
        found.setdefault(group, []).append(label)
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
    return list(waiting_for(principal).filter(wanted).order_by("pk")[:MOST_AT_ONCE])


def count_waiting(principal: Principal) -> int:
    """How many suggestions the principal may decide about, counted up to `COUNT_CAP`; one statement."""
    return waiting_for(principal).order_by()[:COUNT_CAP].count()


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
