"""The policy that every catalog starts with, and kinds of purposes: what levels ask for is asked of every request."""

from django.db import migrations
from django.utils import timezone

POLICY = {
    "slug": "levels-decide",
    "name": "Levels decide",
    "description": "Whoever answers for a dataset decides who reads it: as many of them, and for as many days, as its levels "
    "say. It stands in wherever no other policy says how a request is decided.",
}
RULE = {
    "effect": "approval",
    "actions": ["request"],
    "subjects": {"everyone": True},
    "steps": [{"audience": "answerable"}],
    "fallback": True,
}
PURPOSES = [
    ("analysis", "Analysis", "Answering a question once, or exploring data for it."),
    ("reporting", "Reporting", "Figures that are made again and again, and who reads them."),
    ("operations", "Operations", "Running, supporting or repairing a system."),
    ("research", "Research", "Work that is to be published, or under an ethics approval."),
    ("development", "Development", "Building or testing software with real data."),
]


def add_policies(apps, schema_editor):
    policy = apps.get_model("access", "Policy").objects.create(**POLICY, shipped=True)
    now = timezone.now()
    apps.get_model("access", "PolicyVersion").objects.create(
        policy=policy,
        number=1,
        state="published",
        name=policy.name,
        rule=RULE,
        reason="Shipped with the catalog.",
        published_at=now,
        valid_from=now,
    )
    purpose = apps.get_model("access", "Purpose")
    purpose.objects.bulk_create(purpose(slug=slug, name=name, description=text) for slug, name, text in PURPOSES)


def remove_policies(apps, schema_editor):
    apps.get_model("access", "PolicyVersion").objects.filter(policy__slug=POLICY["slug"]).delete()
    apps.get_model("access", "Policy").objects.filter(slug=POLICY["slug"]).delete()
    apps.get_model("access", "Purpose").objects.filter(slug__in=[slug for slug, _, _ in PURPOSES]).delete()


class Migration(migrations.Migration):
    dependencies = [("access", "0004_policies")]

    operations = [migrations.RunPython(add_policies, remove_policies)]
