"""What pages show of a list of datasets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString, mark_safe

from catalog.filters import NONE, Narrowing
from catalog.models import Dataset, Tier
from catalog.queries.facets import Facets
from catalog.queries.search import Wanted
from catalog.snapshots import DatasetKind
from common.addresses import addresses_of
from common.components import Facet, FacetOption, Suggestion
from common.markdown import render
from common.templatetags.ui import kind_label

if TYPE_CHECKING:
    from classification.models import Level

_SNIPPET = 220
_READ = 1_000
"""Characters of a description that are looked at for a snippet."""

FACET_LABELS = {
    "system": "System",
    "source": "Source",
    "kind": "Kind",
    "level": "Level",
    "owner": "Owner",
    "domain": "Domain",
    "tag": "Tag",
}
_NOTHING = {
    "system": "No system",
    "source": "Known from pipelines only",
    "level": "No level",
    "owner": "No owner",
    "domain": "No domain",
}


@dataclass(frozen=True, slots=True)
class Result:
    """A line of a list: the dataset, its name with the found words marked, where it is and why it was found."""

    dataset: Dataset
    href: str
    title: SafeString
    place: str
    level: Level | None
    snippet: str
    columns: Sequence[str]


def results_of(
    rows: Iterable[Dataset],
    *,
    levels: Mapping[int, Level],
    wanted: Wanted | None = None,
    columns: Mapping[int, Sequence[str]] | None = None,
) -> list[Result]:
    """Rows of `catalog.queries.search` as lines; a description only where the reader may read metadata."""
    words = [one for word in wanted.words for one in word.alternatives] if wanted else []
    address = addresses_of("portal:dataset")
    return [
        Result(
            dataset=row,
            href=address(row.pk),
            title=marked(row.name, words),
            place=place_of(row),
            level=levels.get(row.level or 0),
            snippet=_snippet(row) if row.tier >= Tier.METADATA else "",
            columns=(columns or {}).get(row.pk, ()),
        )
        for row in rows
    ]


def place_of(dataset: Dataset) -> str:
    """System, source and schema; the namespace of a dataset that only pipelines know."""
    if dataset.source is None:
        return dataset.namespace
    parts = [dataset.source.system.name if dataset.source.system else "", dataset.source.name, *dataset.path[:-1]]
    return " / ".join(part for part in parts if part)


def marked(name: str, words: Sequence[str]) -> SafeString:
    """A name with the parts that begin with a found word in `<mark>`; everything escaped."""
    if not words:
        return format_html("{}", name)
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)), re.IGNORECASE)
    parts, end = [], 0
    for match in pattern.finditer(name):
        parts += [(format_html("{}", name[end : match.start()]),), (format_html("<mark>{}</mark>", match[0]),)]
        end = match.end()
    return format_html_join(mark_safe(""), "{}", [*parts, (format_html("{}", name[end:]),)])


def _snippet(dataset: Dataset) -> str:
    said = dataset.description[:_READ]
    text = " ".join(unescape(strip_tags(render(said))).split()) if said else " ".join(dataset.comment[:_READ].split())
    return text if len(text) <= _SNIPPET else f"{text[:_SNIPPET].rsplit(' ', 1)[0]}…"


def suggestion_of(row: Dataset, columns: Sequence[str]) -> Suggestion:
    matched = f"column {columns[0]}" if columns else ""
    return Suggestion(row.name, reverse("portal:dataset", args=[row.pk]), row.kind, place_of(row), matched)


def facet_groups(found: Facets, levels: Mapping[int, Level], narrowing: Narrowing) -> list[Facet]:
    """The facets as the page's checkboxes; one that offers a single value which is not chosen narrows nothing."""
    groups = []
    for name, options in found.options.items():
        shown = [
            FacetOption(option.value, _label(name, option.value, option.label, levels), option.count, option.chosen)
            for option in options
        ]
        if len(shown) > 1 or any(option.checked for option in shown):
            groups.append(Facet(name, FACET_LABELS[name], shown))
    gone = [FacetOption("show", "Also what is gone", None, narrowing.gone == "show")]
    return [*groups, Facet("gone", "Gone", gone)]


def _label(name: str, value: str, label: str, levels: Mapping[int, Level]) -> str:
    if value == NONE and not label:
        return _NOTHING.get(name, "None")
    if name == "kind" and value in DatasetKind.__members__.values():
        return kind_label(value)
    if name == "level" and value.isdigit():
        level = levels.get(int(value))
        return level.name if level else f"Level {value}"
    return label or value
