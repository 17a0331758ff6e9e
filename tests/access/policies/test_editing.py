"""Policies are drafted, previewed, published and ended: by actions, on pages, over REST."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.actions.policies import draft_policy, draft_version, edit_draft, end_policy, publish_policy
from access.forms.policies import PolicyForm
from access.models import Policy, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Role, Rule, Step, Subjects, stored_form
from access.policies.words import rule_in_words
from access.policy_queries import changes_between, names_in
from access.previewing import preview_of
from audit.models import Record
from classification.actions import set_level
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.access.decision_point.conftest import grant
from tests.factories import Cast, bearer, dataset, domain, group, person, role, standard_levels

pytestmark = pytest.mark.django_db

EVERYBODY = Subjects(everyone=True)
DENY = Rule(Effect.DENY, (Action.READ,), EVERYBODY)


def test_a_draft_says_nothing_until_it_is_published(cast: Cast):
    draft = draft_policy(name="Nobody", rule=DENY, by=cast.administrator)
    assert not PolicyVersion.objects.in_force().filter(pk=draft.pk).exists()
    publish_policy(version=draft, by=cast.administrator)
    assert PolicyVersion.objects.in_force().filter(pk=draft.pk).exists()
    assert Record.objects.filter(event="access.policy_published").exists()


def test_the_next_version_begins_where_the_one_before_ends(cast: Cast):
    first = publish_policy(version=draft_policy(name="P", rule=DENY, by=cast.administrator), by=cast.administrator)
    second = draft_version(policy=first.policy, by=cast.administrator)
    assert draft_version(policy=first.policy, by=cast.administrator) == second
    edit_draft(version=second, rule=Rule(Effect.ALLOW, (Action.READ,), EVERYBODY), by=cast.administrator)
    begins = timezone.now() + dt.timedelta(days=1)
    publish_policy(version=second, by=cast.administrator, valid_from=begins)
    first.refresh_from_db()
    assert first.valid_to == begins
    assert [one.pk for one in PolicyVersion.objects.in_force(begins).filter(policy=first.policy)] == [second.pk]
    third = draft_version(policy=first.policy, by=cast.administrator, like=first)
    assert third.contents == DENY
    publish_policy(version=third, by=cast.administrator)
    second.refresh_from_db()
    assert second.valid_to == second.valid_from
    assert [one.pk for one in PolicyVersion.objects.in_force().filter(policy=first.policy)] == [third.pk]


def test_an_ended_policy_says_nothing_and_may_come_back(cast: Cast):
    version = publish_policy(version=draft_policy(name="P", rule=DENY, by=cast.administrator), by=cast.administrator)
    with pytest.raises(Invalid, match="Say why"):
        end_policy(policy=version.policy, reason=" ", by=cast.administrator)
    end_policy(policy=version.policy, reason="It was wrong.", by=cast.administrator)
    assert not PolicyVersion.objects.in_force().filter(policy=version.policy).exists()
    with pytest.raises(Conflict, match="not in force"):
        end_policy(policy=version.policy, reason="Again.", by=cast.administrator)
    publish_policy(version=draft_version(policy=version.policy, by=cast.administrator), by=cast.administrator)
    assert PolicyVersion.objects.in_force().filter(policy=version.policy).exists()


def test_a_published_version_is_no_draft(cast: Cast):
    version = publish_policy(version=draft_policy(name="P", rule=DENY, by=cast.administrator), by=cast.administrator)
    with pytest.raises(Conflict, match="published already"):
        edit_draft(version=version, rule=DENY, by=cast.administrator)
    with pytest.raises(Conflict, match="called P"):
        draft_policy(name="P", rule=DENY, by=cast.administrator)
    with pytest.raises(Invalid, match="now or later"):
        draft = draft_version(policy=version.policy, by=cast.administrator)
        publish_policy(version=draft, by=cast.administrator, valid_from=timezone.now() - dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("rule", "member"),
    [
        (Rule(Effect.DENY, (Action.READ,)), "subjects"),
        (Rule(Effect.DENY, (Action.READ,), Subjects(people=(10**12,))), "people"),
        (Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(level_from=10**6)), "levels"),
        (Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(datasets=(10**12,))), "datasets"),
    ],
)
def test_rules_that_name_nothing_are_refused_by_their_member(cast: Cast, rule: Rule, member: str):
    with pytest.raises(Invalid) as refused:
        draft_policy(name="P", rule=rule, by=cast.administrator)
    assert member in refused.value.fields


def test_owners_of_a_domain_narrow_what_others_may_do_with_it_and_nothing_else(cast: Cast):
    boss = person("boss")
    role(cast.domain, boss, "owner")
    own = Resources(domains=(cast.domain.pk,))
    narrow = Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=own)
    assert draft_policy(name="Ours", rule=narrow, domain=cast.domain, by=boss).policy.domain == cast.domain
    with pytest.raises(Forbidden):
        draft_policy(name="All", rule=narrow, by=boss)
    with pytest.raises(Forbidden):
        draft_policy(name="Theirs", rule=narrow, domain=cast.domain, by=cast.steward)
    for rule in (
        Rule(Effect.ALLOW, (Action.READ,), EVERYBODY, resources=own),
        Rule(Effect.DENY, (Action.READ,), EVERYBODY),
        Rule(Effect.APPROVAL, (Action.REQUEST,), EVERYBODY, resources=own, steps=(Step(),), fallback=True),
    ):
        with pytest.raises(Invalid):
            draft_policy(name="Wide", rule=rule, domain=cast.domain, by=boss)
    everybodys = draft_policy(name="Global", rule=DENY, by=cast.administrator)
    with pytest.raises(NotFound):
        edit_draft(version=everybodys, rule=narrow, by=boss)


def test_a_preview_counts_who_gains_and_loses_and_changes_nothing(cast: Cast):
    other = dataset(domain=cast.domain)
    team = group(members=[cast.analyst, cast.outsider])
    grant(cast.analyst, other)
    grant(cast.steward, other)
    draft = draft_policy(
        name="Team reads",
        rule=Rule(
            Effect.ALLOW, (Action.READ,), Subjects(groups=(team.pk,)), resources=Resources(domains=(cast.domain.pk,))
        ),
        by=cast.administrator,
    )
    preview = preview_of(draft.policy, draft.contents)
    # Two people and two datasets, less the one that the analyst reads already.
    assert (preview.gains.pairs, preview.losses.pairs) == (3, 0)
    assert (preview.concerned, preview.datasets) == (2, 2)
    publish_policy(version=draft, by=cast.administrator)
    assert preview_of(draft.policy, draft.contents).gains.pairs == 0
    assert preview_of(draft.policy, None).losses.pairs == 3
    denying = draft_policy(name="No", rule=DENY, by=cast.administrator)
    preview = preview_of(denying.policy, denying.contents)
    # Four of the team, and the steward's grant; the analyst's is one of the four.
    assert preview.losses.pairs == 5
    assert {pair.who for pair in preview.losses.samples} <= {"Ana", "Otto", "Stella"}


def test_a_preview_counts_the_datasets_that_a_rule_is_about_by_the_levels_of_their_columns(cast: Cast):
    levels = standard_levels()
    strict, some, plain, bare, mild = (dataset(domain=cast.domain) for _ in range(5))
    bare.fields.all().delete()
    set_level(datasets=[strict, bare], level=levels["restricted"], reason="Names", by=cast.steward)
    set_level(fields=[some.fields.get(path=["email"])], level=levels["confidential"], reason="Names", by=cast.steward)
    set_level(datasets=[mild], level=levels["internal"], reason="Plain", by=cast.steward)

    def about(**resources: object) -> int:
        rule = Rule(Effect.DENY, (Action.READ,), EVERYBODY, resources=Resources(**resources))
        draft = draft_policy(name=f"P{resources}"[:40], rule=rule, by=cast.administrator)
        return preview_of(draft.policy, draft.contents).datasets

    assert about() == 6
    assert about(level_from=levels["confidential"].pk) == 3, "strict, some, bare"
    assert about(level_from=levels["restricted"].pk) == 2
    # A dataset has the highest level of its columns, and columns without one have the dataset's.
    assert about(level_to=levels["internal"].pk) == 3, "mild, plain, and the cast's dataset"
    assert about(level_from=levels["confidential"].pk, datasets=(some.pk, plain.pk)) == 1
    assert about(fields=(plain.fields.first().pk,)) == 1
    assert about(domains=(domain().pk,)) == 0


def test_a_preview_tells_people_apart_by_roles_and_columns(cast: Cast):
    email = cast.field("email")
    grant(cast.analyst, cast.dataset, cast.field("id"))
    grant(cast.steward, cast.dataset, email)
    rule = Rule(
        Effect.DENY,
        (Action.READ,),
        Subjects(roles=(Role.ANALYST, Role.STEWARD, Role.DATASET_OWNER)),
        resources=Resources(fields=(email.pk,)),
    )
    draft = draft_policy(name="No addresses", rule=rule, by=cast.administrator)
    preview = preview_of(draft.policy, draft.contents)
    assert preview.losses.pairs == 1
    assert [pair.who for pair in preview.losses.samples] == ["Stella"]


def test_versions_are_compared_in_words(cast: Cast):
    rule = Rule(
        Effect.APPROVAL,
        (Action.REQUEST,),
        EVERYBODY,
        resources=Resources(domains=(cast.domain.pk,)),
        steps=(Step(needed=2),),
        masks=(MaskOf(Mask.HASH, Columns(fields=(cast.field("email").pk,))),),
    )
    first = publish_policy(version=draft_policy(name="P", rule=rule, by=cast.administrator), by=cast.administrator)
    words = rule_in_words(rule, names_in([rule]))
    assert words["What"] == "domain Teaching"
    assert words["Approvals"].startswith("2 of owners")
    assert words["Shown as"] == "column ontrack.public.users#email: a hash"
    second = draft_version(policy=first.policy, by=cast.administrator)
    second = edit_draft(version=second, rule=DENY, by=cast.administrator)
    changed = {change.label: change.kind for change in changes_between(first, second)}
    assert changed["Effect"] == "changed"
    assert changed["Whom"] == "same"
    assert changed["Approvals"] == "removed"


def post_form(client: Client, url: str, **values: Any) -> Any:
    return client.post(url, {"effect": "deny", "actions": ["read"], "timezone": "UTC", **values})


def publish_previewed(client: Client, policy: Policy) -> Any:
    """As the button of the preview does."""
    form = client.get(reverse("access:policy_preview", args=[policy.pk])).context["publish"]
    sent = {one.name: one.value() or "" for one in form}
    return client.post(reverse("access:policy_publish", args=[policy.pk]), sent)


def test_a_policy_is_written_previewed_and_published_on_pages(client: Client, cast: Cast):
    client.force_login(cast.administrator.user)
    values = {"name": "No addresses", "people": "ana\notto@example.org", "fields_named": f"{cast.dataset.pk}#email"}
    made = post_form(client, reverse("access:policy_add"), **values)
    policy = Policy.objects.get(name="No addresses")
    assert made.headers["Location"] == reverse("access:policy_preview", args=[policy.pk])
    rule = policy.versions.get().contents
    assert rule.subjects.people == (cast.analyst.pk, cast.outsider.pk)
    assert rule.resources.fields == (cast.field("email").pk,)
    assert "Nobody gains" in client.get(made.headers["Location"]).text
    edit = client.get(reverse("access:policy_edit", args=[policy.pk])).text
    assert f"{cast.dataset.pk}#email" in edit
    publish_previewed(client, policy)
    page = client.get(reverse("access:policy", args=[policy.pk])).text
    assert "In force" in page
    assert "column ontrack.public.users#email" in page
    assert "No addresses" in client.get(reverse("access:policies")).text
    client.post(reverse("access:policy_end", args=[policy.pk]), {"reason": "Enough."})
    assert "Not in force" in client.get(reverse("access:policy", args=[policy.pk])).text


def test_whoever_sees_the_policies_of_a_domain_learns_how_many_others_hold_there(client: Client, cast: Cast):
    everywhere = PolicyVersion.objects.in_force().filter(policy__domain__isnull=True)
    everywhere.update(valid_to=timezone.now())
    client.force_login(cast.steward.user)
    assert "No policies of your domains" in client.get(reverse("access:policies")).text
    assert "of the whole organisation" not in client.get(reverse("access:policies")).text
    publish_policy(version=draft_policy(name="P", rule=DENY, by=cast.administrator), by=cast.administrator)
    assert (
        "1 policy of the whole organisation holds in your domains too." in client.get(reverse("access:policies")).text
    )
    client.force_login(cast.administrator.user)
    assert "of the whole organisation" not in client.get(reverse("access:policies")).text


def test_nobody_publishes_what_another_wrote_since_the_preview(client: Client, cast: Cast):
    draft = draft_policy(name="P", rule=DENY, by=cast.administrator)
    client.force_login(cast.administrator.user)
    url = reverse("access:policy_publish", args=[draft.policy_id])
    assert client.get(url).headers["Location"] == reverse("access:policy_preview", args=[draft.policy_id])
    looked_at = client.get(reverse("access:policy_preview", args=[draft.policy_id])).context["publish"]["seen"].value()
    edit_draft(version=draft, rule=Rule(Effect.ALLOW, (Action.READ,), EVERYBODY), by=cast.administrator)
    for seen in (looked_at, ""):
        refused = client.post(url, {"seen": seen})
        assert refused.status_code == 422
        assert "The draft was changed since you looked. Look at the preview again." in refused.text
    assert not PolicyVersion.objects.in_force().filter(pk=draft.pk).exists()
    assert publish_previewed(client, draft.policy).status_code == 302
    assert PolicyVersion.objects.in_force().filter(pk=draft.pk).exists()


@pytest.mark.parametrize("has_draft", [True, False])
def test_nobody_saves_over_what_another_saved_meanwhile(client: Client, cast: Cast, has_draft: bool):
    draft = draft_policy(name="P", rule=DENY, by=cast.administrator)
    if not has_draft:
        publish_policy(version=draft, by=cast.administrator)
    client.force_login(cast.administrator.user)
    url = reverse("access:policy_edit", args=[draft.policy_id])
    typed = {"name": "P", "everyone": "on", "reason": "Mine", "seen": client.get(url).context["form"]["seen"].value()}
    theirs = draft_version(policy=draft.policy, by=cast.administrator)
    edit_draft(version=theirs, reason="Theirs", by=cast.administrator)
    refused = post_form(client, url, **typed)
    assert refused.status_code == 422 and "Somebody changed this policy since you opened it" in refused.text
    # The same form pressed once more is as late as before.
    again = post_form(client, url, **typed | {"seen": refused.context["form"]["seen"].value()})
    assert again.status_code == 422
    theirs.refresh_from_db()
    assert theirs.reason == "Theirs"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "P", "people": "nobody"}, "Nothing is called nobody."),
        ({"name": "P"}, "Say whom it concerns"),
        ({"name": "P", "everyone": "on", "effect": "restrict"}, "Say which columns are masked"),
        ({"name": "P", "everyone": "on", "effect": "allow", "row_filter": "a = 1; b"}, "no semicolons"),
        ({"name": "P", "everyone": "on", "datasets": "nothing.here"}, "Nothing is called nothing.here."),
    ],
)
def test_a_form_says_what_is_wrong(client: Client, cast: Cast, values: dict[str, Any], sentence: str):
    client.force_login(cast.administrator.user)
    answer = post_form(client, reverse("access:policy_add"), **values)
    assert answer.status_code == 422
    assert sentence in answer.text


def test_policies_are_hidden_from_those_whom_they_are_not_shown(client: Client, cast: Cast):
    draft = draft_policy(name="P", rule=DENY, by=cast.administrator)
    for persona, status in ((cast.outsider, 403), (cast.analyst, 403), (cast.steward, 200)):
        client.force_login(persona.user)
        assert client.get(reverse("access:policies")).status_code == status
        assert client.get(reverse("access:policy", args=[draft.policy_id])).status_code == 404


def test_rest_drafts_edits_previews_publishes_and_ends(client: Client, cast: Cast):
    headers = bearer(cast.administrator)
    body = {"name": "No addresses", "rule": stored_form(DENY), "reason": "A complaint."}
    made = client.post("/api/v2/policies/", body, "application/json", headers=headers)
    assert made.status_code == 201, made.text
    url = f"/api/v2/policies/{made.json()['id']}/"
    change = {"rule": stored_form(Rule(Effect.DENY, (Action.READ,), Subjects(people=(cast.analyst.pk,))))}
    assert client.patch(url, change, "application/json", headers=headers).status_code == 428
    matching = headers | {"If-Match": made.headers["ETag"]}
    edited = client.patch(url, change, "application/json", headers=matching)
    assert edited.json()["versions"][0]["rule"] == change["rule"]
    assert client.patch(url, change, "application/json", headers=matching).status_code == 412
    assert client.get(f"{url}preview/", headers=headers).json()["concerned"] == 1
    matching = headers | {"If-Match": edited.headers["ETag"]}
    published = client.post(f"{url}publish/", {}, "application/json", headers=matching)
    assert published.json()["versions"][0]["state"] == "published"
    without_draft = client.get(f"{url}preview/", headers=headers)
    assert (without_draft.status_code, without_draft.json()["detail"]) == (
        404,
        "This policy has no draft. PATCH it to make one.",
    )
    matching = headers | {"If-Match": published.headers["ETag"]}
    ended = client.post(f"{url}end/", {"reason": "Over."}, "application/json", headers=matching)
    assert ended.json()["versions"][0]["valid_to"]
    assert client.post(f"{url}discard/", headers=headers | {"If-Match": "*"}).status_code == 409
    bad = client.post("/api/v2/policies/", {"name": "x", "rule": {"effect": "x"}}, "application/json", headers=headers)
    assert bad.status_code == 422
    assert "effect" in bad.json()["detail"]


def test_a_policy_of_a_domain_names_nothing_outside_of_it(client: Client, cast: Cast):
    """Else its words would tell what every id of a dataset, column or source stands for."""
    owner = person("olga")
    role(cast.domain, owner, "owner")
    secret = dataset("salaries", domain=domain("Payroll", open_tier=0), fields=["iban"])
    iban, email = secret.fields.get(), cast.field("email")

    def refused(member: str, pk: int) -> str:
        resources = {"domains": [cast.domain.pk], member: [pk]}
        rule = {"effect": "deny", "actions": ["read"], "subjects": {"everyone": True}, "resources": resources}
        asked = {"name": member, "rule": rule, "domain": cast.domain.slug}
        answer = client.post("/api/v2/policies/", asked, content_type="application/json", headers=bearer(owner))
        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {member}
        return str(answer.json()["detail"]).replace(f"id {pk} ", "id N ")

    for member, pk in (("datasets", secret.pk), ("fields", iban.pk), ("sources", secret.source_id or 0)):
        assert refused(member, pk) == refused(member, 2**40)
    assert not Policy.objects.filter(domain=cast.domain).exists()
    masked = Rule(
        Effect.RESTRICT, (Action.READ,), EVERYBODY, resources=Resources(domains=(cast.domain.pk,)),
        masks=(MaskOf(Mask.NULL, Columns((iban.pk,))),),
    )  # fmt: skip
    with pytest.raises(Invalid, match="among fields"):
        draft_policy(name="P", rule=masked, by=owner, domain=cast.domain)
    draft = draft_policy(
        name="P", rule=Rule(Effect.DENY, (Action.READ,), EVERYBODY,
        resources=Resources(domains=(cast.domain.pk,), datasets=(cast.dataset.pk,), fields=(email.pk,))),
        by=owner, domain=cast.domain,
    )  # fmt: skip
    assert draft.contents.resources.fields == (email.pk,)


def test_the_form_of_a_domain_finds_and_offers_nothing_outside_of_it(cast: Cast):
    secret = dataset("salaries", domain=domain("Payroll", open_tier=0), fields=["iban"])
    column = f"{secret.qualified_name}#iban"
    for form, found in ((PolicyForm({}, domain=cast.domain), []), (PolicyForm({}), [secret.pk])):
        assert form._datasets_called([secret.qualified_name]).get(secret.qualified_name, []) == found
        assert form._datasets_called([f"#{secret.pk}"]).get(f"#{secret.pk}", []) == found
        assert [pk for ids in form._fields_called([column]).values() for pk in ids] == [
            field.pk for field in secret.fields.all() if found
        ]
        offered = {value for value, _ in form._choices_of("sources")}
        assert str(cast.source.pk) in offered
        assert (str(secret.source_id) in offered) is bool(found)
