"""What of the explorer is asked for: the whole state of a picture, as its address has it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils import timezone

from common.errors import Invalid
from common.filters import TimeField
from lineage.queries import DIRECTIONS, Direction

Way = Literal["up", "down"]
WAYS: tuple[Way, ...] = ("up", "down")
MAX_DEPTH = 50
MAX_CHANGED = 200
MAX_PAGES = 500

_KEY = r"[0-9]{1,18}|h[0-9a-f]{12}"
_EXPANDED = re.compile(rf"({_KEY})\.(up|down)\.([0-9]{{1,3}})", re.ASCII)
_OPEN = re.compile(r"[0-9]{1,18}", re.ASCII)
_COLUMN = re.compile(r"([0-9]{1,18}):(.+)", re.ASCII | re.DOTALL)


class ColumnAsked(NamedTuple):
    """A column, by its dataset and its path with dots."""

    dataset: int
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What to show around a dataset, and how.

    `expanded` says of a node (by its key in the picture) and a way how many pages of its neighbours to show, where that
    differs from what `depth` shows; `opened` are the datasets whose columns are shown; `target` is the other end of a path;
    `critical` leaves out datasets on which fewer depend. `view`, `listed` and `page` choose among picture and tables.
    """

    direction: Direction = "both"
    depth: int = 1
    as_of: dt.datetime | None = None
    expanded: Mapping[tuple[str, Way], int] = field(default_factory=dict)
    opened: tuple[int, ...] = ()
    column: ColumnAsked | None = None
    critical: int = 0
    target: int | None = None
    find: str = ""
    view: str = "picture"
    listed: str = "datasets"
    page: int = 1

    def query(self, **changed: Any) -> str:
        """The address's query for this state, with some members changed; what is as by default is left out."""
        values = {name: changed.get(name, getattr(self, name)) for name in self.__slots__}
        return urlencode(list(_written(values)))

    def with_pages(self, key: str, way: Way, pages: int) -> str:
        """The query that shows so many pages of a node's neighbours."""
        return self.query(expanded={**self.expanded, (key, way): pages}, page=1)


def _written(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    default = Asked()
    for name in ("direction", "depth", "critical", "find", "view", "listed", "page"):
        if values[name] != getattr(default, name):
            yield {"critical": "critical", "listed": "list"}.get(name, name), str(values[name])
    if values["as_of"]:
        yield "as_of", values["as_of"].isoformat()
    if values["expanded"]:
        yield "expand", ",".join(f"{key}.{way}.{pages}" for (key, way), pages in values["expanded"].items())
    if values["opened"]:
        yield "open", ",".join(map(str, values["opened"]))
    if values["column"]:
        yield "column", f"{values['column'].dataset}:{values['column'].name}"
    if values["target"]:
        yield "to", str(values["target"])


class _Moment(TimeField):
    """A time; one without a zone is in UTC, as the page's field says and as the browser reads an address."""

    def to_python(self, value: Any) -> dt.datetime | None:
        with timezone.override(dt.UTC):
            return super().to_python(value)


class _Form(forms.Form):
    direction = forms.ChoiceField(choices=[(name, name) for name in DIRECTIONS], required=False)
    depth = forms.IntegerField(min_value=1, max_value=MAX_DEPTH, required=False)
    as_of = _Moment(required=False)
    critical = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    expand = forms.CharField(max_length=8000, required=False)
    open = forms.CharField(max_length=4000, required=False)
    column = forms.CharField(max_length=1100, required=False, strip=False)
    to = forms.IntegerField(min_value=1, max_value=10**18, required=False)
    find = forms.CharField(max_length=200, required=False)
    view = forms.ChoiceField(choices=[("picture", ""), ("table", "")], required=False)
    list = forms.ChoiceField(choices=[("datasets", ""), ("connections", ""), ("columns", "")], required=False)
    page = forms.IntegerField(min_value=1, max_value=100_000, required=False)

    def clean_expand(self) -> dict[tuple[str, str], int]:
        found = {}
        for part in _parts(self.cleaned_data["expand"]):
            match = _EXPANDED.fullmatch(part)
            if match is None or int(match[3]) > MAX_PAGES:
                raise forms.ValidationError("Write NODE.up.PAGES or NODE.down.PAGES, with commas between them.")
            found[match[1], match[2]] = int(match[3])
        return found

    def clean_open(self) -> tuple[int, ...]:
        parts = _parts(self.cleaned_data["open"])
        if not all(_OPEN.fullmatch(part) for part in parts):
            raise forms.ValidationError("Write ids of datasets with commas between them.")
        return tuple(dict.fromkeys(int(part) for part in parts))

    def clean_column(self) -> ColumnAsked | None:
        text = self.cleaned_data["column"]
        match = _COLUMN.fullmatch(text)
        if text and match is None:
            raise forms.ValidationError("Write the dataset's id, a colon and the column's path.")
        return ColumnAsked(int(match[1]), match[2]) if match else None


def _parts(text: str) -> list[str]:
    parts = [part for part in text.split(",") if part]
    if len(parts) > MAX_CHANGED:
        raise forms.ValidationError(f"At most {MAX_CHANGED} nodes can be changed. Begin at another dataset instead.")
    return parts


def asked_of(query: QueryDict) -> Asked:
    """The state that an address asks for; raises `Invalid` with the members that cannot be read."""
    form = _Form(query)
    if not form.is_valid():
        errors = {name: [str(text) for text in texts] for name, texts in form.errors.items()}
        raise Invalid("The lineage cannot be shown so.", errors)
    values = form.cleaned_data
    return Asked(
        direction=values["direction"] or "both",
        depth=values["depth"] or 1,
        as_of=values["as_of"],
        expanded=values["expand"],
        opened=values["open"],
        column=values["column"],
        critical=values["critical"] or 0,
        target=values["to"],
        find=values["find"].strip(),
        view=values["view"] or "picture",
        listed=values["list"] or "datasets",
        page=values["page"] or 1,
    )
