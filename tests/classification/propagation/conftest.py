from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from accounts.models import Principal
from accounts.tokens import mint
from catalog.models import Dataset, Field
from classification.actions import set_level
from classification.models import Category, Label, Level
from classification.propagation.following import follow_changes
from lineage.draining import drain
from lineage.intake import accept_batch
from tests import factories
from tests.lineage.events import dataset, run_event

IDENTITY = ("DIRECT", "IDENTITY", False)
UPPER = ("DIRECT", "TRANSFORMATION", False)
SUM = ("DIRECT", "AGGREGATION", False)
HASH = ("DIRECT", "TRANSFORMATION", True)
FILTER = ("INDIRECT", "FILTER", False)


def told(source: str, column: str, how: tuple[str, str, bool]) -> dict[str, object]:
    kind, subtype, masking = how
    transformation = {"type": kind, "subtype": subtype, "masking": masking, "description": ""}
    return {"namespace": "postgres://db:5432", "name": source, "field": column, "transformations": [transformation]}


@pytest.fixture
def pipe(db: None) -> Callable[..., None]:
    """Post the end of a run of a job that writes a table, fold it and let labels follow.

    Columns are given as `email=[("users", "email", IDENTITY)]`, what filters all rows as `whole`.
    """
    sender = factories.pipeline()
    token = mint(principal=sender, name="pipe", scopes=["lineage:write"], by=sender).token

    def run(output: str, *, job: str = "", seconds: float = 0, follow: bool = True, **columns) -> None:
        whole = [told(*one) for one in columns.pop("whole", ())]
        facet = {"fields": {name: {"inputFields": [told(*one) for one in made]} for name, made in columns.items()}}
        facets = {"columnLineage": facet | ({"dataset": whole} if whole else {})} if columns else {}
        made_from = {one[0] for made in columns.values() for one in made}
        event = run_event(
            "COMPLETE", job=job or f"make_{output}", inputs=sorted(made_from), seconds=seconds,
            outputs=[dataset(output, fields=list(columns), **facets)],
        )  # fmt: skip
        accept_batch(json.dumps([event]).encode(), token=token)
        drain()
        if follow:
            follow_changes()

    return run


@pytest.fixture
def steward(db: None) -> Principal:
    return factories.person(administrator=True)


def field(name: str) -> Field:
    """The field called so: `users.email`."""
    table, column = name.split(".")
    return Field.objects.get(dataset__qualified_name=table, path=[column])


def level(slug: str) -> Level:
    return Level.objects.get(slug=slug)


@pytest.fixture
def users(pipe: Callable[..., None], steward: Principal) -> Dataset:
    """users(id, email), of which a steward found that email is restricted."""
    pipe("users", id=[("raw", "id", IDENTITY)], email=[("raw", "email", IDENTITY)])
    label(steward, "users.email", "restricted")
    return Dataset.objects.get(qualified_name="users")


def label(by: Principal, name: str, slug: str, category: str = "") -> None:
    """Put a level on a field, and let what follows follow."""
    found = Category.objects.get(slug=category) if category else None
    set_level(fields=[field(name)], level=level(slug), category=found, reason="Looked at it", by=by)
    follow_changes()


def inherited(name: str) -> Label | None:
    """The label that the field inherits now."""
    return (
        Label.objects.filter(field=field(name), state="inherited", valid_to=None)
        .select_related("level", "category", "source", "via")
        .first()
    )


def effective(name: str) -> str | None:
    found = Level.objects.filter(rank=field(name).level or 0).first()
    return found.slug if found else None
