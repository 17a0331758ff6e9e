"""How a label came to a column, as far as a reader may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Dataset, Domain
from classification.propagation.paths import inherited_path
from lineage.models import Run
from tests import factories
from tests.classification.propagation.conftest import FILTER, HASH, IDENTITY, SUM, field

pytestmark = pytest.mark.django_db


@pytest.fixture
def mart(pipe, users):
    """users.email > clean.email > mart.people, by a sum; users.email filters mart besides, and is masked into it."""
    pipe("clean", email=[("users", "email", IDENTITY)])
    pipe(
        "mart", seconds=30, people=[("clean", "email", SUM), ("users", "email", HASH)],
        whole=[("users", "email", FILTER)],
    )  # fmt: skip


def test_each_hop_names_its_job_and_its_run(mart, steward):
    found = inherited_path(steward, field("mart.people"))
    assert [(hop.upstream.name, hop.step.how, hop.step.job, hop.downstream.name) for hop in found.hops] == [
        ("users.email", "copied", "airflow/make_clean", "clean.email"),
        ("clean.email", "aggregated", "airflow/make_mart", "mart.people"),
    ]
    runs = [hop.step.run_id for hop in found.hops]
    assert runs == [Run.objects.get(job__name=name).pk for name in ("make_clean", "make_mart")]
    assert {hop.step.run_state for hop in found.hops} == {"completed"}
    assert (found.aggregated, found.held, found.source.field_id) == (True, False, field("users.email").pk)


def test_what_influences_without_raising_is_shown(mart, steward):
    found = inherited_path(steward, field("mart.people"))
    assert [(one.upstream.name, one.step.how, one.whole, one.step.subtype) for one in found.influences] == [
        ("users.email", "influenced", True, "FILTER"),
        ("users.email", "masked", False, "TRANSFORMATION"),
    ]


def test_the_path_changes_with_the_lineage(mart, pipe, steward):
    pipe("mart", seconds=60, people=[("users", "email", IDENTITY)])
    found = inherited_path(steward, field("mart.people"))
    assert [hop.upstream.name for hop in found.hops] == ["users.email"]
    assert found.influences == []


def test_a_column_that_inherits_nothing_has_no_path(mart, steward):
    found = inherited_path(steward, field("users.email"))
    assert (found.hops, found.source, found.level) == ([], None, None)


def test_what_a_reader_may_not_see_stays_without_names(mart):
    closed = Domain.objects.create(slug="closed", name="Closed", open_tier=0)
    known = Domain.objects.create(slug="known", name="Known", open_tier=1)
    Dataset.objects.filter(qualified_name="users").update(domain=closed)
    Dataset.objects.filter(qualified_name="clean").update(domain=known)
    shown = Domain.objects.create(slug="shown", name="Shown", open_tier=2)
    Dataset.objects.filter(qualified_name="mart").update(domain=shown)
    reader = factories.person()
    found = inherited_path(reader, field("mart.people"))
    assert [(hop.upstream.name, hop.step.job, hop.downstream.name) for hop in found.hops] == [
        ("a column that you may not see", "", "a column of clean"),
        ("a column of clean", "airflow/make_mart", "mart.people"),
    ]
    assert found.hops[0].step.run_id is None
    assert found.hops[0].upstream.dataset_id is None


def test_a_path_costs_four_statements(mart, steward):
    people = field("mart.people")
    with CaptureQueriesContext(connection) as caught:
        inherited_path(steward, people)
    assert len(caught) == 4


def test_rest_answers_with_the_path(mart, client, steward):
    client.force_login(steward.user)
    people = field("mart.people")
    answer = client.get(f"/api/v2/datasets/{people.dataset_id}/fields/{people.pk}/inherited/")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["level"], body["aggregated"], body["held"]) == ("restricted", True, False)
    assert [(hop["upstream"]["column"], hop["step"]["kind"], hop["step"]["job_name"]) for hop in body["hops"]] == [
        ("email", "identity", "airflow/make_clean"),
        ("email", "aggregation", "airflow/make_mart"),
    ]
    assert body["hops"][0]["upstream"]["field"] == field("users.email").pk
    assert body["hops"][1]["step"]["run"] == str(Run.objects.get(job__name="make_mart").pk)
    assert [(one["step"]["kind"], one["whole"], one["level"]) for one in body["influences"]] == [
        ("indirect", True, "restricted"),
        ("masking", False, "restricted"),
    ]
    assert (
        client.get(f"/api/v2/datasets/{people.dataset_id}/fields/{field('users.id').pk}/inherited/").status_code == 404
    )


def test_the_page_of_a_column_shows_the_way(mart, client, steward):
    client.force_login(steward.user)
    people = field("mart.people")
    page = client.get(f"/datasets/{people.dataset_id}/fields/{people.pk}/").content.decode()
    assert "How its level came here" in page
    assert f'href="/datasets/{field("users.email").dataset_id}/fields/{field("users.email").pk}/"' in page
    assert "is masked on its way here" in page
    source = client.get(f"/datasets/{field('users.id').dataset_id}/fields/{field('users.id').pk}/").content.decode()
    assert "How its level came here" not in source
