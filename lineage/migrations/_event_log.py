"""The event log, partitioned by month of arrival: Django does not manage it.

Bodies are packed with a dictionary (`lineage.packing`): what is packed cannot be made smaller, so it is not tried; what is
long leaves the row.
"""

CREATE = """
CREATE SEQUENCE lineage_event_id_seq AS bigint;

CREATE TABLE lineage_event (
    id bigint NOT NULL DEFAULT nextval('lineage_event_id_seq'),
    received_at timestamptz NOT NULL DEFAULT now(),
    digest uuid NOT NULL,
    event_time timestamptz NOT NULL,
    kind varchar(7) NOT NULL,
    event_type varchar(8),
    run_id uuid,
    principal_id bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (received_at, id)
) PARTITION BY RANGE (received_at);

ALTER SEQUENCE lineage_event_id_seq OWNED BY lineage_event.id;
ALTER TABLE lineage_event ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX lineage_event_by_digest ON lineage_event (digest);
CREATE INDEX lineage_event_by_run ON lineage_event (run_id) WHERE run_id IS NOT NULL;

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
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF lineage_event FOR VALUES FROM (%L) TO (%L)',
        partition, to_char(first_day, 'YYYY-MM-DD') || ' 00:00+00', to_char(next_month, 'YYYY-MM-DD') || ' 00:00+00'
    );
    RETURN true;
END $$;

SELECT lineage_make_event_partition(day::date)
FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'), now() AT TIME ZONE 'UTC' + interval '2 months', '1 month') AS day;

-- Run by the runtime role, which owns no table: only months of the event log, only whole ones that ended more than a day
-- ago, and none with an event that waits for the fold or was set aside by it.
CREATE FUNCTION lineage_drop_event_months(before timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '1s' AS $$
DECLARE
    month record;
    dropped integer := 0;
BEGIN
    IF before > now() - interval '1 day' THEN
        RAISE EXCEPTION 'Events are kept for at least a day: % is too late', before;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('lineage_make_event_partition'));
    FOR month IN
        SELECT partition, begins AT TIME ZONE 'UTC' AS begins, (begins + interval '1 month') AT TIME ZONE 'UTC' AS ends
        FROM (
            SELECT child.relname AS partition, to_date(right(child.relname, 6), 'YYYYMM')::timestamp AS begins
            FROM pg_inherits JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = 'lineage_event'::regclass AND child.relname ~ '^lineage_event_[0-9]{6}$'
        ) AS months
        ORDER BY partition
    LOOP
        EXIT WHEN month.ends > before;
        CONTINUE WHEN EXISTS (
            SELECT 1 FROM lineage_pendingevent WHERE received_at >= month.begins AND received_at < month.ends
        ) OR EXISTS (
            SELECT 1 FROM lineage_setasideevent WHERE received_at >= month.begins AND received_at < month.ends
        );
        BEGIN
            EXECUTE format('DROP TABLE %I', month.partition);
            dropped := dropped + 1;
        EXCEPTION WHEN lock_not_available THEN
            -- The log is being read for long. Whoever posts an event must not wait behind us: another time.
            EXIT;
        END;
    END LOOP;
    RETURN dropped;
END $$;
"""

DROP = """
DROP FUNCTION lineage_drop_event_months(timestamptz);
DROP FUNCTION lineage_make_event_partition(date);
DROP TABLE lineage_event;
"""
