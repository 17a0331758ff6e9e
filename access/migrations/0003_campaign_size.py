from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("access", "0002_compared_up_to")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="size",
            field=models.PositiveIntegerField(default=0, help_text="How many grants it looks at."),
        ),
        migrations.AddIndex(
            model_name="campaignitem",
            index=models.Index(name="campaign_item_open_of", fields=["campaign"], condition=models.Q(outcome="open")),
        ),
        migrations.RunSQL(
            """
            UPDATE access_campaign AS campaign SET size = held.rows
            FROM (SELECT campaign_id, count(*) AS rows FROM access_campaignitem GROUP BY campaign_id) AS held
            WHERE held.campaign_id = campaign.id
            """,
            migrations.RunSQL.noop,
        ),
    ]
