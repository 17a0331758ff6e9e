"""What pipelines did: the log of their events, and what the fold derives from it.

Times in derived rows are event times, so that the same events always give the same rows. A register (a value of which the
latest counts) keeps the time and digest of the event that set it; the greater pair wins, whatever order events arrive in.
"""

from lineage.models.edges import (
    ChangedColumn,
    Column,
    ColumnEdge,
    CriticalityLook,
    DatasetEdge,
    EdgeOrigin,
    Explanation,
    Influence,
    JobEdge,
)
from lineage.models.facets import (
    Content,
    ContentBody,
    DatasetFacet,
    DirtyDataset,
    FacetRegister,
    JobFacet,
    LifeChange,
    LifeKind,
    PackedObservations,
    Provenance,
    RunDatasetFacet,
    RunFacet,
    SchemaObservation,
)
from lineage.models.log import Event, PendingEvent, SetAsideEvent
from lineage.models.marquez import MarquezNote
from lineage.models.names import Decision, SameAs
from lineage.models.rejected import RejectedEvent
from lineage.models.runs import Attention, Direction, Job, JobDataset, JobOrigin, Run, RunDataset, RunState, ToldInput

__all__ = [
    "Attention",
    "ChangedColumn",
    "Column",
    "ColumnEdge",
    "Content",
    "ContentBody",
    "CriticalityLook",
    "DatasetEdge",
    "DatasetFacet",
    "Decision",
    "Direction",
    "DirtyDataset",
    "EdgeOrigin",
    "Event",
    "Explanation",
    "FacetRegister",
    "Influence",
    "Job",
    "JobDataset",
    "JobEdge",
    "JobFacet",
    "JobOrigin",
    "LifeChange",
    "LifeKind",
    "MarquezNote",
    "PackedObservations",
    "PendingEvent",
    "Provenance",
    "RejectedEvent",
    "Run",
    "RunDataset",
    "RunDatasetFacet",
    "RunFacet",
    "RunState",
    "SameAs",
    "SchemaObservation",
    "SetAsideEvent",
    "ToldInput",
]
