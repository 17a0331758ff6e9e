"""Who may change levels and put them on things. `check_can_…` raises, `can_…` answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog.models import Dataset
from catalog.permissions import can_curate, check_can_curate
from catalog.visibility import scope_of
from common.errors import Forbidden

if TYPE_CHECKING:
    from accounts.models import Principal


def can_label(by: Principal, dataset: Dataset) -> bool:
    """Stewards and owners of the domain or the dataset, and administrators, decide how sensitive it is."""
    return can_curate(by, dataset)


def check_can_label(by: Principal, datasets: Sequence[Dataset]) -> None:
    """Raises `NotFound` for datasets that `by` may not see, `Forbidden` for those it may not label."""
    check_can_curate(by, datasets)


def can_edit_levels(by: Principal) -> bool:
    return scope_of(by).everything


def check_can_edit_levels(by: Principal) -> None:
    if not can_edit_levels(by):
        raise Forbidden("Only an administrator may change the levels themselves. Ask one of them.")
