"""How the intake and the fold are doing, as figures for monitoring: cheap however long the log is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from lineage.queries.lag import fold_lag

# Counters come from sequences, which never go back; `is_called` tells a fresh one. Runs that have not ended are counted in
# their index, the others as the planner last saw them: counting ten millions for each scrape would cost more than it tells.
_FIGURES = """
    SELECT coalesce((SELECT last_value FROM lineage_event_id_seq WHERE is_called), 0),
           coalesce((SELECT last_value FROM lineage_rejectedevent_id_seq WHERE is_called), 0),
           (SELECT count(*) FROM lineage_setasideevent),
           (SELECT count(*) FROM (SELECT 1 FROM lineage_run WHERE ended_state IS NULL LIMIT 100000) AS open),
           (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'lineage_run'::regclass),
           (SELECT most_common_vals::text::text[] FROM pg_stats
            WHERE schemaname = 'public' AND tablename = 'lineage_run' AND attname = 'state'),
           (SELECT most_common_freqs FROM pg_stats
            WHERE schemaname = 'public' AND tablename = 'lineage_run' AND attname = 'state')
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """`accepted` and `rejected` only grow; `rejected` counts what is kept of refusals. `ended` are estimates by state."""

    accepted: int
    rejected: int
    set_aside: int
    pending: int
    lag_seconds: float
    running: int
    ended: dict[str, int]

    @property
    def folded(self) -> int:
        """Accepted, and neither waiting nor set aside; `pending` is counted up to 10,000."""
        return max(self.accepted - self.pending - self.set_aside, 0)


def figures() -> Figures:
    """Two statements."""
    pending, seconds = fold_lag()
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES)
        accepted, rejected, aside, running, rows, states, shares = cursor.fetchone()
    ended = {
        state: round(rows * share)
        for state, share in zip(states or (), shares or (), strict=True)
        if state != "running"
    }
    return Figures(accepted, rejected, aside, pending, seconds, running, ended)
