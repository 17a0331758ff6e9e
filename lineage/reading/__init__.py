"""Jobs, runs and what they tell of datasets, as pages and REST show them: what the reader may read of it."""

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
from lineage.reading.outcomes import circumstances_of, error_of, tests_of, waiting_of
from lineage.reading.quality import Quality, quality_of
from lineage.reading.uses import (
    Use,
    events_of_run,
    may_read_code,
    uses_of_job,
    uses_of_run,
    visible_job,
    visible_run,
)

__all__ = [
    "MOST_RUNS",
    "Facet",
    "Family",
    "Property",
    "Quality",
    "Use",
    "circumstances_of",
    "dataset_facets",
    "error_of",
    "events_of_run",
    "facet_value",
    "family_of",
    "job_facets",
    "may_read_code",
    "properties_of",
    "quality_of",
    "raw_facets",
    "run_facets",
    "tests_of",
    "use_facets",
    "uses_of_job",
    "uses_of_run",
    "visible_job",
    "visible_run",
    "waiting_of",
]
