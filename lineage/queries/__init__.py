"""Reads of lineage that are no QuerySet: how far the fold is behind, and the graphs of datasets and of columns."""

from lineage.queries.columns import (
    ColumnDataset,
    ColumnFlow,
    ColumnLineage,
    ColumnNode,
    WholeInfluence,
    column_lineage,
)
from lineage.queries.datasets import (
    DIRECTIONS,
    MAX_DEPTH,
    MAX_NODES,
    DatasetNode,
    Direction,
    Distances,
    JobNode,
    LineageGraph,
    dataset_distances,
    dataset_lineage,
)
from lineage.queries.lag import fold_lag
from lineage.queries.paths import MAX_PATHS, Paths, paths_between
from lineage.queries.steps import CURRENT, Slice, datasets_among

__all__ = [
    "CURRENT",
    "DIRECTIONS",
    "MAX_DEPTH",
    "MAX_NODES",
    "MAX_PATHS",
    "ColumnDataset",
    "ColumnFlow",
    "ColumnLineage",
    "ColumnNode",
    "DatasetNode",
    "Direction",
    "Distances",
    "JobNode",
    "LineageGraph",
    "Paths",
    "Slice",
    "WholeInfluence",
    "column_lineage",
    "dataset_distances",
    "dataset_lineage",
    "datasets_among",
    "fold_lag",
    "paths_between",
]
