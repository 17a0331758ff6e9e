"""The closed sets that the rows of several subjects are told apart by."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models

from catalog.snapshots import DatasetKind

slug_validator = RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _.")


def choices(members: Any) -> list[tuple[str, str]]:
    """An enumeration of `catalog.snapshots` as a model's choices."""
    return [(member.value, member.value.replace("_", " ").capitalize()) for member in members]


DATASET_KINDS = choices(DatasetKind)


class Origin(models.TextChoices):
    """From what an assertion came. The effective one is the first of these that asserted anything."""

    PERSON = "person", "Person"
    CODE = "code", "Code"
    PIPELINE = "pipeline", "Pipeline"
    CRAWL = "crawl", "Crawl"


class Tier(models.IntegerChoices):
    """How much of a dataset a principal sees; each tier includes the ones below it."""

    NONE = 0, "Nothing"
    DISCOVER = 1, "That it exists, its owner and level"
    METADATA = 2, "Its schema, lineage and history"
    PROFILE = 3, "Also its profiles and code"
