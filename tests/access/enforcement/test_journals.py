"""What the journal remembers as the catalog's own, step by step as an engine without transactions tells it."""

from __future__ import annotations

import pytest

from access.enforcement.journals import DatabaseJournal, ours_of
from access.enforcement.leases import Lease
from access.models import Enforcement, Reconciliation
from access.provisioning.desired import MaskedColumn, MaskedView, Rules
from access.provisioning.facts import Relation, RelationKind, Role
from access.provisioning.plan import Change, Step
from accounts.models import Principal
from catalog.models import Source
from tests.factories import source

pytestmark = pytest.mark.django_db

PATH = ("dc_masked", "orders_7")
VIEW = MaskedView(PATH, ("sales", "orders"), (MaskedColumn("id"),))
THERE = Relation(PATH, RelationKind.VIEW, "svc", ("id", "email"), (("sales", "orders"),), True, definition="seen")


def journal(of: Source) -> DatabaseJournal:
    enforcement, _ = Enforcement.objects.get_or_create(source=of, defaults={"changed_by": Principal.objects.system()})
    run = Reconciliation.objects.create(source=of, fence=enforcement.fence)
    return DatabaseJournal(run, Lease(enforcement.pk, enforcement.fence), Rules())


def carry_out(of: Source, *steps: Step) -> None:
    noted = journal(of)
    noted.intend([(step, ()) for step in steps])
    for step in steps:
        noted.done([step])


def test_a_view_that_is_made_anew_step_by_step_stays_the_catalogs() -> None:
    shop = source()
    carry_out(shop, Step(Change.ADD, VIEW))
    carry_out(shop, Step(Change.REMOVE, THERE), Step(Change.ADD, VIEW))
    assert dict(ours_of(shop).views) == {PATH: ""}


def test_what_is_removed_and_not_made_anew_is_forgotten() -> None:
    shop = source()
    carry_out(shop, Step(Change.ADD, Role("dc_7")), Step(Change.ADD, VIEW))
    carry_out(shop, Step(Change.REMOVE, THERE), Step(Change.REMOVE, Role("dc_7")))
    assert not ours_of(shop).views and not ours_of(shop).roles
