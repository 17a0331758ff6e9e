"""What a source can carry out, so that nobody is offered more: sources grant whole columns, to accounts that they know,
and some of them nothing that is masked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from access.enforcement.asking import first_state
from access.models import DatabaseLogin, Enforcement
from access.policies.masking import Mask
from access.provisioning.desired import Profile
from access.states import GrantState
from accounts.models import Principal
from catalog.models import Dataset, Field
from common.errors import Invalid
from connections.platforms import Platform

_IS_MYSQL = Q(source__platform=Platform.MYSQL) & ~Q(version="") & ~Q(version__icontains="mariadb")
_MAKES_NO_VIEWS = Q(profile=Profile.GRANT_ONLY.value) | _IS_MYSQL


def is_carried_out(dataset: Dataset) -> bool:
    """Whether a grant on the dataset changes rights in its source; one statement."""
    return first_state(dataset) is not GrantState.RECORDED


@dataclass(frozen=True, slots=True)
class Opening:
    """What opening a dataset at once does in its source. `waits`: a person confirms there before anything opens."""

    is_carried_out: bool = False
    waits: bool = False
    source_name: str = ""


def opening_of(dataset: Dataset) -> Opening:
    """What a grant on the dataset that nobody approves before does in its source; one statement."""
    carrying = Enforcement.objects.filter(source=dataset.source_id, mode__in=Enforcement.CARRYING_OUT)
    found = carrying.select_related("source").first() if dataset.source_id else None
    if found is None:
        return Opening()
    return Opening(True, waits=found.mode == Enforcement.Mode.CONFIRM, source_name=found.source.name)


def can_carry_out(field: Field) -> bool:
    """What is inside a column cannot be granted without the column."""
    return len(field.path) == 1


def check_can_carry_out(dataset: Dataset, fields: Iterable[Field]) -> None:
    """Raises `Invalid` for fields that the dataset's source could only grant together with more."""
    inside = [field for field in fields if not can_carry_out(field)]
    if inside and is_carried_out(dataset):
        columns = ", ".join(sorted({field.path[0] for field in inside}))
        raise Invalid(
            f"The source grants whole columns. Ask for {columns}, or for other columns.",
            {"fields": [f"{field} is inside a column, which its source cannot grant alone." for field in inside]},
        )


def unmaskable(ids: Collection[int]) -> set[int]:
    """Those of these datasets whose grants are carried out in a source that cannot show masks; one statement, or none."""
    if not ids:
        return set()
    without = Enforcement.objects.filter(_MAKES_NO_VIEWS, mode__in=Enforcement.CARRYING_OUT)
    return set(Dataset.objects.filter(pk__in=ids, source__in=without.values("source")).values_list("pk", flat=True))


def cannot_mask(dataset: Dataset) -> bool:
    """Whether grants are carried out in the dataset's source, and masks cannot be there; one statement."""
    return dataset.source_id is not None and bool(unmaskable([dataset.pk]))


def check_can_mask(dataset: Dataset, fields: Iterable[Field], masks: Mapping[int, Mask]) -> None:
    """Raises `Invalid` where policy masks something of these fields (none: the whole dataset) and the source cannot.

    Columns are named only where they were asked for by name: not everybody may know what a dataset holds.
    """
    if masks and cannot_mask(dataset):
        named = ", ".join(str(field) for field in fields if field.pk in masks)
        text = (
            f"Policy masks {named or 'some columns'}, and the source cannot show columns masked. Ask for other columns."
        )
        raise Invalid(text, {"fields": [text]})


def lacks_account(principal: Principal, dataset: Dataset) -> bool:
    """Whether a grant would wait, since nobody has said which account of the source is this principal's."""
    if not is_carried_out(dataset):
        return False
    accounts = DatabaseLogin.objects.filter(source=dataset.source, principal=principal, valid_to__isnull=True)
    return not accounts.exists()
