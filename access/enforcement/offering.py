"""What a source can carry out, so that nobody is offered more: sources grant whole columns, to accounts that they know."""

from __future__ import annotations

from collections.abc import Iterable

from access.enforcement.asking import first_state
from access.models import DatabaseLogin
from access.states import GrantState
from accounts.models import Principal
from catalog.models import Dataset, Field
from common.errors import Invalid


def is_carried_out(dataset: Dataset) -> bool:
    """Whether a grant on the dataset changes rights in its source; one statement."""
    return first_state(dataset) is not GrantState.RECORDED


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


def lacks_account(principal: Principal, dataset: Dataset) -> bool:
    """Whether a grant would wait, since nobody has said which account of the source is this principal's."""
    if not is_carried_out(dataset):
        return False
    accounts = DatabaseLogin.objects.filter(source=dataset.source, principal=principal, valid_to__isnull=True)
    return not accounts.exists()
