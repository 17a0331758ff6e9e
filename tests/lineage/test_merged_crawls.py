"""Which of several names of one dataset stands, as crawls find the one or the other."""

from __future__ import annotations

import json

import pytest

from accounts.tokens import mint
from audit.delivery import deliver_pending
from catalog.models import Dataset, Proposal
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.merging import note_outranked, note_unsettled
from lineage.models import DatasetEdge, DirtyDataset, SameAs
from lineage.tasks import forget_old
from tests import factories
from tests.catalog.test_crawl_application import crawl, reading, table
from tests.lineage.events import dataset, dataset_event, run_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return factories.source("shop")


@pytest.fixture
def tell(shop):
    sender = factories.pipeline("nightly")
    token = mint(principal=sender, name="names", scopes=["lineage:write"], by=sender).token

    def send(*events: dict) -> None:
        accept_batch(json.dumps(events).encode(), token=token)
        drain()

    return send


def told(shop, name: str, **facets) -> dict:
    return dataset(f"shop.public.{name}", namespace=shop.namespace, **facets)


def renamed(shop, old: str, new: str) -> dict:
    previous = {"namespace": shop.namespace, "name": f"shop.public.{old}"}
    change = {"lifecycleStateChange": "RENAME", "previousIdentifier": previous}
    return dataset_event(told(shop, new, lifecycleStateChange=change), seconds=5)


def linked(shop, name: str, other: str) -> dict:
    names = [{"namespace": shop.namespace, "name": f"shop.public.{other}", "type": "TABLE"}]
    return dataset_event(told(shop, name, symlinks={"identifiers": names}), seconds=5)


def crawled(shop, *names: str) -> None:
    crawl(shop, reading(*(table(name) for name in names)))
    deliver_pending()
    drain()


def groups() -> dict[str, str]:
    rows = Dataset.objects.filter(merged_into__isnull=False)
    return dict(rows.values_list("name", "merged_into__name"))


@pytest.mark.parametrize("say", [renamed, linked])
def test_the_table_that_a_crawl_finds_stands_for_the_one_that_is_gone_and_back(shop, tell, say):
    old_is_written = run_event("COMPLETE", job="load", inputs=[told(shop, "raw")], outputs=[told(shop, "old")])
    crawled(shop, "old", "other")
    tell(old_is_written, dataset_event(told(shop, "new")), say(shop, "old", "new"))
    assert list(groups().values()) == ["old"]
    for stands, merged in (("new", "old"), ("old", "new")):
        crawled(shop, stands, "other")
        assert groups() == {merged: stands}
        assert set(Dataset.objects.filter(source=shop).standing().values_list("name", flat=True)) == {stands, "other"}
        shop.refresh_from_db()
        assert shop.dataset_count == 2
        # What was written under the old name is the history of whatever stands for it.
        assert DatasetEdge.objects.get().downstream.name == stands
    assert {one.name: one.versions.count() for one in Dataset.objects.filter(source=shop)} == {
        "old": 2, "new": 1, "other": 1,
    }  # fmt: skip


def test_a_dropped_table_stands_for_names_that_are_only_told(shop, tell):
    crawled(shop, "old", "other")
    tell(renamed(shop, "old", "new"))
    before = groups()
    crawled(shop, "other")
    assert groups() == before != {}


def test_a_crawl_notes_only_what_is_one_with_others_and_appeared_or_went(shop, tell):
    crawled(shop, "old", "other", "kept")
    tell(renamed(shop, "old", "new"), dataset_event(told(shop, "alias")), linked(shop, "kept", "alias"))
    crawl(shop, reading(table("new"), table("kept", "id", "price")))
    deliver_pending()
    noted = DirtyDataset.objects.filter(facets=["symlinks"]).values_list("dataset_id", flat=True)
    assert set(Dataset.objects.filter(pk__in=noted).values_list("name", flat=True)) == {"old", "new"}


def test_a_group_that_no_crawl_touches_is_put_right_in_time(shop, tell):
    crawled(shop, "old")
    tell(renamed(shop, "old", "new"), linked(shop, "alias", "old"))
    right = groups()
    assert set(right.values()) == {"old"} and len(right) == 2
    # As a version with another order of ranks left it.
    alias = Dataset.objects.get(qualified_name="shop.public.alias")
    Dataset.objects.filter(pk=alias.pk).update(merged_into=None)
    Dataset.objects.exclude(pk=alias.pk).update(merged_into=alias)
    assert set(groups().values()) == {"alias"}
    forget_old()
    drain()
    assert groups() == right
    assert note_outranked() == 0


@pytest.mark.parametrize("decision", ["accepted", "open"])
def test_links_that_nothing_took_up_are_settled_in_time(shop, tell, decision):
    crawled(shop, "old")
    tell(renamed(shop, "old", "new"), linked(shop, "alias", "old"))
    right = groups()
    assert len(right) == 2 and note_unsettled() == 0
    # As a restored backup, or a version that knew no settling, left it.
    SameAs.objects.update(decision=decision)
    Dataset.objects.update(merged_into=None)
    forget_old()
    drain()
    assert groups() == right
    assert note_unsettled() == 0


def test_what_no_link_joins_any_more_stands_for_itself_in_time(shop, tell):
    crawled(shop, "old")
    tell(renamed(shop, "old", "new"))
    assert groups()
    SameAs.objects.all().delete()
    forget_old()
    drain()
    assert groups() == {} and note_unsettled() == 0


def test_links_that_somebody_is_asked_about_wait_for_the_answer(shop, tell):
    crawled(shop, "old")
    Dataset.objects.update(domain=factories.domain())
    tell(renamed(shop, "old", "new"))
    assert Proposal.objects.get().kind == "same_as" and groups() == {}
    assert note_unsettled() == 0
    Proposal.objects.all().delete()
    assert note_unsettled() == 1
    drain()
    assert Proposal.objects.get().kind == "same_as" and groups() == {}
    assert note_unsettled() == 0
