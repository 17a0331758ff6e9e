from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0013_logins_of_findings")]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="ends_refused",
            field=models.BooleanField(
                default=False, help_text="Whether standing grants that it refuses end as it comes into force, unasked."
            ),
        )
    ]
