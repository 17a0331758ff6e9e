from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0014_ends_refused"),
    ]

    operations = [
        migrations.AddField(
            model_name="enforcement",
            name="hung_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When a worker last waited for a connection in vain; none since it answered.",
                null=True,
            ),
        ),
    ]
