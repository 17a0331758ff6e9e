from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="compared_up_to",
            field=models.BigIntegerField(
                default=0, help_text="Up to which id grants were held to it, until all of them were."
            ),
        ),
    ]
