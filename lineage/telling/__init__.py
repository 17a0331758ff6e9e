"""What facets of datasets change in the catalog, by the facet's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

TELLERS: Mapping[str, Callable[[Sequence[int]], None]] = {}
