"""What all facets of a kind repeat, who made them and by which schema, is kept once; `lineage_content` becomes a view."""

import django.db.models.deletion
from django.db import migrations, models

SPLIT = """
ALTER TABLE lineage_content RENAME TO lineage_contentbody;
ALTER INDEX lineage_content_pkey RENAME TO lineage_contentbody_pkey;
ALTER TABLE lineage_contentbody RENAME COLUMN value TO members;
ALTER TABLE lineage_contentbody ADD COLUMN provenance_id integer;

INSERT INTO lineage_provenance (producer, schema_url)
SELECT DISTINCT members ->> '_producer', members ->> '_schemaURL' FROM lineage_contentbody
WHERE jsonb_typeof(members -> '_producer') = 'string' AND jsonb_typeof(members -> '_schemaURL') = 'string';

UPDATE lineage_contentbody AS body
SET provenance_id = provenance.id, members = members - '_producer' - '_schemaURL'
FROM lineage_provenance AS provenance
WHERE jsonb_typeof(members -> '_producer') = 'string' AND jsonb_typeof(members -> '_schemaURL') = 'string'
  AND provenance.producer = members ->> '_producer' AND provenance.schema_url = members ->> '_schemaURL';

CREATE VIEW lineage_content AS
SELECT body.digest,
       CASE WHEN provenance.id IS NULL THEN body.members
            ELSE body.members || jsonb_build_object('_producer', provenance.producer, '_schemaURL', provenance.schema_url)
       END AS value
FROM lineage_contentbody AS body
LEFT JOIN lineage_provenance AS provenance ON provenance.id = body.provenance_id;
"""


class Migration(migrations.Migration):
    dependencies = [("lineage", "0013_packed_bodies")]

    operations = [
        migrations.CreateModel(
            name="Provenance",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("producer", models.TextField()),
                ("schema_url", models.TextField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(name="provenance_unique", fields=("producer", "schema_url"))],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(SPLIT)],
            state_operations=[
                migrations.AlterModelOptions("content", {"managed": False}),
                migrations.AlterModelTable("content", "lineage_content"),
                migrations.CreateModel(
                    name="ContentBody",
                    fields=[
                        ("digest", models.UUIDField(primary_key=True, serialize=False)),
                        (
                            "provenance",
                            models.ForeignKey(
                                null=True,
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="lineage.provenance",
                            ),
                        ),
                        ("members", models.JSONField()),
                    ],
                ),
            ],
        ),
    ]
