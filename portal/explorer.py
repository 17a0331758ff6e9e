"""What the explorer's page, tables and file show of a picture: levels by name, and rows in the order of reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from django.urls import reverse
from django.utils import timezone

from classification.queries import levels_by_rank
from common.components import Column
from common.templatetags.formats import number
from common.templatetags.ui import KINDS
from lineage.exploring import MAX_SHOWN, Asked, Picture, PictureEdge, PictureNode
from lineage.exploring.tracing import TracedFlow
from lineage.queries import JobNode

if TYPE_CHECKING:
    from classification.models import Level

ROWS = 50
DIRECTIONS = (("both", "both ways"), ("up", "upstream"), ("down", "downstream"))
DEPTHS = (1, 2, 3, 5, 10, 20)
CSV_HEAD = (
    "kind", "from_namespace", "from", "from_column", "to_namespace", "to", "to_column", "job_namespace", "job", "type",
    "subtype", "masked",
)  # fmt: skip
_TIMES = (
    (None, "Now"),
    (1, "A day ago"),
    (7, "A week ago"),
    (30, "30 days ago"),
    (90, "90 days ago"),
    (365, "A year ago"),
)
_COLUMNS = {
    "datasets": [
        Column("Dataset"), Column("Level"), Column("Layer"), Column("Upstream"), Column("Downstream"),
        Column("Depended on by", align="end"), Column("Columns"),
    ],
    "connections": [Column("From"), Column("To"), Column("Through"), Column("Details")],
    "columns": [Column("From"), Column("To"), Column("How"), Column("Through")],
}  # fmt: skip
_HIDDEN = "a dataset you may not see"
_CLOSED = "a column you may not see"


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that changes one thing of the state."""

    label: str
    query: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Side:
    """How many neighbours a dataset shows on one side, of how many, and the states with more and with fewer of them."""

    shown: int
    total: int
    more: str
    fewer: str


@dataclass(frozen=True, slots=True)
class DatasetRow:
    node: PictureNode
    level: Level | None
    layer: int
    up: Side
    down: Side
    is_focus: bool


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    source: PictureNode
    target: PictureNode
    jobs: Sequence[JobNode]
    on_path: bool

    @property
    def query(self) -> str:
        return f"source={self.source.key}&target={self.target.key}"


@dataclass(frozen=True, slots=True)
class FlowRow:
    source: PictureNode
    source_column: str
    target: PictureNode
    target_column: str
    flow: TracedFlow
    job: JobNode | None


class Explorer:
    """The page's view of a picture. Lists leave out what `critical` leaves out; each gives one page of its rows."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.asked: Asked = picture.asked
        self.dataset = picture.dataset
        self.levels: Mapping[int, Level] = levels_by_rank()
        self.directions = DIRECTIONS
        self.depths = DEPTHS if self.asked.depth in DEPTHS else tuple(sorted({*DEPTHS, self.asked.depth}))
        self.most = MAX_SHOWN

    @property
    def action(self) -> str:
        return reverse("portal:dataset_tab", args=[self.dataset.pk, "lineage"])

    @property
    def query(self) -> str:
        return self.asked.query()

    @property
    def picture_query(self) -> str:
        return self.asked.query(view="picture", page=1)

    @property
    def table_query(self) -> str:
        return self.asked.query(view="table", page=1)

    @property
    def without_column(self) -> str:
        return self.asked.query(column=None)

    @property
    def without_path(self) -> str:
        return self.asked.query(target=None)

    @property
    def is_empty(self) -> bool:
        return not self.picture.edges and not any(node.up.total or node.down.total for node in self.picture.nodes)

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What a submitted form keeps of the state beside its own fields."""
        own = {"direction", "depth", "as_of", "critical", "find", "page", "to"}
        return [(name, value) for name, value in parse_qsl(self.query) if name not in own]

    @property
    def as_of_text(self) -> str:
        """As a browser's field for a time has it, in UTC."""
        return f"{self.asked.as_of.astimezone(dt.UTC):%Y-%m-%dT%H:%M}" if self.asked.as_of else ""

    @property
    def times(self) -> list[Choice]:
        now = timezone.now().replace(second=0, microsecond=0)
        found = []
        for days, label in _TIMES:
            at = now - dt.timedelta(days=days) if days else None
            found.append(Choice(label, self.asked.query(as_of=at), at is None and self.asked.as_of is None))
        return found

    @property
    def browser(self) -> dict[str, Any]:
        """What the drawing needs and the address does not have."""
        return {
            **msgspec.to_builtins(self.picture.as_json()),
            "icons": {kind: icon for kind, (icon, _) in KINDS.items()},
            "levels": {str(rank): {"name": level.name, "colour": level.colour} for rank, level in self.levels.items()},
        }

    @property
    def lists(self) -> list[Choice]:
        sizes = [("datasets", "Datasets", len(self._nodes)), ("connections", "Connections", len(self._edges))]
        if self.picture.trace:
            sizes.append(("columns", "Columns", len(self._flows)))
        return [
            Choice(
                f"{label} ({number(size)})",
                self.asked.query(view="table", listed=name, page=1),
                name == self.asked.listed,
            )
            for name, label, size in sizes
        ]

    @cached_property
    def _nodes(self) -> list[PictureNode]:
        return [node for node in self.picture.nodes if self.picture.is_shown(node)]

    @cached_property
    def _edges(self) -> list[PictureEdge]:
        nodes = {node.key for node in self._nodes}
        return [edge for edge in self.picture.edges if edge.source in nodes and edge.target in nodes]

    @cached_property
    def _flows(self) -> list[TracedFlow]:
        trace = self.picture.trace
        nodes = {node.key for node in self._nodes}
        flows = [*trace.flows, *trace.influences] if trace else []
        return [flow for flow in flows if flow.source in nodes and flow.target in nodes]

    @property
    def columns(self) -> list[Column]:
        return _COLUMNS[self.asked.listed]

    @property
    def pages(self) -> int:
        sizes = {"datasets": len(self._nodes), "connections": len(self._edges), "columns": len(self._flows)}
        return max(1, -(-sizes[self.asked.listed] // ROWS))

    @property
    def previous_query(self) -> str:
        return self.asked.query(view="table", page=self.asked.page - 1) if self.asked.page > 1 else ""

    @property
    def next_query(self) -> str:
        return self.asked.query(view="table", page=self.asked.page + 1) if self.asked.page < self.pages else ""

    def _paged(self, rows: Sequence[Any]) -> Sequence[Any]:
        return rows[(self.asked.page - 1) * ROWS : self.asked.page * ROWS]

    @property
    def dataset_rows(self) -> list[DatasetRow]:
        return [
            DatasetRow(
                node, self.levels.get(node.level or 0), self.picture.layer_of[node.key], self._side(node, "up"),
                self._side(node, "down"), node.key == str(self.dataset.pk),
            )
            for node in self._paged(self._nodes)
        ]  # fmt: skip

    def _side(self, node: PictureNode, way: Any) -> Side:
        side = node.up if way == "up" else node.down
        more = self.asked.with_pages(node.key, way, side.pages + 1) if side.shown < side.total else ""
        return Side(
            side.shown, side.total, more, self.asked.with_pages(node.key, way, 0) if side.pages and side.shown else ""
        )

    @property
    def connection_rows(self) -> list[ConnectionRow]:
        return [self._connection(edge) for edge in self._paged(self._edges)]

    def _connection(self, edge: PictureEdge) -> ConnectionRow:
        nodes, jobs = self.picture.by_key, self.picture.jobs_by_id
        return ConnectionRow(
            nodes[edge.source], nodes[edge.target], [jobs[job] for job in edge.jobs if job in jobs], edge.on_path
        )

    @property
    def flow_rows(self) -> list[FlowRow]:
        return [self._flow(flow) for flow in self._paged(self._flows)]

    def _flow(self, flow: TracedFlow) -> FlowRow:
        nodes = self.picture.by_key
        return FlowRow(
            nodes[flow.source], column_text(flow.source_column), nodes[flow.target], column_text(flow.target_column),
            flow, self.picture.jobs_by_id.get(flow.job or 0),
        )  # fmt: skip

    @property
    def path_rows(self) -> list[list[str]]:
        """The names along each path; an empty one is a hidden dataset's."""
        return [[self.picture.path_names.get(key, "") for key in path] for path in self.picture.paths]

    @property
    def path_ends(self) -> list[str]:
        """The names of the dataset in the middle and of the one that a path was asked for to."""
        target = self.picture.target
        return [self.picture.path_names.get(str(end.pk), end.name) for end in (self.dataset, target) if end is not None]

    def csv_rows(self, names: Mapping[str, tuple[str, str]]) -> Iterator[tuple[object, ...]]:
        """A line for each job of a connection, then one for each flow of the chosen column."""

        def end(key: str) -> tuple[str, str]:
            return names.get(key, ("", _HIDDEN))

        for edge in self._edges:
            for job in self._connection(edge).jobs:
                source, target = end(edge.source), end(edge.target)
                yield "dataset", *source, "", *target, "", job.namespace, job.name, "", "", ""
        for flow in self._flows:
            row = self._flow(flow)
            job_name = (row.job.namespace, row.job.name) if row.job else ("", "")
            ends = (*end(flow.source), row.source_column, *end(flow.target), row.target_column)
            yield "column", *ends, *job_name, flow.type, flow.subtype, "yes" if flow.masking else "no"


def column_text(name: str | None) -> str:
    """A column in words: None is the whole dataset, an empty name one that may not be known."""
    return "the whole dataset" if name is None else name or _CLOSED
