"""The run at the root of a run's tree, for trees whose middle never reports."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lineage", "0019_known_life_changes")]

    operations = [
        migrations.AddField(
            "run",
            "root",
            models.UUIDField(
                blank=True, null=True,
                help_text="The run at the root of its tree, where it names another than itself; it may never report.",
            ),
        ),
        migrations.AddIndex(
            "run", models.Index(condition=models.Q(root__isnull=False), fields=["root"], name="run_by_root")
        ),
    ]  # fmt: skip
