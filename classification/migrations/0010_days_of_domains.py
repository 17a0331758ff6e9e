"""Days that were kept of domains find theirs; those of sources and owners cannot be told apart by domain, and go."""

from django.db import migrations

_FIND = """
    UPDATE classification_coverageday AS kept SET domain_id = domain.id
    FROM catalog_domain AS domain WHERE kept.by = 'domain' AND kept.subject = domain.slug
"""
_FORGET = """
    DELETE FROM classification_coverageday WHERE by <> 'domain' OR (domain_id IS NULL AND subject <> '')
"""


class Migration(migrations.Migration):
    dependencies = [("classification", "0009_coverage_by_domain"), ("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(_FIND, migrations.RunSQL.noop),
        migrations.RunSQL(_FORGET, migrations.RunSQL.noop),
    ]
