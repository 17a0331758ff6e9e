"""What every catalog starts with: kinds of purposes, the policy by which levels decide, and drafts that many will want."""

from django.utils import timezone

PURPOSES = [
    ("analysis", "Analysis", "Answering a question once, or exploring data for it."),
    ("reporting", "Reporting", "Figures that are made again and again, and who reads them."),
    ("operations", "Operations", "Running, supporting or repairing a system."),
    ("research", "Research", "Work that is to be published, or under an ethics approval."),
    ("development", "Development", "Building or testing software with real data."),
]

EVERYBODY = {"everyone": True}

POLICY = {
    "slug": "levels-decide",
    "name": "Levels decide",
    "description": "Whoever answers for a dataset decides who reads it: as many of them, and for as many days, as its levels "
    "say. It stands in wherever no other policy says how a request is decided.",
}
RULE = {
    "effect": "approval",
    "actions": ["request"],
    "subjects": EVERYBODY,
    "steps": [{"audience": "answerable"}],
    "fallback": True,
}


def drafts(levels):
    """Name, description and rule of each policy that holds nothing until an administrator has previewed and published it.

    `levels` are ids by slug.
    """
    return [
        (
            "not-for-development",
            "Confidential data is not for development",
            "Who builds or tests software takes invented or masked data: requests and reading for that purpose are refused.",
            {
                "effect": "deny",
                "actions": ["read", "request"],
                "subjects": EVERYBODY,
                "resources": {"level_from": levels["confidential"]},
                "conditions": {"purposes": ["development"]},
            },
        ),
        (
            "restricted-takes-two",
            "Restricted data takes an owner and a steward",
            "First an owner approves, who knows what the data is for; then a steward, who knows what it is.",
            {
                "effect": "approval",
                "actions": ["request"],
                "subjects": EVERYBODY,
                "resources": {"level_from": levels["restricted"]},
                "steps": [{"audience": "owners", "needed": 1}, {"audience": "stewards", "needed": 1}],
            },
        ),
    ]


def add_policies(apps, schema_editor):
    policies, versions = apps.get_model("access", "Policy"), apps.get_model("access", "PolicyVersion")
    purpose = apps.get_model("access", "Purpose")
    purpose.objects.bulk_create(purpose(slug=slug, name=name, description=text) for slug, name, text in PURPOSES)

    now = timezone.now()
    policy = policies.objects.create(**POLICY, shipped=True)
    versions.objects.create(
        policy=policy,
        number=1,
        state="published",
        name=policy.name,
        rule=RULE,
        reason="Shipped with the catalog.",
        published_at=now,
        valid_from=now,
    )
    levels = dict(apps.get_model("classification", "Level").objects.values_list("slug", "pk"))
    for slug, name, description, rule in drafts(levels):
        policy = policies.objects.create(slug=slug, name=name, description=description, shipped=True)
        versions.objects.create(
            policy=policy,
            number=1,
            state="draft",
            name=name,
            rule=rule,
            reason="Shipped with the catalog, to consider.",
        )
