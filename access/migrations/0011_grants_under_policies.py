import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0010_enforcement_version")]

    operations = [
        migrations.AddField(
            model_name="policyversion",
            name="compared_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the grants that stood as it came into force were held to it.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="policyversion",
            index=models.Index(
                condition=models.Q(("compared_at__isnull", True), ("state", "published")),
                fields=["valid_from"],
                name="policy_version_to_compare",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="policy_version",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="campaign",
                to="access.policyversion",
            ),
        ),
        migrations.AddField(
            model_name="campaignitem",
            name="why",
            field=models.CharField(
                blank=True,
                default="",
                help_text="What a policy that came into force since says of it.",
                max_length=1000,
            ),
        ),
        migrations.AddField(
            model_name="campaignitem",
            name="masks",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="Masks that it would be made with now and does not carry, as a grant's.",
            ),
        ),
        migrations.AlterField(
            model_name="campaignitem",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("open", "Waits"),
                    ("kept", "Kept"),
                    ("removed", "Removed"),
                    ("masked", "Masked"),
                    ("revoked", "Removed: nobody confirmed it"),
                    ("flagged", "Kept, though nobody confirmed it"),
                    ("ended", "Ended meanwhile"),
                ],
                default="open",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="campaignitem", name="campaign_item_decided_by_somebody"),
        migrations.AddConstraint(
            model_name="campaignitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome__in", ["kept", "removed", "masked"]), _negated=True),
                    models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                    _connector="OR",
                ),
                name="campaign_item_decided_by_somebody",
            ),
        ),
    ]
