"""Pipelines may also propose that a column is masked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_proposals")]

    operations = [
        migrations.AlterField(
            model_name="proposal",
            name="kind",
            field=models.CharField(
                choices=[
                    ("owner", "Owner"),
                    ("description", "Description"),
                    ("tag", "Tag"),
                    ("gone", "Dropped"),
                    ("same_as", "Same dataset"),
                    ("masking", "Masked column"),
                ],
                max_length=12,
            ),
        ),
    ]
