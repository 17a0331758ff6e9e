"""The log keeps bodies packed with a dictionary (`lineage.packing`), and an event's type beside them.

Bodies that are there stay as they are, marked as text.
"""

from django.db import migrations, models

import lineage.models.log

PACK = """
ALTER TABLE lineage_event ADD COLUMN event_type varchar(8);
UPDATE lineage_event SET event_type = substring(left(body, 300) FROM '"eventType":"([A-Z]{4,8})"') WHERE kind = 'run';
ALTER TABLE lineage_event ALTER COLUMN body TYPE bytea USING '\\x00'::bytea || convert_to(body, 'UTF8');

-- What is packed cannot be made smaller, so it is not tried; what is long leaves the row.
ALTER TABLE lineage_event ALTER COLUMN body SET STORAGE EXTERNAL;
DO $$
DECLARE
    month regclass;
BEGIN
    FOR month IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'lineage_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s RESET (toast_tuple_target)', month);
        EXECUTE format('ALTER TABLE %s ALTER COLUMN body SET STORAGE EXTERNAL', month);
    END LOOP;
END $$;
"""

MAKE = """
CREATE OR REPLACE FUNCTION lineage_make_event_partition(of_day date) RETURNS boolean
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
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0012_marquez_notes")]

    operations = [
        migrations.RunSQL([PACK, MAKE]),
        migrations.AddField("event", "event_type", models.CharField(max_length=8, null=True)),
        migrations.AlterField("event", "body", lineage.models.log.PackedText()),
    ]
