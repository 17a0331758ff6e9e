"""Notes of columns into which something else flows than before; see `lineage.changed_columns`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lineage", "0014_provenance")]

    operations = [
        migrations.CreateModel(
            name="ChangedColumn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("column", models.BigIntegerField()),
            ],
        ),
    ]
