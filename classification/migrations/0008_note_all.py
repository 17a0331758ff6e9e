"""Have what is there counted."""

from django.db import migrations

_NOTE_ALL = "INSERT INTO classification_uncounteddataset (dataset_id) SELECT id FROM catalog_dataset"


class Migration(migrations.Migration):
    dependencies = [("classification", "0007_note_uncounted")]

    operations = [migrations.RunSQL(_NOTE_ALL, migrations.RunSQL.noop)]
