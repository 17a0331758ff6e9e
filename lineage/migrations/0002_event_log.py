"""The event log, partitioned by month of arrival, and how its queue and its hot tables are kept small."""

from django.db import migrations

CREATE = """
CREATE SEQUENCE lineage_event_id_seq AS bigint;

CREATE TABLE lineage_event (
    id bigint NOT NULL DEFAULT nextval('lineage_event_id_seq'),
    received_at timestamptz NOT NULL DEFAULT now(),
    digest uuid NOT NULL,
    event_time timestamptz NOT NULL,
    kind varchar(7) NOT NULL,
    run_id uuid,
    principal_id bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (received_at, id)
) PARTITION BY RANGE (received_at);

ALTER SEQUENCE lineage_event_id_seq OWNED BY lineage_event.id;
ALTER TABLE lineage_event ALTER COLUMN body SET STORAGE MAIN;
CREATE INDEX lineage_event_by_digest ON lineage_event (digest);
CREATE INDEX lineage_event_by_run ON lineage_event (run_id) WHERE run_id IS NOT NULL;

DO $$ BEGIN
    ALTER TABLE lineage_event ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;  -- this server was built without lz4 and compresses with pglz
END $$;

-- Run by the runtime role, which may not create tables: only this table's months, and only those near today.
CREATE FUNCTION lineage_make_event_partition(of_day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first_day date := date_trunc('month', of_day);
    next_month date := first_day + interval '1 month';
    partition text := 'lineage_event_' || to_char(first_day, 'YYYYMM');
BEGIN
    IF of_day < current_date - 31 OR of_day > current_date + 366 THEN
        RAISE EXCEPTION 'Partitions of the event log are made for the coming year only, not for %', of_day;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('lineage_make_event_partition'));
    IF to_regclass(quote_ident(partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Events are 2 kB: compress whatever is longer than a few lines, and keep it in the row.
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF lineage_event FOR VALUES FROM (%L) TO (%L) WITH (toast_tuple_target = 256)',
        partition, to_char(first_day, 'YYYY-MM-DD') || ' 00:00+00', to_char(next_month, 'YYYY-MM-DD') || ' 00:00+00'
    );
    RETURN true;
END $$;

SELECT lineage_make_event_partition(day::date)
FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC' + interval '2 months', '1 month') AS day;

-- Queues: vacuumed by count, since their size is always near nothing.
ALTER TABLE lineage_pendingevent SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE lineage_dirtydataset SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Rows that each run touches again: room on the page keeps updates from touching indexes.
ALTER TABLE lineage_run SET (fillfactor = 80);
ALTER TABLE lineage_rundataset SET (fillfactor = 90);
ALTER TABLE lineage_job SET (fillfactor = 70);
ALTER TABLE lineage_jobdataset SET (fillfactor = 70);
ALTER TABLE lineage_datasetedge SET (fillfactor = 70);
ALTER TABLE lineage_jobfacet SET (fillfactor = 70);
ALTER TABLE lineage_datasetfacet SET (fillfactor = 70);
"""

DROP = """
DROP FUNCTION lineage_make_event_partition(date);
DROP TABLE lineage_event;
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
