from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0011_grants_under_policies"),
    ]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="logins",
            field=ArrayField(
                base_field=models.TextField(),
                default=list,
                help_text="The logins that can read by it.",
                size=None,
            ),
        ),
    ]
