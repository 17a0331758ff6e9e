"""Drafts of policies that many organisations want: they hold nothing until an administrator has previewed and published them."""

from django.db import migrations

EVERYBODY = {"everyone": True}


def drafts(levels):
    """Name, description and rule of each; `levels` are ids by slug. Without its level a draft is left out."""
    confidential, restricted = levels.get("confidential"), levels.get("restricted")
    if confidential:
        yield (
            "not-for-development",
            "Confidential data is not for development",
            "Who builds or tests software takes invented or masked data: requests and reading for that purpose are refused.",
            {
                "effect": "deny",
                "actions": ["read", "request"],
                "subjects": EVERYBODY,
                "resources": {"level_from": confidential},
                "conditions": {"purposes": ["development"]},
            },
        )
    if restricted:
        yield (
            "restricted-takes-two",
            "Restricted data takes an owner and a steward",
            "First an owner approves, who knows what the data is for; then a steward, who knows what it is.",
            {
                "effect": "approval",
                "actions": ["request"],
                "subjects": EVERYBODY,
                "resources": {"level_from": restricted},
                "steps": [{"audience": "owners", "needed": 1}, {"audience": "stewards", "needed": 1}],
            },
        )


def add_drafts(apps, schema_editor):
    policies, versions = apps.get_model("access", "Policy"), apps.get_model("access", "PolicyVersion")
    levels = dict(apps.get_model("classification", "Level").objects.values_list("slug", "pk"))
    for slug, name, description, rule in drafts(levels):
        if policies.objects.filter(slug=slug).exists() or policies.objects.filter(name=name).exists():
            continue
        policy = policies.objects.create(slug=slug, name=name, description=description, shipped=True)
        versions.objects.create(
            policy=policy,
            number=1,
            state="draft",
            name=name,
            rule=rule,
            reason="Shipped with the catalog, to consider.",
        )


def remove_drafts(apps, schema_editor):
    """Take back those that nobody touched."""
    policies = apps.get_model("access", "Policy")
    slugs = [slug for slug, *_ in drafts({"confidential": 1, "restricted": 2})]
    for policy in policies.objects.filter(slug__in=slugs, shipped=True):
        if not policy.versions.exclude(state="draft", made_by=None).exists():
            policy.versions.all().delete()
            policy.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0015_enforcement_hung_at"),
        ("classification", "0002_seed_levels"),
    ]

    operations = [migrations.RunPython(add_drafts, remove_drafts)]
