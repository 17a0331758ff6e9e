"""What facets of datasets change in the catalog.

A teller is called inside the reduction's transaction with ids of datasets that stand and of which something changed. What
it does is a function of the facets that stand and of what people decided: told again it changes nothing, and what is no
longer told it takes back, where nobody decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lineage.telling.curation import tell_descriptions, tell_owners, tell_tags
from lineage.telling.life import tell_ends, tell_kinds
from lineage.telling.standing import StandingFacet, standing_facets

SCHEMA, WRITTEN = "schema", "written"
"""Changes that are no watched facets: the columns of a dataset changed, a run wrote it."""

TELLERS: Mapping[str, Callable[[Sequence[int]], None]] = {
    "ownership": tell_owners,
    "documentation": tell_descriptions,
    "tags": tell_tags,
    "datasetType": tell_kinds,
    "lifecycleStateChange": tell_ends,
    # A tag may come before its column, and a dataset be written after it was dropped.
    SCHEMA: tell_tags,
    WRITTEN: tell_ends,
}
"""By the facet that changed, or by `SCHEMA` and `WRITTEN`."""

__all__ = ["SCHEMA", "TELLERS", "WRITTEN", "StandingFacet", "standing_facets"]
