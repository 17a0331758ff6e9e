"""What the quality tab shows besides the results of runs: what pipelines say of the dataset itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalog.models import Dataset
from common.components import Column
from lineage.reading import dataset_facets, life_of, properties_of, raw_facets, told_life

if TYPE_CHECKING:
    from accounts.models import Principal

_ASSERTIONS = (Column("Test"), Column("Column"), Column("Latest"), Column("When"), Column("Before"))
_LIFE = (Column("What happened"), Column("When"), Column("Job"), Column("Run"))
_PROFILE = (
    Column("Column"), Column("Empty", align="end"), Column("Distinct", align="end"), Column("Least"), Column("Greatest"),
    Column("Count", align="end"), Column("Sum", align="end"), Column("Quantiles"),
)  # fmt: skip


def told_of(principal: Principal, dataset: Dataset, *, profiles: bool) -> dict[str, Any]:
    """Properties in words, and the latest changes of its life; the facets as JSON only for whoever reads profiles and code.

    Seven statements at most.
    """
    facets = dataset_facets(dataset)
    life = life_of(dataset)
    shown = raw_facets(facets) if profiles else []
    return {
        "profiles": profiles,
        "properties": properties_of(facets),
        "life": told_life(principal, dataset, life.rows),
        "more_life": life.next_cursor is not None,
        "life_columns": _LIFE,
        "facets": [(facet, json.dumps(facet.value, indent=2, ensure_ascii=False)) for facet in shown],
        "assertion_columns": _ASSERTIONS,
        "profile_columns": _PROFILE,
    }
