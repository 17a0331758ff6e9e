"""Whoever follows what flows is told of each column into which something else flows, and of nothing else."""

from __future__ import annotations

import json

import pytest
from django.db import transaction

from accounts.tokens import mint
from catalog.models import Dataset
from lineage.changed_columns import take_changed_columns
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.merging import decide_same
from lineage.models import Column
from tests import factories
from tests.lineage.events import dataset, run_event
from tests.lineage.test_column_lineage import HASH, IDENTITY, made_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def fold(db):
    sender = factories.pipeline()
    token = mint(principal=sender, name="fold", scopes=["lineage:write"], by=sender).token

    def write(job: str, output: str, *, seconds: float = 0, fields: tuple[str, ...] = (), job_facets=None, **columns):
        facets = {"columnLineage": made_of(**columns)} if columns else {}
        event = run_event(
            "COMPLETE", job=job, inputs=["users"], outputs=[dataset(output, fields=fields, **facets)], seconds=seconds,
            job_facets=job_facets,
        )  # fmt: skip
        accept_batch(json.dumps([event]).encode(), token=token)
        drain()

    return write


def noted() -> set[str]:
    with transaction.atomic():
        taken = take_changed_columns(1000)
    found = Column.objects.filter(pk__in=taken).values_list("dataset__qualified_name", "name")
    return {f"{name}.{column}" for name, column in found}


def test_new_hops_are_noted_once(fold):
    fold("clean", "clean", email=[("users", "email", IDENTITY)], id=[("users", "id", IDENTITY)])
    assert noted() == {"clean.email", "clean.id"}
    assert noted() == set()


def test_a_run_that_tells_the_same_is_no_change(fold):
    fold("clean", "clean", email=[("users", "email", IDENTITY)])
    noted()
    fold("clean", "clean", seconds=60, email=[("users", "email", IDENTITY)])
    assert noted() == set()


def test_what_began_and_what_ended_is_noted(fold):
    fold("clean", "clean", email=[("users", "email", IDENTITY)])
    noted()
    fold("clean", "clean", seconds=60, mail=[("users", "email", HASH)])
    assert noted() == {"clean.email", "clean.mail"}
    fold("clean", "clean", seconds=120, email=[("users", "email", IDENTITY)])
    assert noted() == {"clean.email", "clean.mail"}, "the explanation of before is current again"


def test_an_old_run_that_comes_late_changes_nothing(fold):
    fold("clean", "clean", seconds=60, email=[("users", "email", IDENTITY)])
    noted()
    fold("clean", "clean", seconds=0, mail=[("users", "email", HASH)])
    assert noted() == set()


def test_columns_whose_fields_come_to_be_known_are_noted(fold):
    fold("clean", "clean", email=[("users", "email", IDENTITY)])
    noted()
    fold("clean", "clean", seconds=60, fields=("email",))
    assert "clean.email" in noted()


def test_what_a_merge_derives_again_is_noted(fold):
    fold("clean", "clean", email=[("users", "email", IDENTITY)])
    fold("copy", "copy", email=[("users", "email", IDENTITY)])
    noted()
    first, second = Dataset.objects.filter(qualified_name__in=["clean", "copy"]).order_by("pk")
    decide_same(first=first, second=second, same=True, by=factories.person(administrator=True))
    assert {"clean.email", "copy.email"} & noted()
