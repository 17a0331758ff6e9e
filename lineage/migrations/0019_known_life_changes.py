"""What is known already of datasets' lives: the latest change of each, as its facet stands."""

from django.db import migrations

KNOWN = """
INSERT INTO lineage_lifechange (dataset_id, told_in, kind, previous, first_at, last_at)
SELECT facet.dataset_id, coalesce(event.run_id, facet.digest), kind.number, coalesce(former.dataset_id, 0), facet.at, facet.at
FROM lineage_datasetfacet AS facet
JOIN lineage_content AS content ON content.digest = facet.content_id
JOIN (VALUES ('CREATE', 1), ('ALTER', 2), ('OVERWRITE', 3), ('TRUNCATE', 4), ('RENAME', 5), ('DROP', 6))
     AS kind (word, number) ON kind.word = upper(content.value ->> 'lifecycleStateChange')
LEFT JOIN LATERAL (
    SELECT run_id FROM lineage_event WHERE digest = facet.digest LIMIT 1
) AS event ON true
LEFT JOIN catalog_datasetname AS former
  ON kind.word = 'RENAME' AND former.valid_to IS NULL
 AND former.namespace = content.value #>> '{previousIdentifier,namespace}'
 AND former.name = content.value #>> '{previousIdentifier,name}'
WHERE facet.name = 'lifecycleStateChange' AND jsonb_typeof(content.value) = 'object'
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0018_life_changes")]

    operations = [migrations.RunSQL(KNOWN, migrations.RunSQL.noop)]
