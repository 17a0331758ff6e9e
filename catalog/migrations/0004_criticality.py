from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_key_that_points_nowhere")]

    operations = [
        migrations.AddField(
            model_name="dataset",
            name="criticality",
            field=models.PositiveIntegerField(
                default=0, db_default=0, help_text="How much depends on it: see `lineage.criticality`."
            ),
        ),
    ]
