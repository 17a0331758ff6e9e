"""What facets change in the catalog: at once where nobody governs a dataset, as proposals where somebody does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, Principal
from accounts.tokens import Scope, mint
from catalog.actions import accept_proposal, decline_proposal, describe, remove_tag
from catalog.models import Dataset, DatasetName, Description, Ownership, Proposal, Tag, TagAssignment
from catalog.snapshots import DatasetKind
from lineage.draining import drain
from lineage.intake import accept_batch
from lineage.telling import TELLERS, standing_facets
from tests import factories
from tests.lineage import events as say

pytestmark = pytest.mark.django_db

Tell = Callable[..., None]
_seconds = itertools.count(1)


@pytest.fixture
def token(sender: Principal) -> ApiToken:
    return mint(principal=sender, name="nightly", scopes=(Scope.LINEAGE_WRITE,), by=sender).token


@pytest.fixture
def tell(token: ApiToken) -> Tell:
    """Send dataset events, each a second after the one before, and fold them."""

    def send(*datasets: Mapping[str, Any]) -> None:
        sent = [say.dataset_event(dataset, seconds=next(_seconds)) for dataset in datasets]
        accept_batch(msgspec.json.encode(sent), token=token)
        drain()

    return send


def called(dataset: Dataset, **facets: Any) -> dict[str, Any]:
    """A dataset of the catalog as a pipeline speaks of it."""
    return say.dataset(dataset.qualified_name, namespace=dataset.namespace, **facets)


def told_of(name: str = "shop.orders") -> Dataset:
    return Dataset.objects.get(qualified_name=name)


def proposals(dataset: Dataset, kind: str, state: str = "open") -> list[dict[str, Any]]:
    return list(
        Proposal.objects.filter(dataset=dataset, kind=kind, state=state)
        .order_by("pk")
        .values_list("payload", flat=True)
    )


def documented(text: str) -> dict[str, Any]:
    return {"documentation": {"description": text}}


def tagged(*tags: Sequence[str]) -> dict[str, Any]:
    names = ("key", "value", "source", "field")
    return {"tags": {"tags": [dict(zip(names, tag, strict=False)) for tag in tags]}}


DELETED = {"_deleted": True}
DROP = {"lifecycleStateChange": {"lifecycleStateChange": "DROP"}}
CREATE = {"lifecycleStateChange": {"lifecycleStateChange": "CREATE"}}


def test_documentation_describes_what_nobody_governs(tell: Tell, sender: Principal) -> None:
    tell(say.dataset("shop.orders", **documented("One row an order.")))
    orders = told_of()
    said = Description.objects.get(dataset=orders)
    assert (orders.description, said.origin, said.asserted_by) == ("One row an order.", "pipeline", sender)
    assert not Proposal.objects.exists()


def test_person_comes_before_pipeline(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **documented("By a pipeline.")))
    describe(dataset=told_of(), text="By a person.", by=factories.person(administrator=True))
    tell(say.dataset("shop.orders", **documented("By a pipeline, again.")))
    assert told_of().description == "By a person."
    describe(dataset=told_of(), text="", by=factories.person(administrator=True))
    assert told_of().description == "By a pipeline, again."


def test_deleted_documentation_is_taken_back(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **documented("One row an order.")))
    tell(say.dataset("shop.orders", documentation=DELETED))
    assert told_of().description == ""


def test_governed_description_is_proposed_and_withdrawn(tell: Tell) -> None:
    users = factories.personas().dataset
    tell(called(users, **documented("People.")))
    assert proposals(users, "description") == [{"text": "People."}]
    tell(called(users, **documented("All people.")))
    assert proposals(users, "description") == [{"text": "All people."}]
    users.refresh_from_db()
    assert users.description == ""
    tell(called(users, documentation=DELETED))
    assert proposals(users, "description") == []


def test_accepted_description_is_the_persons(tell: Tell) -> None:
    cast = factories.personas()
    tell(called(cast.dataset, **documented("People.")))
    accept_proposal(proposal=Proposal.objects.get(), by=cast.steward)
    said = Description.objects.get(dataset=cast.dataset, valid_to=None)
    assert (said.text, said.origin, said.asserted_by) == ("People.", "person", cast.steward)
    tell(called(cast.dataset, documentation=DELETED))
    cast.dataset.refresh_from_db()
    assert cast.dataset.description == "People."


def test_declined_proposal_is_not_made_again(tell: Tell) -> None:
    cast = factories.personas()
    tell(called(cast.dataset, **documented("People.")))
    decline_proposal(proposal=Proposal.objects.get(), by=cast.steward)
    tell(called(cast.dataset, **documented("Others.")), called(cast.dataset, **documented("People.")))
    assert proposals(cast.dataset, "description") == []


def test_owners_are_only_ever_proposed(tell: Tell) -> None:
    owners = {"owners": [{"name": "team:data", "type": "MAINTAINER"}, {"name": "stella", "type": "Data Steward"}]}
    tell(say.dataset("shop.orders", ownership=owners))
    orders = told_of()
    assert proposals(orders, "owner") == [{"as": "owner", "owner": "team:data"}, {"as": "steward", "owner": "stella"}]
    assert not Ownership.objects.exists()


def test_owner_already_held_is_not_proposed(tell: Tell) -> None:
    cast = factories.personas()
    tell(called(cast.dataset, ownership={"owners": [{"name": "user:OWEN@example.org"}, {"name": "owen"}]}))
    assert proposals(cast.dataset, "owner") == []


def test_accepted_owner_owns(tell: Tell) -> None:
    cast = factories.personas()
    data = factories.group("Data")
    tell(called(cast.dataset, ownership={"owners": [{"name": "team:data"}]}))
    accept_proposal(proposal=Proposal.objects.get(), by=cast.steward)
    assert Ownership.objects.filter(dataset=cast.dataset, group=data, valid_to=None, asserted_by=cast.steward).exists()


def test_tags_of_dataset_and_column(tell: Tell) -> None:
    tell(
        say.dataset("shop.orders", fields=["id", "email"], **tagged(("pii", "true", "dbt", "email"), ("tier", "gold")))
    )
    held = TagAssignment.objects.filter(dataset=told_of(), valid_to=None, origin="pipeline").order_by("tag__name")
    assert [(one.tag.name, one.tag.slug, str(one.field or "")) for one in held] == [
        ("pii", "pii", "email"),
        ("tier: gold", "tier-gold", ""),
    ]
    assert told_of().tag_names == ["pii", "tier: gold"]
    tell(say.dataset("shop.orders", **tagged(("tier", "gold"))))
    assert told_of().tag_names == ["tier: gold"]


def test_tag_may_come_before_its_column(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **tagged(("pii", "", "", "email"))))
    assert told_of().tag_names == []
    tell(say.dataset("shop.orders", fields=["id", "email"]))
    assert told_of().tag_names == ["pii"]


def test_tag_that_somebody_took_off_stays_off(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **tagged(("pii",), ("tier", "gold"))))
    remove_tag(datasets=[told_of()], tag=Tag.objects.get(slug="pii"), by=factories.person(administrator=True))
    tell(say.dataset("shop.orders", **tagged(("pii",), ("tier", "silver"))))
    assert told_of().tag_names == ["tier: silver"]


def test_known_tag_is_found_by_name_and_by_slug(tell: Tell) -> None:
    pii = Tag.objects.create(slug="pii", name="Personal data")
    tell(say.dataset("shop.orders", **tagged(("PII",), ("personal DATA",), ("顧客",))))
    held = TagAssignment.objects.filter(dataset=told_of())
    assert {one.tag for one in held.select_related("tag")} >= {pii}
    assert sorted(told_of().tag_names) == ["Personal data", "顧客"]


def test_governed_tags_are_proposed(tell: Tell) -> None:
    cast = factories.personas()
    tell(called(cast.dataset, **tagged(("pii", "true", "", "email"), ("gold",))))
    assert proposals(cast.dataset, "tag") == [{"tag": "gold", "field": ""}, {"tag": "pii", "field": "email"}]
    assert not Tag.objects.filter(slug__in=["pii", "gold"]).exists()
    for proposal in Proposal.objects.all():
        accept_proposal(proposal=proposal, by=cast.owner)
    cast.dataset.refresh_from_db()
    assert cast.dataset.tag_names == ["gold", "pii"]
    tell(called(cast.dataset, **tagged(("gold",))))
    cast.dataset.refresh_from_db()
    assert cast.dataset.tag_names == ["gold", "pii"]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"datasetType": "VIEW"}, DatasetKind.VIEW),
        ({"datasetType": "VIEW", "subType": "MATERIALIZED"}, DatasetKind.MATERIALIZED_VIEW),
        ({"datasetType": "TOPIC"}, DatasetKind.TOPIC),
        ({"datasetType": "a thing"}, DatasetKind.TABLE),
        (DELETED, DatasetKind.TABLE),
    ],
)
def test_dataset_type_is_the_kind(tell: Tell, told: dict[str, Any], kind: DatasetKind) -> None:
    tell(say.dataset("shop.orders", datasetType={"datasetType": "FILE"}), say.dataset("shop.orders", datasetType=told))
    assert told_of().kind == kind.value


def test_crawl_knows_the_kind_better(tell: Tell) -> None:
    users = factories.dataset()
    tell(called(users, datasetType={"datasetType": "VIEW"}))
    users.refresh_from_db()
    assert users.kind == DatasetKind.TABLE.value


def test_dropped_dataset_is_gone_until_it_is_made_again(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **DROP))
    assert told_of().gone_since is not None
    tell(say.dataset("shop.orders", **CREATE))
    assert told_of().gone_since is None


@pytest.mark.parametrize("late", [False, True])
def test_dataset_written_after_its_drop_is_there(token: ApiToken, late: bool) -> None:
    dropped = say.dataset_event(say.dataset("shop.orders", **DROP), seconds=5000)
    written = say.run_event("COMPLETE", outputs=["shop.orders"], seconds=6000)
    for event in (written, dropped) if late else (dropped, written):
        accept_batch(msgspec.json.encode([event]), token=token)
        drain()
    assert told_of().gone_since is None


def test_drop_of_what_somebody_governs_is_proposed(tell: Tell) -> None:
    cast = factories.personas()
    tell(called(cast.dataset, **DROP))
    (proposal,) = Proposal.objects.filter(kind="gone")
    cast.dataset.refresh_from_db()
    assert cast.dataset.gone_since is None
    accept_proposal(proposal=proposal, by=cast.steward)
    cast.dataset.refresh_from_db()
    assert cast.dataset.gone_since == proposal.at


def test_crawled_dataset_that_nobody_governs_is_left_to_its_crawls(tell: Tell) -> None:
    users = factories.dataset()
    tell(called(users, **DROP))
    users.refresh_from_db()
    assert users.gone_since is None
    assert not Proposal.objects.exists()


def test_what_was_told_of_a_merged_name_counts_and_the_latest_wins(tell: Tell) -> None:
    tell(say.dataset("shop.orders", **documented("First.")), say.dataset("orders", **documented("Second.")))
    first, second = told_of(), told_of("orders")
    Dataset.objects.filter(pk=second.pk).update(merged_into=first)
    assert standing_facets([first.pk], "documentation")[first.pk].text("description") == "Second."
    tell(say.dataset("shop.orders", **documented("Third.")))
    assert told_of().description == "Third."
    tell(say.dataset("orders", documentation=DELETED))
    assert standing_facets([first.pk], "documentation") == {}
    assert told_of().description == ""


def _everything() -> dict[str, Any]:
    return {
        **documented("What it is."),
        **tagged(("pii",), ("tier", "gold", "", "email")),
        **DROP,
        "ownership": {"owners": [{"name": "team:data"}]},
        "datasetType": {"datasetType": "VIEW"},
    }


def test_telling_again_changes_nothing(tell: Tell) -> None:
    cast = factories.personas()
    tell(say.dataset("shop.orders", fields=["email"], **_everything()), called(cast.dataset, **_everything()))
    models: list[Any] = [Description, TagAssignment, Proposal, Dataset, Tag, DatasetName]

    def state() -> list[Any]:
        return [list(model.objects.order_by("pk").values()) for model in models]

    before = state()
    ids = sorted(Dataset.objects.values_list("pk", flat=True))
    for teller in TELLERS.values():
        teller(ids)
    assert state() == before


@pytest.mark.parametrize("name", sorted(TELLERS))
def test_telling_takes_as_many_statements_for_many_datasets_as_for_few(tell: Tell, name: str) -> None:
    cast = factories.personas()
    many = [factories.dataset(domain=cast.domain) for _ in range(5)]
    names = [f"shop.table_{number}" for number in range(10)]
    sent = [say.dataset(one, fields=["email"], **_everything()) for one in names]
    tell(*sent, *(called(one, **_everything()) for one in many))
    one = [Dataset.objects.get(qualified_name=names[0]).pk, many[0].pk]
    counts = []
    for ids in (one, sorted(Dataset.objects.values_list("pk", flat=True))):
        with CaptureQueriesContext(connection) as captured:
            TELLERS[name](ids)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 16
