"""The logins of findings that were kept before they had any, from whom they name."""

from django.db import migrations

# A view's finding names all its readers in one text. Where accounts have hosts, a login is the user.
LOGINS = r"""
UPDATE access_finding AS finding
SET logins = ARRAY(
    SELECT CASE WHEN source.platform = 'mysql' THEN regexp_replace(role, '@[^@]+$', '') ELSE role END
    FROM unnest(
        CASE WHEN finding.kind = 'definer_view' THEN string_to_array(finding.grantee, ', ')
        ELSE ARRAY[finding.grantee] END
    ) AS role
)
FROM catalog_source AS source
WHERE source.id = finding.source_id AND finding.grantee <> ''
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0012_finding_logins"),
        ("catalog", "0006_masking_proposals"),
    ]

    operations = [migrations.RunSQL(LOGINS, migrations.RunSQL.noop)]
