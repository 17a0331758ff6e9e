"""The sums that the review and coverage read are what counting everything gives, whoever wrote what at once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Principal
from catalog.models import Dataset, Field
from classification.actions import accept, clear_level, reject, set_level, suggest, undo
from classification.counting import count_noted, is_counted, settle
from classification.coverage import coverage_of_all
from classification.detectors import Sensitivity, Verdict
from classification.models import CoverageSum, DatasetCount, Decision, Label, Level, NegativeRule, WaitingSum
from classification.tasks import count_columns
from common.errors import Conflict
from tests.factories import Cast, dataset, domain, personas

NAMES = ["email", "phone", "name", "note"]
CATEGORIES = ["email", "phone", "person_name", None]


Sums = tuple[Counter[tuple[Any, ...]], dict[tuple[Any, ...], tuple[int, ...]]]


def recounted() -> Sums:
    """What waits by place and look, and what is covered by place, counted one column after another."""
    waiting: Counter[tuple[Any, ...]] = Counter()
    covered: dict[tuple[Any, ...], list[int]] = {}
    standing = Field.objects.filter(
        gone_since__isnull=True, dataset__gone_since__isnull=True, dataset__merged_into__isnull=True
    )
    for field in standing.select_related("dataset").prefetch_related("labels"):
        current = [label for label in field.labels.all() if label.valid_to is None]
        suggested = [label for label in current if label.state == "suggested"]
        decided = any(label.state in ("confirmed", "inherited") for label in current)
        place = (field.dataset.source_id, field.dataset.domain_id)
        row = covered.setdefault((*place, tuple(field.dataset.owner_names)), [0, 0, 0, 0])
        row[0] += 1
        row[1] += decided
        row[2] += bool(suggested) and not decided
        row[3] += not suggested and not decided and hasattr(field.dataset, "examination")
        for label in suggested:
            waiting[(*place, label.category_id, label.level_id, label.phrase, field.type)] += 1
    return waiting, {place: tuple(row) for place, row in covered.items()}


def kept() -> Sums:
    """The same as the sums have it."""
    waiting = Counter(
        {
            tuple(row[:6]): row[6]
            for row in WaitingSum.objects.filter(by="place")
            .values_list("source_id", "domain_id", "category_id", "level_id", "phrase", "type")
            .annotate(total=Sum("columns"))
            .exclude(total=0)
        }
    )
    rows = CoverageSum.objects.values_list("source_id", "domain_id", "owners").annotate(
        total=Sum("columns"), by_people=Sum("decided"), open=Sum("suggested"), nothing=Sum("clear")
    )
    covered: dict[tuple[Any, ...], tuple[int, ...]] = {
        (row[0], row[1], tuple(row[2])): tuple(row[3:]) for row in rows.exclude(total=0)
    }
    return waiting, covered


def sums_of(by: str) -> list[int]:
    """All that waits, as the sums of one kind have it."""
    told = WaitingSum.objects.filter(by=by).aggregate(one=Sum("columns"), two=Sum("datasets"), three=Sum("confidence"))
    return [told["one"] or 0, told["two"] or 0, told["three"] or 0]


def say(fields: list[Field], chance: random.Random) -> None:
    verdicts = {
        field.pk: Verdict(category, category is not None, Sensitivity.INTERNAL, round(chance.random(), 4))
        for field in fields
        for category in [chance.choice(CATEGORIES)]
    }
    suggest(verdicts=verdicts, by=Principal.objects.system())


def test_what_waits_and_what_is_covered_follow_each_decision(cast: Cast) -> None:
    chance = random.Random(3)
    say(list(Field.objects.filter(dataset=cast.dataset)), chance)
    say([cast.field("email")], random.Random(1))
    assert kept() == recounted()
    label = Label.objects.current().suggested().first()
    assert label is not None
    decision = accept(labels=[label], by=cast.steward)
    assert kept() == recounted()
    undo(decision=decision, by=cast.steward)
    assert kept() == recounted()
    again = Label.objects.current().suggested().first()
    assert again is not None
    reject(labels=[again], reason="No", as_rule=NegativeRule.Scope.DOMAIN, by=cast.steward)
    assert kept() == recounted()


def test_what_others_write_is_noted_and_counted_soon(cast: Cast) -> None:
    say(list(Field.objects.filter(dataset=cast.dataset)), random.Random(3))
    count_noted()
    cast.dataset.domain = domain("Payroll")
    cast.dataset.save(update_fields=["domain"])
    Field.objects.filter(pk=cast.field("name").pk).update(gone_since=timezone.now())
    dataset("new", domain=cast.domain, fields=["a", "b"])
    assert not is_counted()
    assert kept() != recounted()
    count_noted()
    assert is_counted() and kept() == recounted()


def test_a_deleted_dataset_counts_no_more(cast: Cast) -> None:
    made = dataset("passing", domain=cast.domain, fields=["email"])
    say(list(Field.objects.filter(dataset=made)), random.Random(5))
    pk = made.pk
    with connection.cursor() as cursor:
        for table in ("classification_examination", "classification_label", "catalog_field", "catalog_datasetname"):
            cursor.execute(f"DELETE FROM {table} WHERE dataset_id = %s", [pk])
        cursor.execute("DELETE FROM catalog_dataset WHERE id = %s", [pk])
    count_noted()
    assert kept() == recounted()
    assert not DatasetCount.objects.filter(pk=pk).exists()


def test_a_count_that_takes_all_its_time_is_settled_too(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    say(list(Field.objects.filter(dataset=cast.dataset)), random.Random(3))
    dataset("new", domain=cast.domain, fields=["a", "b"])
    monkeypatch.setattr("classification.tasks._SECONDS", 0.0)
    count_columns()
    assert is_counted() and kept() == recounted()
    assert not CoverageSum.objects.filter(settled=False).exists()


def test_settling_changes_no_sum_and_leaves_one_row_each(cast: Cast) -> None:
    for seed in range(6):
        say(list(Field.objects.filter(dataset=cast.dataset)), random.Random(seed))
    before = kept()
    settle()
    assert kept() == before
    assert CoverageSum.objects.count() == 1
    assert not WaitingSum.objects.filter(settled=False).exists()
    assert coverage_of_all(cast.administrator).columns == 3


def test_the_number_of_statements_does_not_depend_on_how_many_are_counted(cast: Cast) -> None:
    from django.test.utils import CaptureQueriesContext

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            count_noted()
        return len(queries)

    dataset("one", domain=cast.domain, fields=["a"])
    first = cost()
    for number in range(8):
        dataset(f"more {number}", domain=cast.domain, fields=["a", "b"])
    assert cost() == first


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_sums_are_exact_under_writers_at_once(seed: int) -> None:
    cast = personas()
    places = [cast.domain, domain("Payroll"), None]
    for number in range(6):
        dataset(f"table {number}", domain=places[number % 3], fields=NAMES)
    administrator = cast.administrator
    fields = list(Field.objects.select_related("dataset"))
    levels = list(Level.objects.all())
    failures: list[BaseException] = []

    def decide(chance: random.Random) -> None:
        labels = list(Label.objects.current().suggested().order_by("pk")[: chance.randint(1, 6)])
        if labels and chance.random() < 0.5:
            accept(labels=labels, by=administrator)
        elif labels:
            reject(labels=labels, reason="No", as_rule=chance.choice([None, NegativeRule.Scope.ALL]), by=administrator)

    def change_mind(chance: random.Random) -> None:
        decision = Decision.objects.filter(undone_at__isnull=True).order_by("?").first()
        if decision is not None:
            undo(decision=decision, by=administrator)

    def label(chance: random.Random) -> None:
        some = chance.sample(fields, 3)
        if chance.random() < 0.5:
            set_level(fields=some, level=chance.choice(levels), reason="Known", by=administrator)
        else:
            clear_level(fields=some, reason="Unknown", by=administrator)

    def move(chance: random.Random) -> None:
        Dataset.objects.filter(pk=chance.choice(fields).dataset_id).update(domain=chance.choice(places))

    def come_and_go(chance: random.Random) -> None:
        gone = None if chance.random() < 0.5 else timezone.now()
        Field.objects.filter(pk=chance.choice(fields).pk).update(gone_since=gone)

    def look(chance: random.Random) -> None:
        say(chance.sample([one for one in fields if one.gone_since is None], 5), chance)

    def add_up(chance: random.Random) -> None:
        count_noted(chance.randint(1, 50))
        if chance.random() < 0.5:
            settle()

    def run(seed: int, steps: list[Callable[[random.Random], None]]) -> None:
        chance = random.Random(seed)
        try:
            for _ in range(25):
                try:
                    chance.choice(steps)(chance)
                except Conflict:
                    continue
        except BaseException as error:
            failures.append(error)
        finally:
            close_old_connections()
            connection.close()

    roles = [[look, decide], [decide, change_mind, label], [move, come_and_go], [add_up]]
    threads = [threading.Thread(target=run, args=(seed * 10 + place, steps)) for place, steps in enumerate(roles)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    while count_noted():
        pass
    settle()
    assert kept() == recounted()
    for by in WaitingSum.By.values:
        assert sums_of(by) == sums_of("place")
    total = WaitingSum.objects.filter(by="all").aggregate(sum=Sum("confidence"))["sum"] or 0
    live = Label.objects.current().suggested().filter(field__gone_since__isnull=True, dataset__gone_since__isnull=True)
    assert total == sum(round((one.confidence or 0) * 10_000) for one in live)
