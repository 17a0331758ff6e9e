"""What was counted of criticality last, and when, so that a start does not begin anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lineage", "0021_known_roots")]

    operations = [
        migrations.CreateModel(
            name="CriticalityLook",
            fields=[
                ("id", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField()),
                ("seconds", models.FloatField(help_text="How long it took, with the counting if there was any.")),
                ("edges", models.TextField(help_text="A sum over the edges that were counted last.")),
            ],
        ),
    ]
