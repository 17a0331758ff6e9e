"""The levels that every catalog starts with; administrators change them as they like."""

LEVELS = [
    {
        "slug": "public",
        "name": "Public",
        "rank": 1,
        "colour": "green",
        "description": "Meant for everybody, or already published.",
        "handling": "No restriction. Check that it really was published before you rely on this.",
        "longest_grant_days": 365,
    },
    {
        "slug": "internal",
        "name": "Internal",
        "rank": 2,
        "colour": "blue",
        "description": "For the organisation's own people. Little harm if others saw it.",
        "handling": "Keep it inside the organisation. Do not put it into public tools or repositories.",
        "longest_grant_days": 365,
    },
    {
        "slug": "confidential",
        "name": "Confidential",
        "rank": 3,
        "colour": "amber",
        "description": "Personal data, and whatever would harm people or the organisation in the wrong hands.",
        "handling": "Only for a named purpose and as long as that lasts. Do not copy it to your own devices.",
        "longest_grant_days": 180,
    },
    {
        "slug": "restricted",
        "name": "Restricted",
        "rank": 4,
        "colour": "red",
        "description": "Secrets, health and other special personal data, and what the law protects in particular.",
        "handling": "For as few people and as short a time as possible. Never leaves the systems where it is kept.",
        "longest_grant_days": 30,
    },
]


def add_levels(apps, schema_editor):
    level = apps.get_model("classification", "Level")
    level.objects.bulk_create(level(**values) for values in LEVELS)


def remove_levels(apps, schema_editor):
    apps.get_model("classification", "Level").objects.filter(slug__in=[level["slug"] for level in LEVELS]).delete()
