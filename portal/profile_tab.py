"""The profile tab: what the latest sample says of each column, and how it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from catalog.models import Dataset, Field, FieldProfile, Profile, Sampling, SamplingAmount
from catalog.permissions import can_edit_source
from catalog.queries.datasets import fields_of
from catalog.queries.profiles import field_profiles, profiles_of, sampling_of
from common.components import Column
from portal.numbers import number_in

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import Principal

PAGE = 100
_SPARK = 20
_COLUMNS = (
    Column("Column"), Column("Empty"), Column("Different", align="end"), Column("Length", align="end"), Column("Shapes"),
    Column("Least to greatest"), Column("Masked examples"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """A column with its latest profile. `nulls` are its shares of nulls in the latest samples, oldest first, in percent."""

    name: str
    href: str
    native_type: str
    profile: FieldProfile | None
    nulls: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class ProfileTab:
    """What the tab shows: the latest sample, `history` oldest first, and a page of columns."""

    sampling: Sampling | None
    latest: Profile | None
    history: Sequence[Profile]
    lines: Sequence[ProfileLine]
    columns: Sequence[Column]
    total: int
    start: int
    amount: str
    can_edit: bool

    @property
    def is_off(self) -> bool:
        return self.amount == SamplingAmount.OFF

    @property
    def end(self) -> int:
        return min(self.start + PAGE, self.total)

    @property
    def next_start(self) -> int | None:
        return self.end if self.end < self.total else None

    @property
    def previous_start(self) -> int | None:
        return max(0, self.start - PAGE) if self.start else None


def profile_tab(request: HttpRequest, principal: Principal, dataset: Dataset) -> ProfileTab:
    """Reads the tab's query: `from`. Four statements."""
    start = number_in(request, "from") or 0
    fields = fields_of(dataset)
    shown = fields[start : start + PAGE]
    history = profiles_of(dataset)
    known = field_profiles([one.pk for one in shown])
    source = dataset.source
    return ProfileTab(
        sampling=sampling_of(dataset),
        latest=history[0] if history else None,
        history=history[::-1],
        lines=[_line(one, dataset, known.get(one.pk), history[:_SPARK]) for one in shown],
        columns=_COLUMNS,
        total=len(fields),
        start=start,
        amount=source.sampling if source else SamplingAmount.OFF,
        can_edit=source is not None and source.connection_id is not None and can_edit_source(principal, source),
    )


def _line(one: Field, dataset: Dataset, profile: FieldProfile | None, history: Sequence[Profile]) -> ProfileLine:
    return ProfileLine(
        name=str(one),
        href=reverse("portal:field", args=[dataset.pk, one.pk]),
        native_type=one.native_type,
        profile=profile,
        nulls=[round(100 * nulls, 2) for _, nulls in _told(history, one.pk, "nulls")],
    )


def _told(history: Sequence[Profile], field_id: int, name: str) -> list[tuple[Profile, float]]:
    """What the profiles tell of a field, oldest first."""
    return [
        (profile, profile.fields[str(field_id)][name])
        for profile in reversed(history)
        if name in profile.fields.get(str(field_id), {})
    ]


def field_profile_context(dataset: Dataset, field: Field) -> dict[str, Any]:
    """What the page of a column shows of its profile; two statements."""
    history = profiles_of(dataset)
    points = [
        {"at": one.taken_at, "nulls": round(100 * nulls, 2), "distinct": one.fields[str(field.pk)].get("distinct")}
        for one, nulls in _told(history, field.pk, "nulls")
    ]
    return {"profile": field_profiles([field.pk]).get(field.pk), "points": points}
