"""Who may change levels and put them on things. `check_can_…` raises, `can_…` answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from catalog.models import Dataset
from catalog.permissions import can_curate, check_can_curate
from catalog.visibility import CURATORS, scope_of
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


def check_can_edit_rules(by: Principal) -> None:
    """Categories and rule sets concern every dataset."""
    if not can_edit_levels(by):
        raise Forbidden("Only an administrator may change categories and rules. Ask one of them.")


def check_can_rule_out(by: Principal, scope: str, datasets: Iterable[Dataset]) -> None:
    """A rule for one dataset is its curators' to make, one for a domain or source that of the domain's stewards and owners,
    one for everything an administrator's. Raises `Forbidden`."""
    reader = scope_of(by)
    if reader.everything or scope == "dataset":
        return
    if scope == "all":
        raise Forbidden("Only an administrator may rule something out everywhere. Choose a smaller scope.")
    for dataset in datasets:
        source = dataset.source
        place = dataset.domain_id if scope == "domain" else source.domain_id if source else None
        if not reader.has_role(place, *CURATORS):
            raise Forbidden(f"Only stewards and owners of the {scope}'s domain may make a rule for all of it.")


def can_edit_rules(by: Principal) -> bool:
    return can_edit_levels(by)
