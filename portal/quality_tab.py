"""What the quality tab shows besides the results of runs: what pipelines say of the dataset itself."""

from __future__ import annotations

import json
from typing import Any

from catalog.models import Dataset
from common.components import Column
from lineage.reading import dataset_facets, properties_of, raw_facets

_ASSERTIONS = (Column("Test"), Column("Column"), Column("Latest"), Column("When"), Column("Before"))
_PROFILE = (
    Column("Column"), Column("Empty", align="end"), Column("Distinct", align="end"), Column("Least"), Column("Greatest"),
    Column("Count", align="end"), Column("Sum", align="end"), Column("Quantiles"),
)  # fmt: skip


def told_of(dataset: Dataset, *, profiles: bool) -> dict[str, Any]:
    """Properties in words; the facets as JSON only for whoever reads profiles and code. Two statements."""
    facets = dataset_facets(dataset)
    shown = raw_facets(facets) if profiles else []
    return {
        "profiles": profiles,
        "properties": properties_of(facets),
        "facets": [(facet, json.dumps(facet.value, indent=2, ensure_ascii=False)) for facet in shown],
        "assertion_columns": _ASSERTIONS,
        "profile_columns": _PROFILE,
    }
