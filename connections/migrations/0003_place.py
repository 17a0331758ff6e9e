from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connections", "0002_server_or_file")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="place",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="`Address.place`; null where another connection led there already before this was forbidden.",
                max_length=64,
                null=True,
                unique=True,
            ),
        ),
    ]
