"""A pipeline's word lowers no level that holds: what it masks anew is asked of the stewards first."""

from __future__ import annotations

import pytest

from catalog.actions import accept_proposal, decline_proposal
from catalog.models import Proposal
from catalog.queries.proposals import lines_of
from classification.models import HeldMasking
from classification.propagation.following import carry_all, follow_changes
from tests.classification.propagation.conftest import HASH, IDENTITY, effective, inherited, label

pytestmark = pytest.mark.django_db


@pytest.fixture
def claimed(pipe, users):
    """`clean.email` was a copy, and mart.contact of that; now the pipeline says that it masks the first."""
    pipe("clean", email=[("users", "email", IDENTITY)])
    pipe("mart", contact=[("clean", "email", IDENTITY)])
    pipe("clean", seconds=60, email=[("users", "email", HASH)])
    return Proposal.objects.get(kind="masking")


def test_the_level_stays_and_the_stewards_are_asked(claimed, steward):
    found = inherited("clean.email")
    assert (found.level.slug, effective("clean.email")) == ("restricted", "restricted")
    assert found.hint.startswith("A pipeline says that it masks this")
    assert inherited("mart.contact").level.slug == "restricted"
    assert (claimed.state, claimed.dataset.qualified_name) == ("open", "clean")
    assert claimed.told_by is not None and claimed.told_by.kind == "pipeline"
    (line,) = lines_of(steward, [claimed], may_decide=True)
    assert line.sentence == "airflow/make_clean masks clean.email, so that the level which it inherits ends"


def test_an_accepted_masking_ends_the_level_all_the_way_down(claimed, steward):
    accept_proposal(proposal=claimed, by=steward, reason="Salted and hashed")
    follow_changes()
    assert (inherited("clean.email"), inherited("mart.contact")) == (None, None)
    assert (effective("clean.email"), effective("mart.contact")) == (None, None)
    assert carry_all().columns == 0


def test_a_declined_masking_never_counts_and_is_not_asked_again(claimed, pipe, steward):
    decline_proposal(proposal=claimed, by=steward, reason="It is only encoded")
    pipe("clean", seconds=120, email=[("users", "email", HASH)], more=[("users", "email", HASH)])
    assert inherited("clean.email").level.slug == "restricted"
    assert carry_all().columns == 0
    claimed.refresh_from_db()
    assert claimed.state == "declined"
    assert not Proposal.objects.open().exists()


def test_what_is_no_longer_said_is_no_longer_asked(claimed, pipe):
    pipe("clean", seconds=120, email=[("users", "email", IDENTITY)])
    assert not Proposal.objects.filter(kind="masking").exists()
    assert not HeldMasking.objects.exists()
    assert inherited("clean.email").hint == ""


def test_the_hold_ends_with_the_lineage(claimed, pipe):
    pipe("clean", seconds=120, email=[("users", "id", IDENTITY)])
    assert inherited("clean.email") is None
    assert not Proposal.objects.filter(kind="masking").exists()


def test_what_was_masked_from_the_start_is_believed(pipe, users):
    pipe("masked", digest=[("users", "email", HASH)])
    pipe("masked", seconds=60, digest=[("users", "email", HASH)], other=[("users", "id", IDENTITY)])
    assert inherited("masked.digest") is None
    assert not Proposal.objects.exists()


def test_masking_over_another_table_is_asked_too(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)])
    pipe("stage", email=[("users", "email", IDENTITY)])
    pipe("clean", seconds=60, email=[("stage", "email", HASH)])
    assert inherited("clean.email").level.slug == "restricted"
    assert Proposal.objects.open().filter(kind="masking").count() == 1


def test_a_steward_who_lowers_the_source_lowers_what_is_below(claimed, pipe, steward):
    label(steward, "users.email", "internal")
    assert (inherited("clean.email").level.slug, inherited("mart.contact").level.slug) == ("internal", "internal")


def test_a_column_that_a_steward_decided_needs_no_asking(pipe, users, steward):
    pipe("clean", email=[("users", "email", IDENTITY)])
    label(steward, "clean.email", "internal")
    pipe("clean", seconds=60, email=[("users", "email", HASH)])
    assert not Proposal.objects.exists()
    assert effective("clean.email") == "internal"


def test_carrying_all_anew_holds_what_following_does(pipe, users):
    pipe("clean", email=[("users", "email", IDENTITY)])
    pipe("mart", contact=[("clean", "email", IDENTITY)])
    pipe("clean", seconds=60, follow=False, email=[("users", "email", HASH)])
    carry_all()
    assert inherited("mart.contact").level.slug == "restricted"
    assert Proposal.objects.open().filter(kind="masking").count() == 1
