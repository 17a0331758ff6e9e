"""Months of the event log go whole once they are past their time."""

from django.db import migrations

CREATE = """
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

DROP = "DROP FUNCTION lineage_drop_event_months(timestamptz)"


class Migration(migrations.Migration):
    dependencies = [("lineage", "0010_rejected_events")]

    operations = [migrations.RunSQL(CREATE, DROP)]
