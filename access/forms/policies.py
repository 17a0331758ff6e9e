"""The form of a policy: a rule as people fill it in, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.db.models import Q

from access.models import Purpose
from access.policies.masking import Mask
from access.policies.rules import (
    Action,
    Attribute,
    Columns,
    Conditions,
    Effect,
    MaskOf,
    Resources,
    Role,
    Rule,
    Step,
    Subjects,
)
from access.policy import Audience
from accounts.forms import ActionForm
from accounts.models import Principal
from catalog.models import Dataset, Domain, Field, Source
from classification.limits import LONGEST_GRANT_DAYS, MOST_APPROVALS
from classification.models import Category, Level

_DAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
MASKS = (1, 2, 3)
STEPS = (1, 2, 3)


class LinesField(forms.CharField):
    """Lines of text as a list, without empty ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 2}), required=False, **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (value or "").splitlines() if line.strip()]


def _several(label: str, **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, label=label, **options)


def _boxes(label: str, choices: Any) -> forms.MultipleChoiceField:
    return _several(label, choices=choices, widget=forms.CheckboxSelectMultiple)


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading, in rows; `is_folded` where they may stay out of sight."""

    title: str
    rows: list[list[forms.BoundField]]
    is_folded: bool


_UNSAID: tuple[Any, ...] = (None, "", False, [], "UTC")


class PolicyForm(ActionForm):
    """A policy's name and rule. Of a domain's own policy `domain` is said: it is about that domain's datasets."""

    name = forms.CharField(max_length=150)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), label="What it is for")
    effect = forms.ChoiceField(
        choices=[(one.value, one.label) for one in Effect],
        widget=forms.RadioSelect,
        help_text="Where several policies are about the same thing, Deny wins.",
    )
    actions = _boxes("What is done", [(one.value, one.label) for one in Action])
    everyone = forms.BooleanField(required=False, label="Everybody")
    people = LinesField(help_text="User names or e-mail addresses, services and pipelines by name: one a line.")
    groups = _several("Groups")
    roles = _boxes("Roles on the dataset", [(one.value, one.label.capitalize()) for one in Role])
    attributes = LinesField(help_text="One a line, as department=finance or kind=service.")
    except_people = LinesField(label="Except people")
    except_groups = _several("Except groups")
    except_roles = _boxes("Except roles", [(one.value, one.label.capitalize()) for one in Role])
    except_attributes = LinesField(label="Except attributes")
    domains = _several("Domains")
    sources = _several("Sources")
    datasets = LinesField(help_text="OpenLineage names such as ontrack.public.units, or ids: one a line.")
    fields_named = LinesField(
        label="Columns", help_text="A dataset, # and a column a line: ontrack.public.users#email."
    )
    categories = _several("Categories")
    level_from = forms.ChoiceField(required=False, label="From level")
    level_to = forms.ChoiceField(required=False, label="Up to level")
    purposes = _several("Only for these purposes")
    other_purposes_than = _several("Not for these purposes")
    weekdays = _boxes("Only on", _DAYS)
    begin = forms.TimeField(required=False, label="From", widget=forms.TimeInput(attrs={"type": "time"}))
    end = forms.TimeField(required=False, label="Until", widget=forms.TimeInput(attrs={"type": "time"}))
    timezone = forms.CharField(required=False, initial="UTC", label="Time zone", help_text="Australia/Melbourne")
    row_filter = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Rows",
        help_text="An SQL condition that shown rows meet: campus = 'Geelong'. Trino applies it; sources do not.",
    )
    max_days = forms.IntegerField(
        required=False, min_value=1, max_value=LONGEST_GRANT_DAYS, label="Grants last at most (days)"
    )
    fallback = forms.BooleanField(
        required=False, label="Stand in only where no other policy says how a request is decided"
    )
    reason = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), label="Why this change")

    def __init__(self, *args: Any, rule: Rule | None = None, domain: Domain | None = None, **options: Any) -> None:
        initial = _initial(rule) if rule is not None else {"effect": Effect.DENY, "actions": [Action.READ]}
        options["initial"] = initial | options.get("initial", {})
        super().__init__(*args, **options)
        self.domain = domain
        _offer(self, "groups", Group.objects.order_by("name"))
        _offer(self, "except_groups", Group.objects.order_by("name"))
        _offer(self, "domains", Domain.objects.all())
        _offer(self, "sources", Source.objects.all())
        _offer(self, "categories", Category.objects.all())
        purposes = list(Purpose.objects.values_list("slug", "name"))
        for name in ("purposes", "other_purposes_than"):
            cast(forms.MultipleChoiceField, self.fields[name]).choices = purposes
        levels = [("", "Any"), *((str(one.pk), one.name) for one in Level.objects.order_by("rank"))]
        for name in ("level_from", "level_to"):
            cast(forms.ChoiceField, self.fields[name]).choices = levels
        self._add_masks(levels)
        self._add_steps()
        if domain is not None:
            del self.fields["domains"], self.fields["fallback"]
            effects = [one for one in Effect if one is not Effect.ALLOW]
            cast(forms.ChoiceField, self.fields["effect"]).choices = [(one.value, one.label) for one in effects]

    def _add_masks(self, levels: list[tuple[str, str]]) -> None:
        categories = cast(forms.MultipleChoiceField, self.fields["categories"]).choices
        for n in MASKS:
            self.fields[f"mask_{n}"] = forms.ChoiceField(
                required=False,
                label=f"Mask {n}: show",
                choices=[("", "No mask"), *((one.value, one.label.capitalize()) for one in Mask)],
            )
            self.fields[f"mask_{n}_categories"] = _several(f"Mask {n}: of categories", choices=categories)
            self.fields[f"mask_{n}_level"] = forms.ChoiceField(
                required=False, label=f"Mask {n}: from level", choices=levels
            )
            self.fields[f"mask_{n}_fields"] = LinesField(label=f"Mask {n}: columns")

    def _add_steps(self) -> None:
        groups = cast(forms.MultipleChoiceField, self.fields["groups"]).choices
        for n in STEPS:
            self.fields[f"step_{n}"] = forms.ChoiceField(
                required=False,
                label=f"Step {n}: approval of",
                choices=[("", "No such step"), *((one.value, one.label.capitalize()) for one in Audience)],
            )
            self.fields[f"step_{n}_needed"] = forms.IntegerField(
                required=False,
                min_value=1,
                max_value=MOST_APPROVALS,
                label=f"Step {n}: how many",
                help_text="Empty: as many as the levels say.",
            )
            self.fields[f"step_{n}_group"] = forms.ChoiceField(
                required=False, label=f"Step {n}: which group", choices=[("", "None"), *cast(Any, groups)]
            )

    def sections(self) -> list[Section]:
        """The fields under their headings, in rows. What few policies say is folded, unless this one says it."""
        steps = [(f"step_{n}", f"step_{n}_needed", f"step_{n}_group") for n in STEPS]
        masks = [(f"mask_{n}", f"mask_{n}_categories", f"mask_{n}_level", f"mask_{n}_fields") for n in MASKS]
        excepted: list[tuple[str, ...]] = [
            ("except_people", "except_groups"),
            ("except_roles", "except_attributes"),
        ]
        layout: list[tuple[str, bool, list[tuple[str, ...]]]] = [
            ("The policy", False, [("name", "description"), ("effect", "actions")]),
            ("Whom it concerns", False, [("everyone",), ("people", "groups"), ("roles", "attributes")]),
            ("Whom not", True, excepted),
            (
                "What it is about",
                False,
                [("domains", "sources"), ("categories", "level_from", "level_to"), ("datasets", "fields_named")],
            ),
            ("When", True, [("purposes", "other_purposes_than"), ("weekdays",), ("begin", "end", "timezone")]),
            ("Who must approve requests", True, [*steps, ("max_days", "fallback")]),
            ("How it is shown", True, [*masks, ("row_filter",)]),
            ("Why", False, [("reason",)]),
        ]
        return [self._section(*one) for one in layout]

    def _section(self, title: str, may_fold: bool, rows: list[tuple[str, ...]]) -> Section:
        shown = [[self[name] for name in row if name in self.fields] for row in rows]
        said = any(one.errors or one.value() not in _UNSAID for row in shown for one in row)
        return Section(title, [row for row in shown if row], may_fold and not said)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            values["rule"] = self._rule(values)
        return values

    def _rule(self, values: dict[str, Any]) -> Rule | None:
        rule = Rule(
            effect=Effect(values["effect"]),
            actions=tuple(Action(one) for one in values["actions"]),
            subjects=self._subjects(values, ""),
            exceptions=self._subjects(values, "except_"),
            resources=Resources(
                fields=self._looked_up("fields_named", values["fields_named"], _fields_called),
                categories=_ids(values["categories"]),
                level_from=_id(values["level_from"]),
                level_to=_id(values["level_to"]),
                domains=(self.domain.pk,) if self.domain is not None else _ids(values["domains"]),
                sources=_ids(values["sources"]),
                datasets=self._looked_up("datasets", values["datasets"], _datasets_called),
            ),
            conditions=Conditions(
                purposes=tuple(values["purposes"]),
                other_purposes_than=tuple(values["other_purposes_than"]),
                weekdays=_ids(values["weekdays"]),
                begin=values["begin"],
                end=values["end"],
                timezone=values["timezone"] or "UTC",
            ),
            masks=tuple(
                MaskOf(
                    Mask(values[f"mask_{n}"]),
                    Columns(
                        fields=self._looked_up(f"mask_{n}_fields", values[f"mask_{n}_fields"], _fields_called),
                        categories=_ids(values[f"mask_{n}_categories"]),
                        level_from=_id(values[f"mask_{n}_level"]),
                    ),
                )
                for n in MASKS
                if values[f"mask_{n}"]
            ),
            row_filter=values["row_filter"].strip(),
            steps=tuple(
                Step(Audience(values[f"step_{n}"]), values[f"step_{n}_needed"] or 0, _id(values[f"step_{n}_group"]))
                for n in STEPS
                if values[f"step_{n}"]
            ),
            max_days=values["max_days"],
            fallback=bool(values.get("fallback")),
        )
        return None if self.errors else rule

    def _subjects(self, values: dict[str, Any], prefix: str) -> Subjects:
        return Subjects(
            everyone=bool(values["everyone"]) if not prefix else False,
            people=self._looked_up(f"{prefix}people", values[f"{prefix}people"], _people_called),
            groups=_ids(values[f"{prefix}groups"]),
            roles=tuple(Role(one) for one in values[f"{prefix}roles"]),
            attributes=tuple(
                Attribute(name.strip(), value.strip())
                for name, _, value in (line.partition("=") for line in values[f"{prefix}attributes"])
            ),
        )

    def _looked_up(
        self, name: str, lines: list[str], find: Callable[[list[str]], dict[str, list[int]]]
    ) -> tuple[int, ...]:
        """The ids of what the lines name; a line that fits nothing, or several, is an error of the field."""
        found = find(lines) if lines else {}
        chosen: list[int] = []
        for line in lines:
            ids = found.get(line, [])
            if len(ids) == 1:
                chosen.append(ids[0])
            elif ids:
                several = ", ".join(map(str, sorted(ids)[:5]))
                self.add_error(name, f"{line} fits several; give one of the ids {several}.")
            else:
                self.add_error(name, f"Nothing is called {line}.")
        return tuple(dict.fromkeys(chosen))


def _offer(form: forms.Form, name: str, rows: Iterable[Any]) -> None:
    cast(forms.MultipleChoiceField, form.fields[name]).choices = [(str(one.pk), one.name) for one in rows]


def _ids(values: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(one) for one in values)


def _id(value: str) -> int | None:
    return int(value) if value else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _people_called(lines: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    rows = Principal.objects.filter(
        Q(user__username__in=lines) | Q(user__email__in=lines) | Q(user__isnull=True, name__in=lines)
    ).exclude(kind=Principal.Kind.SYSTEM)
    for pk, username, email, name in rows.values_list("pk", "user__username", "user__email", "name"):
        for called in {username, email} if username else {name}:
            found.setdefault(called, []).append(pk)
    return found


def _datasets_called(lines: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    ids = [int(line) for line in lines if _is_number(line)]
    rows = Dataset.objects.filter(Q(pk__in=ids) | Q(qualified_name__in=lines), merged_into__isnull=True)
    for pk, name in rows.values_list("pk", "qualified_name"):
        for called in (str(pk), name):
            found.setdefault(called, []).append(pk)
    return found


def _fields_called(lines: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    datasets = _datasets_called([line.rpartition("#")[0] for line in lines])
    fields = Field.objects.filter(dataset__in={pk for ids in datasets.values() for pk in ids})
    by_name: dict[tuple[int, str], list[int]] = {}
    for field in fields:
        by_name.setdefault((field.dataset_id, str(field)), []).append(field.pk)
    for line in lines:
        dataset, _, name = line.rpartition("#")
        found[line] = [pk for one in datasets.get(dataset, []) for pk in by_name.get((one, name), [])]
    return found


def _initial(rule: Rule) -> dict[str, Any]:
    """A rule as the form shows it."""
    resources, conditions = rule.resources, rule.conditions
    values: dict[str, Any] = {
        "effect": rule.effect.value,
        "actions": [one.value for one in rule.actions],
        "everyone": rule.subjects.everyone,
        "domains": list(map(str, resources.domains)),
        "sources": list(map(str, resources.sources)),
        "datasets": list(map(str, resources.datasets)),
        "fields_named": _lines_of_fields(resources.fields),
        "categories": list(map(str, resources.categories)),
        "level_from": resources.level_from,
        "level_to": resources.level_to,
        "purposes": list(conditions.purposes),
        "other_purposes_than": list(conditions.other_purposes_than),
        "weekdays": list(map(str, conditions.weekdays)),
        "begin": conditions.begin,
        "end": conditions.end,
        "timezone": conditions.timezone,
        "row_filter": rule.row_filter,
        "max_days": rule.max_days,
        "fallback": rule.fallback,
    }
    for prefix, subjects in (("", rule.subjects), ("except_", rule.exceptions)):
        people = Principal.objects.filter(pk__in=subjects.people).select_related("user")
        values[f"{prefix}people"] = [one.user.username if one.user else one.name for one in people]
        values[f"{prefix}groups"] = list(map(str, subjects.groups))
        values[f"{prefix}roles"] = [one.value for one in subjects.roles]
        values[f"{prefix}attributes"] = [f"{one.name}={one.value}" for one in subjects.attributes]
    for n, mask in zip(MASKS, rule.masks, strict=False):
        values[f"mask_{n}"] = mask.mask.value
        values[f"mask_{n}_categories"] = list(map(str, mask.columns.categories))
        values[f"mask_{n}_level"] = mask.columns.level_from
        values[f"mask_{n}_fields"] = _lines_of_fields(mask.columns.fields)
    for n, step in zip(STEPS, rule.steps, strict=False):
        values[f"step_{n}"] = step.audience.value
        values[f"step_{n}_needed"] = step.needed or None
        values[f"step_{n}_group"] = step.group
    return values


def _lines_of_fields(ids: tuple[int, ...]) -> list[str]:
    return [f"{one.dataset_id}#{one}" for one in Field.objects.filter(pk__in=ids)]


class PublishForm(ActionForm):
    """When a draft comes into force."""

    valid_from = forms.DateTimeField(
        required=False,
        label="In force from",
        help_text="UTC, as 2026-12-01 09:00. Empty: from now on.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


class EndForm(ActionForm):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), label="Why")
