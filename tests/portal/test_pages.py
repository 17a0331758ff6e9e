"""The pages of the catalog, as their readers get them."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Principal
from catalog.actions import add_tag, assign_owner, describe
from catalog.models import Dataset, Key, Ownership, SchemaVersion, Tag, Tier
from catalog.search_index import refresh_search
from classification.actions import set_level
from classification.models import Level
from tests import factories

pytestmark = pytest.mark.django_db

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def cast() -> factories.Cast:
    cast = factories.personas()
    refresh_search([cast.dataset.pk])
    return cast


def as_(principal: Principal) -> Client:
    client = Client()
    assert principal.user is not None
    client.force_login(principal.user)
    return client


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, url
    return b"".join(answer).decode()


PAGES = (
    "/",
    "/search/",
    "/search/?q=users",
    "/browse/",
    "/browse/?source=ontrack",
    "/domains/",
    "/domains/teaching/",
    "/systems/",
    "/datasets/{dataset}/",
    "/datasets/{dataset}/access/",
    "/datasets/{dataset}/activity/",
    "/datasets/{dataset}/lineage/",
    "/datasets/{dataset}/fields/{field}/",
    "/datasets/{dataset}/edit/description/",
    "/datasets/{dataset}/edit/owners/",
    "/datasets/{dataset}/edit/tags/",
    "/datasets/{dataset}/edit/domain/",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_its_steward_and_sends_strangers_to_the_sign_in(cast: factories.Cast, page: str) -> None:
    url = page.format(dataset=cast.dataset.pk, field=cast.field("email").pk)
    text(as_(cast.steward), url)
    answer = Client().get(url)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=")


def test_an_empty_catalog_says_what_to_do_next() -> None:
    administrator = factories.person("ada", administrator=True)
    page = text(as_(administrator), "/")
    assert "Add a source" in page
    assert "Add a source" in text(as_(administrator), "/search/")


def test_a_dataset_that_may_only_be_discovered_shows_its_header_and_how_to_ask(cast: factories.Cast) -> None:
    page = text(as_(cast.outsider), f"/datasets/{cast.dataset.pk}/")
    assert "users" in page
    assert "Owen" in page
    assert "You may know that this dataset exists" in page
    assert "email</" not in page
    for tab in ("lineage", "activity"):
        text(as_(cast.outsider), f"/datasets/{cast.dataset.pk}/{tab}/", 403)
    text(as_(cast.outsider), f"/datasets/{cast.dataset.pk}/fields/{cast.field('email').pk}/", 403)


def test_a_hidden_dataset_is_not_found_anywhere(cast: factories.Cast) -> None:
    hidden = factories.dataset("payroll", domain=factories.domain("Hidden", open_tier=Tier.NONE), source=cast.source)
    refresh_search([hidden.pk])
    client = as_(cast.outsider)
    for path in (
        "",
        "lineage/",
        "access/",
        "activity/",
        "edit/description/",
        "edit/owners/",
        "edit/tags/",
        "edit/domain/",
    ):
        text(client, f"/datasets/{hidden.pk}/{path}", 404)
    for page in (
        "/",
        "/search/?q=payroll",
        "/search/suggest/?q=payroll",
        "/browse/?source=ontrack",
        "/search/export.csv",
    ):
        assert f"/datasets/{hidden.pk}/" not in text(client, page)
        assert "public.payroll" not in text(client, page)


def test_a_foreign_key_to_a_hidden_dataset_does_not_name_it(cast: factories.Cast) -> None:
    hidden = factories.dataset("payroll", domain=factories.domain("Hidden", open_tier=Tier.NONE), source=cast.source)
    Key.objects.create(
        dataset=cast.dataset, kind="foreign", name="fk", columns=["id"], references=hidden, references_path=hidden.path
    )
    assert "payroll" not in text(as_(cast.analyst), f"/datasets/{cast.dataset.pk}/")
    assert "payroll" in text(as_(cast.administrator), f"/datasets/{cast.dataset.pk}/")


def test_sql_is_shown_only_in_the_third_tier(cast: factories.Cast) -> None:
    Dataset.objects.filter(pk=cast.dataset.pk).update(definition="SELECT secret_sauce FROM kitchen")
    assert "secret_sauce" in text(as_(cast.steward), f"/datasets/{cast.dataset.pk}/")
    assert "secret_sauce" not in text(as_(cast.analyst), f"/datasets/{cast.dataset.pk}/")


def test_what_sources_and_people_write_is_escaped_on_every_page(cast: factories.Cast) -> None:
    made = factories.dataset(HOSTILE, domain=cast.domain, source=cast.source, fields=[HOSTILE])
    Dataset.objects.filter(pk=made.pk).update(
        comment=HOSTILE, definition=HOSTILE, properties={HOSTILE: HOSTILE}, owner_names=[HOSTILE], tag_names=[HOSTILE]
    )
    describe(dataset=made, text=HOSTILE, by=cast.steward)
    refresh_search([made.pk])
    client = as_(cast.steward)
    field = made.fields.get()
    for url in ("/", "/search/?q=alert", "/search/suggest/?q=alert", "/browse/?source=ontrack", f"/datasets/{made.pk}/",
                f"/datasets/{made.pk}/activity/", f"/datasets/{made.pk}/fields/{field.pk}/", "/domains/teaching/",
                f"/datasets/{made.pk}/edit/description/", f"/datasets/{made.pk}/edit/owners/"):  # fmt: skip
        page = text(client, url)
        assert "<script>alert" not in page, url
        assert "alert(" in page, url


def test_a_steward_describes_tags_and_gives_owners_and_the_page_says_who_did(cast: factories.Cast) -> None:
    client, url = as_(cast.steward), f"/datasets/{cast.dataset.pk}"
    tag = Tag.objects.create(slug="personal", name="Personal")
    assert client.post(f"{url}/edit/description/", {"text": "People who **sign in**."}).status_code == 302
    assert client.post(f"{url}/fields/{cast.field('email').pk}/edit/", {"text": "Where mail goes."}).status_code == 302
    assert client.post(f"{url}/edit/tags/", {"tag": tag.slug}).status_code == 302
    assert client.post(f"{url}/edit/owners/", {"member": "ana", "kind": "steward"}).status_code == 302
    page = text(client, f"{url}/")
    for words in ("<strong>sign in</strong>", "Where mail goes.", "Personal", "Ana", "Stella"):
        assert words in page
    activity = text(client, f"{url}/activity/")
    assert "Stella described users" in activity
    assert "Stella tagged users with Personal" in activity
    ownership = Ownership.objects.get(kind="steward", dataset=cast.dataset)
    assert client.post(f"{url}/edit/owners/{ownership.pk}/end/").status_code == 302
    ownership.refresh_from_db()
    assert ownership.valid_to is not None


def test_wrong_values_are_answered_with_the_form_and_a_sentence(cast: factories.Cast) -> None:
    client = as_(cast.steward)
    answer = client.post(f"/datasets/{cast.dataset.pk}/edit/owners/", {"member": "nobody at all", "kind": "owner"})
    assert answer.status_code == 422
    assert "Nobody here is called nobody at all" in answer.content.decode()
    administrator = as_(cast.administrator)
    taken = administrator.post("/domains/add/", {"name": "Teaching", "slug": "teaching", "open_tier": "1"})
    assert taken.status_code == 422
    assert "already a domain called Teaching" in taken.content.decode()


def test_only_those_who_curate_may_edit(cast: factories.Cast) -> None:
    for principal in (cast.analyst, cast.outsider):
        for path in ("description", "owners", "tags", "domain"):
            text(as_(principal), f"/datasets/{cast.dataset.pk}/edit/{path}/", 403)
    ownership = Ownership.objects.get(dataset=cast.dataset)
    answer = as_(cast.analyst).post(f"/datasets/{cast.dataset.pk}/edit/owners/{ownership.pk}/end/")
    assert answer.status_code == 403


def version(dataset: Dataset, number: int, fields: list[str]) -> None:
    content = {
        "kind": "table",
        "comment": None,
        "definition_digest": "",
        "keys": [],
        "fields": [
            {"path": [name], "position": place, "native_type": "text", "type": "string"}
            for place, name in enumerate(fields, start=1)
        ],
    }
    SchemaVersion.objects.create(dataset=dataset, number=number, origin="crawl", content=content)


def test_the_schema_tab_tells_what_changed_between_versions(cast: factories.Cast) -> None:
    version(cast.dataset, 1, ["id", "nickname"])
    version(cast.dataset, 2, ["id", "name", "email"])
    Dataset.objects.filter(pk=cast.dataset.pk).update(version=2)
    client = as_(cast.analyst)
    page = text(client, f"/datasets/{cast.dataset.pk}/?version=2&compare=1")
    assert "What changed from version 1 to 2" in page
    assert "nickname" in page
    assert "2 fields added, 1 removed" in page
    old = text(client, f"/datasets/{cast.dataset.pk}/?version=1")
    assert "This is version 1" in old
    assert "nickname" in old
    text(client, f"/datasets/{cast.dataset.pk}/?version=9", 404)
    text(client, f"/datasets/{cast.dataset.pk}/?version=one", 422)


def test_a_table_of_1600_columns_comes_in_pages_and_is_searched(cast: factories.Cast) -> None:
    wide = factories.dataset("wide", domain=cast.domain, fields=[f"column_{number}" for number in range(1600)])
    client = as_(cast.analyst)
    page = text(client, f"/datasets/{wide.pk}/")
    assert page.count("<tr class=") == 250
    assert "of 1" in page
    last = text(client, f"/datasets/{wide.pk}/?from=1500")
    assert ">column_<wbr>1599<" in last
    found = text(client, f"/datasets/{wide.pk}/?find=column_159")
    assert found.count("<tr class=") == 11


def test_a_column_without_a_level_counts_as_its_dataset(cast: factories.Cast) -> None:
    client, url = as_(cast.analyst), f"/datasets/{cast.dataset.pk}/"
    assert "as the dataset" not in text(client, url)
    level = Level.objects.get(slug="restricted")
    set_level(fields=[cast.field("email")], level=level, reason="It reaches people", by=cast.steward)
    page = text(client, url)
    assert page.count("as the dataset") == 2 and page.count("<tr class=") == 3


def test_a_level_without_a_category_says_nothing_of_categories(cast: factories.Cast) -> None:
    level = Level.objects.get(slug="restricted")
    set_level(fields=[cast.field("email")], level=level, reason="It reaches people", by=cast.steward)
    page = text(as_(cast.analyst), f"/datasets/{cast.dataset.pk}/")
    assert page.count('<summary><span class="dc-muted">Confirmed</span></summary>') == 1
    assert "No category" not in page


def test_nothing_stands_above_a_short_schema_of_one_version(cast: factories.Cast) -> None:
    above = '<div class="dc-card-body dc-stack">'
    assert above not in text(as_(cast.analyst), f"/datasets/{cast.dataset.pk}/")
    wide = factories.dataset("wide", domain=cast.domain, fields=[f"column_{number}" for number in range(31)])
    assert above in text(as_(cast.analyst), f"/datasets/{wide.pk}/")


def test_a_gone_dataset_says_since_when(cast: factories.Cast) -> None:
    Dataset.objects.filter(pk=cast.dataset.pk).update(gone_since=cast.dataset.first_seen)
    page = text(as_(cast.analyst), f"/datasets/{cast.dataset.pk}/")
    assert "Gone from its source" in page
    assert "Request access" not in page


def test_the_export_holds_what_the_search_shows_and_no_formulas(cast: factories.Cast) -> None:
    evil = factories.dataset("evil", domain=cast.domain)
    describe(dataset=evil, text="=HYPERLINK(1)", by=cast.steward)
    refresh_search([evil.pk])
    answer = as_(cast.analyst).get("/search/export.csv?domain=teaching")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [line["name"] for line in lines] == [evil.qualified_name, cast.dataset.qualified_name]
    assert lines[0]["description"] == "'=HYPERLINK(1)"
    outsiders = as_(cast.outsider).get("/search/export.csv")
    assert "HYPERLINK" not in b"".join(outsiders.streaming_content).decode()  # type: ignore[attr-defined]


def test_suggestions_are_at_most_eight_and_options_of_a_listbox(cast: factories.Cast) -> None:
    made = [factories.dataset(f"user_{number}", domain=cast.domain, source=cast.source) for number in range(12)]
    refresh_search([one.pk for one in made])
    page = text(as_(cast.analyst), "/search/suggest/?q=user&box=find")
    assert page.count('role="option"') == 8
    assert 'id="find-option-1"' in page
    assert text(as_(cast.analyst), "/search/suggest/?q=").strip() == ""


def test_the_tree_counts_and_opens_only_what_is_visible(cast: factories.Cast) -> None:
    factories.dataset("payroll", domain=factories.domain("Hidden", open_tier=Tier.NONE), source=cast.source)
    page = text(as_(cast.outsider), "/browse/?source=ontrack&branch=1")
    assert "users" in page
    assert "payroll" not in page


def test_roles_on_a_domain_are_given_and_ended_by_its_owners_only(cast: factories.Cast) -> None:
    owner = factories.person("olga")
    factories.role(cast.domain, owner, "owner")
    form = {"member": "otto@example.org", "role": "analyst"}
    assert as_(cast.steward).post("/domains/teaching/roles/", form).status_code == 403
    assert as_(owner).post("/domains/teaching/roles/", form).status_code == 302
    assert "Otto" in text(as_(owner), "/domains/teaching/")
    membership = cast.domain.memberships.get(principal=cast.outsider)
    assert as_(owner).post(f"/domains/teaching/roles/{membership.pk}/end/").status_code == 302
    membership.refresh_from_db()
    assert membership.valid_to is not None


def test_the_audit_log_is_for_administrators_and_is_narrowed(cast: factories.Cast) -> None:
    describe(dataset=cast.dataset, text="x", by=cast.steward)
    assign_owner(datasets=[cast.dataset], principal=cast.analyst, by=cast.steward)
    add_tag(datasets=[cast.dataset], tag=Tag.objects.create(slug="t", name="T"), by=cast.administrator)
    text(as_(cast.steward), "/audit/", 403)
    everything = text(as_(cast.administrator), "/audit/")
    assert "Stella described users" in everything
    only = text(as_(cast.administrator), "/audit/?event=catalog.tagged&actor=ada")
    assert "Ada tagged users with T" in only
    assert "described" not in only.split("dc-timeline")[1]


@pytest.mark.parametrize("number", ["0", "99999999999999999", "999999999999999999999999"])
def test_ids_that_no_dataset_has_are_not_found(cast: factories.Cast, number: str) -> None:
    text(as_(cast.steward), f"/datasets/{number}/", 404)


def statements(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        text(client, url)
    return len(captured)


def test_pages_take_the_same_statements_however_much_they_show(cast: factories.Cast) -> None:
    client, dataset_url = as_(cast.analyst), f"/datasets/{cast.dataset.pk}/"
    urls = ("/", "/search/?q=users", "/search/?domain=teaching", "/browse/?source=ontrack", "/domains/", dataset_url)
    one = factories.dataset("units", domain=cast.domain, source=cast.source)
    Key.objects.create(dataset=cast.dataset, kind="foreign", name="fk", columns=["id"], references=one)
    before = {url: statements(client, url) for url in urls}
    made = [factories.dataset(f"users_{number}", domain=cast.domain, source=cast.source) for number in range(20)]
    refresh_search([one.pk for one in made])
    for number in range(30):
        added = factories.field(cast.dataset, f"more_{number}", position=10 + number)
        describe(dataset=cast.dataset, field=added, text="x", by=cast.steward)
        target = made[number % 20]
        Key.objects.create(dataset=cast.dataset, kind="foreign", name=f"fk{number}", columns=["id"], references=target)
    assert {url: statements(client, url) for url in urls} == before
    assert before["/search/?q=users"] <= 16
    assert before[dataset_url] <= 28
