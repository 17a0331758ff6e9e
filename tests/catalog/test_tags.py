"""The vocabulary: who makes and renames tags, and where a name goes when it changes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import DomainRole
from audit.events import Subject
from audit.queries import activity_of
from catalog.actions import add_tag, create_tag, rename_tag
from catalog.models import Dataset, Tag, Tier
from catalog.search_index import refresh_search
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, dataset, domain, person, personas, role

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return personas()


def sentences(tag: Tag) -> list[str]:
    return [line.sentence for line in activity_of(Subject("tag", tag.pk))[0]]


def test_stewards_and_owners_of_any_domain_and_administrators_make_tags(cast: Cast) -> None:
    domain_owner = person("doris")
    role(domain("Finance"), domain_owner, DomainRole.OWNER)
    for number, by in enumerate((cast.steward, domain_owner, cast.administrator)):
        assert create_tag(name=f"Word {number}", by=by).slug == f"word-{number}"
    for by in (cast.analyst, cast.outsider, cast.owner):
        with pytest.raises(Forbidden, match="Only stewards and owners of a domain"):
            create_tag(name="Mine", by=by)
        with pytest.raises(Forbidden):
            rename_tag(tag=Tag.objects.get(slug="word-0"), name="Mine", by=by)
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["Word 0", "Word 1", "Word 2"]


@pytest.mark.parametrize(
    ("name", "slug", "error", "said"),
    [
        ("exams", "other", Conflict, "already a tag called Exams"),
        ("Exam period", "exams", Conflict, "Another tag has the short name exams"),
        ("試験", "", Invalid, "Say a short name too"),
        ("Add", "", Invalid, "Choose another name"),
    ],
)
def test_a_tag_that_cannot_be_says_why(
    cast: Cast, name: str, slug: str, error: type[Conflict | Invalid], said: str
) -> None:
    create_tag(name="Exams", by=cast.steward)
    with pytest.raises(error, match=said):
        create_tag(name=name, slug=slug, by=cast.steward)
    assert Tag.objects.count() == 1


def test_a_new_name_is_on_everything_that_has_the_tag(cast: Cast) -> None:
    exams, other = create_tag(name="Exams", by=cast.steward), create_tag(name="Zoo", by=cast.steward)
    marks = dataset("marks", domain=cast.domain)
    refresh_search([cast.dataset.pk, marks.pk])
    for tag in (exams, other):
        add_tag(datasets=[cast.dataset], tag=tag, by=cast.steward)
    add_tag(datasets=[marks], tag=other, by=cast.steward)
    rename_tag(tag=exams, name="Viva", by=cast.steward)
    rename_tag(tag=other, name="Archive", by=cast.steward)
    names = dict(Dataset.objects.values_list("name", "tag_names"))
    assert names == {"users": ["Archive", "Viva"], "marks": ["Archive"]}
    assert sentences(exams) == ["renamed the tag Exams to Viva", "created the tag Exams"]
    client = Client()
    client.force_login(cast.analyst.user)
    assert ">users<" in client.get("/search/", {"q": "viva"}).text
    assert ">users<" not in client.get("/search/", {"q": "exams"}).text
    assert Tag.objects.get(name="Viva").slug == "exams"


def test_a_name_may_change_its_capitals_and_not_become_that_of_another(cast: Cast) -> None:
    exams = create_tag(name="exams", by=cast.steward)
    create_tag(name="Zoo", by=cast.steward)
    assert rename_tag(tag=exams, name="Exams", by=cast.steward).name == "Exams"
    with pytest.raises(Conflict, match="already a tag called Zoo"):
        rename_tag(tag=exams, name="zoo", by=cast.steward)
    assert len(sentences(exams)) == 2
    rename_tag(tag=exams, name="Exams", by=cast.steward)
    assert len(sentences(exams)) == 2, "the same name again is no event"


def test_the_list_counts_what_its_reader_sees_and_offers_changes_to_those_who_may(client: Client, cast: Cast) -> None:
    exams = create_tag(name="Exams & more", by=cast.steward)
    hidden = dataset("secret", domain=domain("Payroll", open_tier=Tier.NONE))
    add_tag(datasets=[cast.dataset, hidden], tag=exams, by=cast.administrator)
    add_tag(datasets=[cast.dataset], tag=exams, field=cast.field("email"), by=cast.steward)
    for reader, count, may in (("analyst", 1, False), ("steward", 1, True), ("administrator", 2, True)):
        client.force_login(getattr(cast, reader).user)
        page = client.get(reverse("catalog:tag_list")).text
        assert f'?tag=Exams%20%26%20more">{count}<' in page, reader
        assert (reverse("catalog:tag_add") in page) is may
        assert (reverse("catalog:tag_rename", args=[exams.slug]) in page) is may


def test_a_steward_who_misses_a_tag_creates_it_and_comes_back_with_it_chosen(client: Client, cast: Cast) -> None:
    client.force_login(cast.steward.user)
    tags = reverse("catalog:dataset_tags", args=[cast.dataset.pk])
    create = f"{reverse('catalog:tag_add')}?dataset={cast.dataset.pk}"
    assert f'href="{create}"' in client.get(tags).text
    made = client.post(create, {"name": "Exam period", "slug": ""}, follow=True)
    assert made.redirect_chain == [(f"{tags}?tag=exam-period", 302)]
    assert '<option value="exam-period" selected>' in made.text
    client.force_login(cast.owner.user)
    assert reverse("catalog:tag_add") not in client.get(tags).text, "an owner of one dataset uses what there is"


def test_the_form_says_what_is_wrong_and_where_it_leads(client: Client, cast: Cast) -> None:
    client.force_login(cast.steward.user)
    exams = create_tag(name="Exams", by=cast.steward)
    refused = client.post(reverse("catalog:tag_add"), {"name": "EXAMS", "slug": ""})
    assert refused.status_code == 422 and "already a tag called Exams" in refused.text
    elsewhere = client.post(f"{reverse('catalog:tag_add')}?dataset=//x.example", {"name": "Zoo", "slug": ""})
    assert elsewhere.headers["Location"] == reverse("catalog:tag_list")
    renamed = client.post(reverse("catalog:tag_rename", args=[exams.slug]), {"name": "Viva"}, follow=True)
    assert "The tag Exams is now called Viva." in renamed.text
    assert client.get(reverse("catalog:tag_rename", args=["nothing"])).status_code == 404


def test_a_tag_renamed_in_the_administration_is_renamed_on_datasets(cast: Cast, client: Client) -> None:
    administrator = cast.administrator.user
    assert administrator is not None
    client.force_login(administrator)
    made = client.post(reverse("admin:catalog_tag_add"), {"name": "Exams", "slug": "exams"})
    assert made.status_code == 302
    tag = Tag.objects.get(slug="exams")
    tagged = dataset("results")
    add_tag(datasets=[tagged], tag=tag, by=cast.administrator)
    renamed = client.post(reverse("admin:catalog_tag_change", args=[tag.pk]), {"name": "Tests", "slug": "other"})
    assert renamed.status_code == 302
    tagged.refresh_from_db()
    tag.refresh_from_db()
    assert (tag.name, tag.slug, tagged.tag_names) == ("Tests", "exams", ["Tests"])
    assert {"created the tag Exams", "renamed the tag Exams to Tests"} <= set(sentences(tag))
    taken = client.post(reverse("admin:catalog_tag_add"), {"name": "tests", "slug": "more"})
    assert taken.status_code == 409
    assert "already a tag called Tests" in taken.text
