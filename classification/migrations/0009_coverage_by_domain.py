"""Days of coverage by domain as well, so that each reader sees those of what they read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("classification", "0008_note_all")]

    operations = [
        migrations.AddField(
            model_name="coverageday",
            name="domain_id",
            field=models.BigIntegerField(
                blank=True, help_text="The columns are of datasets in this domain.", null=True
            ),
        ),
        migrations.RemoveConstraint(model_name="coverageday", name="coverage_once_a_day"),
        migrations.AddConstraint(
            model_name="coverageday",
            constraint=models.UniqueConstraint(
                fields=("by", "day", "subject", "domain_id"), name="coverage_once_a_day", nulls_distinct=False
            ),
        ),
        migrations.AddIndex(
            model_name="coverageday",
            index=models.Index(fields=["by", "subject", "day"], name="coverage_of_subject"),
        ),
        migrations.AlterField(
            model_name="coverageday",
            name="by",
            field=models.CharField(
                choices=[("source", "Source"), ("domain", "Domain"), ("owner", "Owner")], max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="coverageday",
            name="subject",
            field=models.CharField(
                help_text="The slug or name of what is measured; '' for what has none.", max_length=200
            ),
        ),
    ]
