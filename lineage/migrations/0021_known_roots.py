"""The roots that runs have named already."""

from django.db import migrations

KNOWN = """
UPDATE lineage_run AS run SET root = told.root::uuid
FROM (
    SELECT facet.run_id, content.value #>> '{root,run,runId}' AS root
    FROM lineage_runfacet AS facet JOIN lineage_content AS content ON content.digest = facet.content_id
    WHERE facet.name = 'parent'
) AS told
WHERE told.run_id = run.id
  AND CASE WHEN told.root ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN told.root::uuid <> run.id END
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0020_run_root")]

    operations = [migrations.RunSQL(KNOWN, migrations.RunSQL.noop)]
