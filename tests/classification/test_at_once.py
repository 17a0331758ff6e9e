"""Two people label at the same instant: both are heard in some order, and one label holds."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import Principal
from audit.events import Subject
from audit.feed import feed
from audit.queries import activity_of
from catalog.models import Field
from classification.actions import reorder_levels, set_level
from classification.models import Label
from tests.factories import personas, standard_levels

pytestmark = pytest.mark.django_db(transaction=True)


def together(*actions) -> list[BaseException]:
    """Run the actions at the same instant, each on a connection of its own; returns what they raised."""
    gate = threading.Barrier(len(actions))
    raised: list[BaseException] = []

    def run(action) -> None:
        try:
            gate.wait(timeout=10)
            action()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return raised


def test_two_stewards_label_one_column_at_the_same_instant() -> None:
    cast = personas()
    email = cast.field("email")
    levels = standard_levels()

    def label(slug: str, by: Principal) -> None:
        set_level(fields=[email], level=levels[slug], reason="I know it", by=by)

    assert together(
        lambda: label("internal", cast.steward), lambda: label("restricted", cast.administrator)
    ) == []  # fmt: skip
    assert Label.objects.filter(field=email).count() == 2
    holding = Label.objects.get(field=email, valid_to=None)
    email.refresh_from_db()
    cast.dataset.refresh_from_db()
    assert email.level == cast.dataset.level == holding.level.rank


def test_what_began_while_a_writer_waited_ends_where_it_begins() -> None:
    cast = personas()
    earlier = timezone.now() - dt.timedelta(seconds=1)
    set_level(fields=[cast.field("email")], level=standard_levels()["internal"], reason="I know it", by=cast.steward)
    labels = Label.objects.filter(field=cast.field("email"))
    assert labels.end(by=cast.administrator, at=earlier) == 1
    label = labels.get()
    assert label.valid_to == label.valid_from
    assert label.ended_by == cast.administrator
    assert labels.end(by=cast.steward) == 0, "what has ended stays as it ended"


def test_a_label_set_while_levels_are_reordered_gets_the_rank_of_afterwards() -> None:
    cast = personas()
    before = sorted(standard_levels().values(), key=lambda level: level.rank)
    restricted = before[-1]
    fields = list(Field.objects.filter(dataset=cast.dataset))
    set_level(fields=fields[:1], level=restricted, reason="Law", by=cast.steward)
    raised = together(
        lambda: set_level(fields=fields[1:], level=restricted, reason="Law", by=cast.steward),
        lambda: reorder_levels(order=[restricted, *before[:-1]], by=cast.administrator),
    )
    assert raised == []
    assert set(Field.objects.filter(dataset=cast.dataset).values_list("level", flat=True)) == {1}
    cast.dataset.refresh_from_db()
    assert cast.dataset.level == 1


def test_the_activity_calls_columns_by_their_names() -> None:
    cast = personas()
    set_level(fields=[cast.field("email")], level=standard_levels()["internal"], reason="I know it", by=cast.steward)
    activity, _ = activity_of(Subject("dataset", cast.dataset.pk))
    assert [change.label for change in feed(activity)[0].changes] == ["email"]
