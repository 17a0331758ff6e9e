"""A column that refers to a labelled one by a foreign key is suggested the same label."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Dataset, Field, Key
from classification.actions import reject, suggest_by_names
from classification.models import Label
from classification.propagation.following import follow_changes
from tests import factories
from tests.classification.propagation.conftest import IDENTITY, label

pytestmark = pytest.mark.django_db


@pytest.fixture
def orders(users) -> Dataset:
    """orders.xq refers to users.id; its name says nothing. The detectors have looked at it."""
    made = factories.dataset("orders", fields=["id", "xq"])
    Key.objects.create(
        dataset=made, kind="foreign", name="orders_xq", columns=["xq"], references=users,
        references_path=["users"], referenced_columns=["id"],
    )  # fmt: skip
    suggest_by_names(datasets=[made.pk], by=factories.person(administrator=True))
    return made


def waiting(of: Dataset, column: str) -> Any:
    found: Field = of.fields.get(path=[column])
    return (
        Label.objects.filter(field=found, state="suggested", valid_to=None).select_related("category", "level").first()
    )


def test_a_labelled_key_suggests(orders, steward):
    assert waiting(orders, "xq") is None, "nobody has labelled users.id yet"
    label(steward, "users.id", "confidential", category="student_id")
    found = waiting(orders, "xq")
    assert (found.category.slug, found.level.slug, found.evidence[0]["kind"]) == ("student_id", "confidential", "key")
    assert "users" not in found.evidence[0]["text"], "whoever reads this may not see the other table"
    assert waiting(orders, "id") is None
    again = waiting(orders, "xq").pk
    suggest_by_names(datasets=[orders.pk], by=steward)
    assert waiting(orders, "xq").pk == again, "looking again changes nothing"


def test_another_label_at_the_key_suggests_that_and_none_nothing(orders, steward):
    label(steward, "users.id", "confidential", category="student_id")
    label(steward, "users.id", "internal", category="username")
    found = waiting(orders, "xq")
    assert (found.category.slug, found.level.slug, len(found.evidence)) == ("username", "internal", 1)


def test_a_label_that_a_key_inherits_suggests_too(orders, users, pipe, steward):
    mart = factories.dataset("copies", fields=["xq"])
    pipe("clean", number=[("users", "id", IDENTITY)])
    clean = Dataset.objects.get(qualified_name="clean")
    Key.objects.create(
        dataset=mart, kind="foreign", name="copies_xq", columns=["xq"], references=clean,
        references_path=["clean"], referenced_columns=["number"],
    )  # fmt: skip
    suggest_by_names(datasets=[mart.pk], by=steward)
    label(steward, "users.id", "confidential", category="student_id")
    assert waiting(mart, "xq").category.slug == "student_id"


def test_what_was_rejected_is_not_suggested_again(orders, steward):
    label(steward, "users.id", "confidential", category="student_id")
    reject(labels=[waiting(orders, "xq")], reason="Only hashes", by=steward)
    label(steward, "users.id", "restricted", category="student_id")
    follow_changes()
    assert waiting(orders, "xq") is None
