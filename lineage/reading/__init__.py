"""Jobs, runs and what they tell of datasets, as pages and REST show them: what the reader may read of it."""

from lineage.reading.events import told_events
from lineage.reading.facets import (
    Facet,
    Property,
    dataset_facets,
    facet_value,
    job_facets,
    properties_of,
    raw_facets,
    run_facets,
    use_facets,
)
from lineage.reading.family import MOST_RUNS, Family, family_of
from lineage.reading.life import LIFE_ORDER, LifeEntry, life_changes, life_of, told_life
from lineage.reading.names import Identity, Tie, identity_of
from lineage.reading.outcomes import circumstances_of, error_of, tests_of, waiting_of
from lineage.reading.quality import Quality, quality_of
from lineage.reading.uses import (
    Use,
    Uses,
    events_of_run,
    may_read_code,
    may_read_run,
    uses_of_job,
    uses_of_run,
    visible_job,
    visible_run,
)

__all__ = [
    "LIFE_ORDER",
    "MOST_RUNS",
    "Facet",
    "Family",
    "Identity",
    "LifeEntry",
    "Property",
    "Quality",
    "Tie",
    "Use",
    "Uses",
    "circumstances_of",
    "dataset_facets",
    "error_of",
    "events_of_run",
    "facet_value",
    "family_of",
    "identity_of",
    "job_facets",
    "life_changes",
    "life_of",
    "may_read_code",
    "may_read_run",
    "properties_of",
    "quality_of",
    "raw_facets",
    "run_facets",
    "tests_of",
    "told_events",
    "told_life",
    "use_facets",
    "uses_of_job",
    "uses_of_run",
    "visible_job",
    "visible_run",
    "waiting_of",
]
