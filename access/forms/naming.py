"""What people call principals, datasets and columns in forms, and back: a name, or # and an id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import Q

from accounts.models import Principal
from catalog.models import Dataset, Domain, Field

Find = Callable[[list[str]], dict[str, list[int]]]
"""The ids of all that each of these lines may mean; a line that means nothing may be left out."""


class LinesField(forms.CharField):
    """Lines of text as a list, without empty ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 2}), required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


def look_up(lines: list[str], find: Find) -> tuple[tuple[int, ...], list[str]]:
    """The ids of what the lines name, each once, and sentences about lines that fit nothing or several."""
    found = find(lines) if lines else {}
    chosen: list[int] = []
    problems = []
    for line in lines:
        ids = found.get(line, [])
        if len(ids) == 1:
            chosen.append(ids[0])
        elif ids:
            several = ", ".join(f"#{pk}" for pk in sorted(ids)[:5])
            problems.append(f"{line} fits several; give one of the ids {several}.")
        else:
            problems.append(f"Nothing is called {line}.")
    return tuple(dict.fromkeys(chosen)), problems


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _ids_told(lines: Iterable[str]) -> dict[str, int]:
    """The ids of lines such as #12."""
    return {line: int(line[1:]) for line in lines if line.startswith("#") and _is_number(line[1:])}


def people_called(lines: list[str]) -> dict[str, list[int]]:
    """By user name, by e-mail address, services and pipelines by name, anybody by # and the id."""
    found: dict[str, list[int]] = {}
    told = _ids_told(lines)
    rows = Principal.objects.filter(
        Q(pk__in=told.values())
        | (Q(user__username__in=lines) | Q(user__email__in=lines) | Q(user__isnull=True, name__in=lines))
        & ~Q(kind=Principal.Kind.SYSTEM)
    )
    for pk, username, email, name in rows.values_list("pk", "user__username", "user__email", "name"):
        for called in {f"#{pk}", *({username, email} if username else {name} - {*told})}:
            found.setdefault(called, []).append(pk)
    return found


def datasets_called(lines: list[str], domain: Domain | None = None) -> dict[str, list[int]]:
    """By name, or by id, with or without #, which goes before a name that looks like one; with a domain, in that alone."""
    told = _ids_told(lines) | {line: int(line) for line in lines if _is_number(line)}
    rows = Dataset.objects.filter(Q(pk__in=told.values()) | Q(qualified_name__in=lines, merged_into__isnull=True))
    rows = rows.filter(domain=domain) if domain is not None else rows
    found: dict[str, list[int]] = {}
    there = set()
    for pk, name, merged_into in rows.values_list("pk", "qualified_name", "merged_into"):
        there.add(pk)
        if merged_into is None:
            found.setdefault(name, []).append(pk)
    return found | {line: [pk] for line, pk in told.items() if pk in there}


def fields_called(lines: list[str], domain: Domain | None = None) -> dict[str, list[int]]:
    """By dataset, # and column, or by # and the id; with a domain, of its datasets alone."""
    told = _ids_told(lines)
    rows = Field.objects.filter(pk__in=told.values())
    rows = rows.filter(dataset__domain=domain) if domain is not None else rows
    there = set(rows.values_list("pk", flat=True)) if told else set()
    found = {line: [pk] for line, pk in told.items() if pk in there}
    datasets = datasets_called([line.rpartition("#")[0] for line in lines], domain)
    fields = Field.objects.filter(dataset__in={pk for ids in datasets.values() for pk in ids})
    by_name: dict[tuple[int, str], list[int]] = {}
    for field in fields:
        by_name.setdefault((field.dataset_id, str(field)), []).append(field.pk)
    for line in set(lines) - set(told):
        dataset, _, name = line.rpartition("#")
        found[line] = [pk for one in datasets.get(dataset, []) for pk in by_name.get((one, name), [])]
    return found


def _lines(ids: Iterable[int], names: Mapping[int, str], find: Find) -> list[str]:
    """A line for each id that fits it alone: what it is called, or # and the id; of what is gone too."""
    found = find(list(names.values())) if names else {}
    told = {pk: name for pk, name in names.items() if found.get(name) == [pk] and name.strip().splitlines() == [name]}
    return [told.get(pk, f"#{pk}") for pk in ids]


def lines_of_people(ids: tuple[int, ...]) -> list[str]:
    people = Principal.objects.filter(pk__in=ids).select_related("user")
    return _lines(ids, {one.pk: one.user.username if one.user else one.name for one in people}, people_called)


def lines_of_fields(ids: tuple[int, ...]) -> list[str]:
    fields = Field.objects.filter(pk__in=ids)
    return _lines(ids, {one.pk: f"{one.dataset_id}#{one}" for one in fields}, fields_called)
