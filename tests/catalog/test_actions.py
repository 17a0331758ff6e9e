"""What people do in the catalog: who may, what it changes, what is remembered."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import DomainRole
from audit.events import Subject
from audit.queries import activity_of
from catalog import actions
from catalog.models import Dataset, Description, Origin, Ownership, Tag
from common.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories import dataset, domain, group, person, personas, role

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return personas()


def sentences(subject: Subject) -> list[str]:
    return [line.sentence for line in activity_of(subject)[0]]


def test_person_describes_over_code_and_pipeline_and_taking_it_back_shows_theirs(cast):
    made = cast.dataset
    for origin in (Origin.PIPELINE, Origin.PERSON, Origin.CODE):
        actions.describe(dataset=made, text=f"By {origin}.", by=cast.steward, origin=origin)
    made.refresh_from_db()
    assert made.description == "By person."
    actions.describe(dataset=made, text="", by=cast.steward)
    made.refresh_from_db()
    assert made.description == "By code."
    assert Description.objects.filter(valid_to__isnull=False).count() == 1


def test_descriptions_are_found_by_search(cast):
    actions.describe(dataset=cast.dataset, text="Everything about *platypuses*.", by=cast.steward)
    assert Dataset.objects.extra(where=["search @@ websearch_to_tsquery('simple', 'platypuses')"]).get() == cast.dataset


def test_only_curators_change_a_dataset_and_the_blind_learn_nothing(cast):
    hidden = dataset(domain=domain("Secret", open_tier=0))
    for by in (cast.analyst, cast.outsider):
        with pytest.raises(Forbidden):
            actions.describe(dataset=cast.dataset, text="x", by=by)
        with pytest.raises(NotFound):
            actions.describe(dataset=hidden, text="x", by=by)
    owner = person("owner-of-one")
    actions.assign_owner(datasets=[hidden], principal=owner, by=person("root", administrator=True))
    actions.describe(dataset=hidden, text="Mine.", by=owner)


def test_owner_assigned_twice_is_one_owner_and_removing_keeps_the_history(cast):
    made = dataset(domain=cast.domain)
    for _ in range(2):
        actions.assign_owner(datasets=[made], principal=cast.analyst, by=cast.steward)
    made.refresh_from_db()
    assert made.owner_names == [cast.analyst.name]
    actions.remove_owner(ownership=Ownership.objects.get(dataset=made, valid_to=None), by=cast.steward)
    made.refresh_from_db()
    assert made.owner_names == []
    assert Ownership.objects.get(dataset=made).valid_to is not None
    assert sentences(Subject("dataset", made.pk)) == [
        f"ended {cast.analyst.name}'s role as owner of {made.name}",
        f"made {cast.analyst.name} owner of {made.name}",
    ]


def test_number_of_statements_does_not_grow_with_the_datasets(cast):
    def statements(count: int) -> int:
        made = [dataset(domain=cast.domain, source=cast.dataset.source) for _ in range(count)]
        with CaptureQueriesContext(connection) as seen:
            actions.assign_owner(datasets=made, group=group(), by=cast.steward)
        return len(seen)

    statements(1)  # reads the steward's roles, once a request
    assert statements(2) == statements(12)


def test_tags_are_put_on_and_taken_off_and_searchable(cast):
    tag = Tag.objects.create(slug="personal", name="Personal data")
    actions.add_tag(datasets=[cast.dataset], tag=tag, by=cast.steward)
    cast.dataset.refresh_from_db()
    assert cast.dataset.tag_names == ["Personal data"]
    actions.remove_tag(datasets=[cast.dataset], tag=tag, by=cast.steward)
    cast.dataset.refresh_from_db()
    assert cast.dataset.tag_names == []


def test_moving_a_dataset_needs_a_curator_on_both_sides(cast):
    other = domain("Other")
    with pytest.raises(Forbidden):
        actions.move_datasets(datasets=[cast.dataset], domain=other, by=cast.steward)
    role(other, cast.steward)
    moved = Dataset.objects.get(pk=cast.dataset.pk)
    actions.move_datasets(datasets=[moved], domain=other, by=type(cast.steward).objects.get(pk=cast.steward.pk))
    moved.refresh_from_db()
    assert moved.domain == other


def test_ended_role_is_kept_and_gives_nothing(cast):
    root = person("root", administrator=True)
    newcomer = person("newcomer")
    membership = actions.grant_role(domain=cast.domain, role=DomainRole.STEWARD, principal=newcomer, by=root)
    actions.describe(dataset=cast.dataset, text="New here.", by=newcomer)
    actions.end_role(membership=membership, by=root)
    with pytest.raises(Forbidden):
        actions.describe(dataset=cast.dataset, text="Gone.", by=type(newcomer).objects.get(pk=newcomer.pk))
    membership.refresh_from_db()
    assert membership.valid_to is not None


def test_names_that_are_taken_or_reserved_are_refused_with_a_sentence():
    root = person("root", administrator=True)
    actions.add_domain(slug="sales", name="Sales", by=root)
    with pytest.raises(Conflict, match="already a domain"):
        actions.add_domain(slug="sales", name="Sales", by=root)
    with pytest.raises(Invalid):
        actions.add_domain(slug="add", name="Add", by=root)
    with pytest.raises(Invalid):
        actions.add_domain(slug="Not a slug", name="Other", by=root)
    with pytest.raises(Forbidden):
        actions.add_domain(slug="mine", name="Mine", by=person())
