import datetime as dt

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="rested",
            field=models.DurationField(
                default=dt.timedelta,
                help_text="How long nobody worked at it since it began: a plan waited for a person, say.",
            ),
        ),
    ]
