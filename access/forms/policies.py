"""The form of a policy: a rule as people fill it in, and back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec
from django import forms
from django.contrib.auth.models import Group
from django.forms.utils import ErrorDict

from access.forms.naming import (
    Find,
    LinesField,
    datasets_called,
    fields_called,
    lines_of_fields,
    lines_of_people,
    look_up,
    people_called,
)
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
from access.policy_queries import sources_of
from accounts.forms import ActionForm
from catalog.models import Domain, Source
from classification.limits import LONGEST_GRANT_DAYS, MOST_APPROVALS
from classification.models import Category, Level

_DAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
MASK = "mask"
STEP = "step"
_PARTS = {
    MASK: ("", "_fields", "_categories", "_level_from", "_level_to"),
    STEP: ("", "_needed", "_group"),
}
"""What the fields of a row are called after the kind and the row's number; the first says whether there is such a row."""


def _several(label: str, **options: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, label=label, **options)


def _boxes(label: str, choices: Any) -> forms.MultipleChoiceField:
    return _several(label, choices=choices, widget=forms.CheckboxSelectMultiple)


@dataclass(frozen=True, slots=True)
class Section:
    """Fields under a heading, in rows; `is_folded` where they may stay out of sight.

    Where one more row of a kind may be asked for, `adds` is the kind, and `next_id` what the row's first field will be.
    """

    title: str
    rows: list[list[forms.BoundField]]
    is_folded: bool
    adds: str = ""
    next_id: str = ""


_UNSAID: tuple[Any, ...] = (None, "", False, [], "UTC")


class PolicyForm(ActionForm):
    """A policy's name and rule. Of a domain's own policy `domain` is said: it is about that domain's datasets. `seen` is
    which state of the policy the form was filled from, and stays what it was where the form is shown again.

    Every rule that there can be comes back from its form as it was. There are as many rows of masks and of steps as were
    sent or as the rule has, with an empty one after them; a form sent by the button named `add` has one more of that kind and
    is not checked.
    """

    name = forms.CharField(max_length=150)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}), label="What it is for")
    effect = forms.ChoiceField(
        choices=[(one.value, one.label) for one in Effect],
        widget=forms.RadioSelect,
        help_text="Where several policies are about the same thing, Deny wins.",
    )
    actions = _boxes("What is done", [(one.value, one.label) for one in Action])
    everyone = forms.BooleanField(required=False, label="Everybody")
    people = LinesField(
        help_text="User names or e-mail addresses, services and pipelines by name, or # and an id: one a line."
    )
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
        label="Columns", help_text="A dataset, # and a column a line: ontrack.public.users#email. Or # and an id."
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
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, rule: Rule | None = None, domain: Domain | None = None, **options: Any) -> None:
        initial = _initial(rule) if rule is not None else {"effect": Effect.DENY, "actions": [Action.READ]}
        options["initial"] = initial | options.get("initial", {})
        super().__init__(*args, **options)
        self.domain = domain
        self.written = rule
        self.adds = self.data.get("add", "")
        self._offer("groups", Group.objects.order_by("name"))
        self._offer("except_groups", Group.objects.order_by("name"))
        self._offer("domains", Domain.objects.all())
        sources = Source.objects.all()
        self._offer("sources", sources if domain is None else sources.filter(sources_of(domain)))
        self._offer("categories", Category.objects.all())
        purposes = list(Purpose.objects.values_list("slug", "name"))
        for name in ("purposes", "other_purposes_than"):
            self._choose_from(name, purposes)
        levels = [("", "Any"), *((str(one.pk), one.name) for one in Level.objects.order_by("rank"))]
        for name in ("level_from", "level_to"):
            self._choose_from(name, levels)
        self.masks = self._rows(MASK, len(rule.masks) if rule is not None else 0)
        self.steps = self._rows(STEP, len(rule.steps) if rule is not None else 0)
        for n in self.masks:
            self._add_mask(n, levels)
        for n in self.steps:
            self._add_step(n)
        if domain is not None:
            del self.fields["domains"], self.fields["fallback"]
            effects = [one for one in Effect if one is not Effect.ALLOW]
            cast(forms.ChoiceField, self.fields["effect"]).choices = [(one.value, one.label) for one in effects]

    def _offer(self, name: str, rows: Iterable[Any]) -> None:
        self._choose_from(name, [(str(one.pk), one.name) for one in rows])

    def _choose_from(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Let a field choose from these, and from what the rule names and is not there any more.

        A choice that is left out would drop out of the rule unseen, and a rule that names nothing is about everything.
        """
        known = {value for value, _ in choices}
        named = self.initial.get(name)
        gone = [str(one) for one in (named if isinstance(named, list) else [named]) if one and str(one) not in known]
        cast(forms.ChoiceField, self.fields[name]).choices = [*choices, *((one, f"{one} (gone)") for one in gone)]

    def _rows(self, kind: str, filled: int) -> list[int]:
        """The numbers of the rows of a kind: those that were sent, or those that are filled and an empty one."""
        if not self.is_bound:
            return list(range(1, filled + 2))
        sent = sorted(int(key[len(kind) + 1 :]) for key in self.data if re.fullmatch(rf"{kind}_[1-9][0-9]{{0,3}}", key))
        return [*sent, max(sent, default=0) + 1] if self.adds == kind or not sent else sent

    def _add_mask(self, n: int, levels: list[tuple[str, str]]) -> None:
        masks = [("", "No mask"), *((one.value, one.label.capitalize()) for one in Mask)]
        self.fields[f"mask_{n}"] = forms.ChoiceField(required=False, label=f"Mask {n}: show", choices=masks)
        self.fields[f"mask_{n}_fields"] = LinesField(label=f"Mask {n}: columns")
        self.fields[f"mask_{n}_categories"] = _several(f"Mask {n}: of categories")
        self._choose_from(f"mask_{n}_categories", self._choices_of("categories"))
        for name, label in (("level_from", "from level"), ("level_to", "up to level")):
            self.fields[f"mask_{n}_{name}"] = forms.ChoiceField(required=False, label=f"Mask {n}: {label}")
            self._choose_from(f"mask_{n}_{name}", levels)

    def _add_step(self, n: int) -> None:
        audiences = [("", "No such step"), *((one.value, one.label.capitalize()) for one in Audience)]
        self.fields[f"step_{n}"] = forms.ChoiceField(required=False, label=f"Step {n}: approval of", choices=audiences)
        self.fields[f"step_{n}_needed"] = forms.IntegerField(
            required=False,
            min_value=1,
            max_value=MOST_APPROVALS,
            label=f"Step {n}: how many",
            help_text="Empty: as many as the levels say.",
        )
        self.fields[f"step_{n}_group"] = forms.ChoiceField(required=False, label=f"Step {n}: which group")
        self._choose_from(f"step_{n}_group", [("", "None"), *self._choices_of("groups")])

    def _choices_of(self, name: str) -> list[tuple[str, str]]:
        return list(cast(Any, cast(forms.MultipleChoiceField, self.fields[name]).choices))

    def sections(self) -> list[Section]:
        """The fields under their headings, in rows. What few policies say is folded, unless this one says it."""
        steps = [tuple(f"step_{n}{part}" for part in _PARTS[STEP]) for n in self.steps]
        masks = [tuple(f"mask_{n}{part}" for part in _PARTS[MASK]) for n in self.masks]
        excepted: list[tuple[str, ...]] = [
            ("except_people", "except_groups"),
            ("except_roles", "except_attributes"),
        ]
        layout: list[tuple[str, bool, list[tuple[str, ...]], str]] = [
            ("The policy", False, [("name", "description"), ("effect", "actions")], ""),
            ("Whom it concerns", False, [("everyone",), ("people", "groups"), ("roles", "attributes")], ""),
            ("Whom not", True, excepted, ""),
            (
                "What it is about",
                False,
                [("domains", "sources"), ("categories", "level_from", "level_to"), ("datasets", "fields_named")],
                "",
            ),
            ("When", True, [("purposes", "other_purposes_than"), ("weekdays",), ("begin", "end", "timezone")], ""),
            ("Who must approve requests", True, steps, STEP),
            ("How long grants last, and when it stands in", True, [("max_days", "fallback")], ""),
            ("How it is shown", True, masks, MASK),
            ("Which rows are shown", True, [("row_filter",)], ""),
            ("Why", False, [("reason",)], ""),
        ]
        return [self._section(*one) for one in layout]

    def _section(self, title: str, may_fold: bool, rows: list[tuple[str, ...]], adds: str) -> Section:
        shown = [[self[name] for name in row if name in self.fields] for row in rows]
        said = any(one.errors or one.value() not in _UNSAID for row in shown for one in row)
        numbers = {MASK: self.masks, STEP: self.steps}.get(adds, [])
        return Section(
            title,
            [row for row in shown if row],
            may_fold and not said and (not adds or self.adds != adds),
            adds,
            f"id_{adds}_{max(numbers) + 1}" if numbers else "",
        )

    def full_clean(self) -> None:
        super().full_clean()
        if self.adds:
            self._errors = ErrorDict()

    def is_valid(self) -> bool:
        return not self.adds and super().is_valid()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            values["rule"] = self._rule(values)
        return values

    def _rule(self, values: dict[str, Any]) -> Rule | None:
        """The rule as it was filled in; what was not changed of it is as it was written, order and all."""
        rule = Rule(
            effect=Effect(values["effect"]),
            actions=tuple(Action(one) for one in values["actions"]),
            subjects=self._subjects(values, ""),
            exceptions=self._subjects(values, "except_"),
            resources=Resources(
                fields=self._looked_up("fields_named", values["fields_named"], self._fields_called),
                categories=_ids(values["categories"]),
                level_from=_id(values["level_from"]),
                level_to=_id(values["level_to"]),
                domains=(self.domain.pk,) if self.domain is not None else _ids(values["domains"]),
                sources=_ids(values["sources"]),
                datasets=self._looked_up("datasets", values["datasets"], self._datasets_called),
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
                        fields=self._looked_up(f"mask_{n}_fields", values[f"mask_{n}_fields"], self._fields_called),
                        categories=_ids(values[f"mask_{n}_categories"]),
                        level_from=_id(values[f"mask_{n}_level_from"]),
                        level_to=_id(values[f"mask_{n}_level_to"]),
                    ),
                )
                for n in self._said(MASK, self.masks, values, "Choose how this is shown, or empty the rest of the row.")
            ),
            row_filter=values["row_filter"].strip(),
            steps=tuple(
                Step(Audience(values[f"step_{n}"]), values[f"step_{n}_needed"] or 0, _id(values[f"step_{n}_group"]))
                for n in self._said(STEP, self.steps, values, "Choose who approves, or empty the rest of the row.")
            ),
            max_days=values["max_days"],
            fallback=bool(values.get("fallback")),
        )
        if self.errors:
            return None
        return cast(Rule, _as_written(rule, self.written)) if self.written is not None else rule

    def _subjects(self, values: dict[str, Any], prefix: str) -> Subjects:
        return Subjects(
            everyone=bool(values["everyone"]) if not prefix else False,
            people=self._looked_up(f"{prefix}people", values[f"{prefix}people"], people_called),
            groups=_ids(values[f"{prefix}groups"]),
            roles=tuple(Role(one) for one in values[f"{prefix}roles"]),
            attributes=tuple(
                Attribute(name.strip(), value.strip())
                for name, _, value in (line.partition("=") for line in values[f"{prefix}attributes"])
            ),
        )

    def _said(self, kind: str, rows: list[int], values: dict[str, Any], problem: str) -> list[int]:
        """The rows that say something. One that is filled and leaves open what it is about is an error at that row."""
        filled = [n for n in rows if any(values[f"{kind}_{n}{part}"] for part in _PARTS[kind])]
        said = [n for n in filled if values[f"{kind}_{n}"]]
        for n in filled:
            if n not in said:
                self.add_error(f"{kind}_{n}", problem)
        return said

    def _datasets_called(self, lines: list[str]) -> dict[str, list[int]]:
        return datasets_called(lines, self.domain)

    def _fields_called(self, lines: list[str]) -> dict[str, list[int]]:
        return fields_called(lines, self.domain)

    def _looked_up(self, name: str, lines: list[str], find: Find) -> tuple[int, ...]:
        """The ids of what the lines name; a line that fits nothing, or several, is an error of the field."""
        ids, problems = look_up(lines, find)
        for problem in problems:
            self.add_error(name, problem)
        return ids


def _as_written(new: Any, old: Any) -> Any:
    """`new`, with each part that says no more and no less than the same part of `old` as it is there."""
    if isinstance(new, msgspec.Struct) and type(new) is type(old):
        parts = {name: _as_written(getattr(new, name), getattr(old, name)) for name in new.__struct_fields__}
        return msgspec.structs.replace(new, **parts)
    if isinstance(new, str) and isinstance(old, str):
        # Browsers send other ends of lines than they were given.
        return old if new.splitlines() == old.strip().splitlines() else new
    if not isinstance(new, tuple) or not isinstance(old, tuple):
        return new
    if any(isinstance(one, MaskOf | Step) for one in new):
        return tuple(map(_as_written, new, old)) if len(new) == len(old) else new
    return old if set(new) == set(old) else new


def _ids(values: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(one) for one in values)


def _id(value: str) -> int | None:
    return int(value) if value else None


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
        "fields_named": lines_of_fields(resources.fields),
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
        values[f"{prefix}people"] = lines_of_people(subjects.people)
        values[f"{prefix}groups"] = list(map(str, subjects.groups))
        values[f"{prefix}roles"] = [one.value for one in subjects.roles]
        values[f"{prefix}attributes"] = [f"{one.name}={one.value}" for one in subjects.attributes]
    for n, mask in enumerate(rule.masks, start=1):
        values[f"mask_{n}"] = mask.mask.value
        values[f"mask_{n}_categories"] = list(map(str, mask.columns.categories))
        values[f"mask_{n}_level_from"] = mask.columns.level_from
        values[f"mask_{n}_level_to"] = mask.columns.level_to
        values[f"mask_{n}_fields"] = lines_of_fields(mask.columns.fields)
    for n, step in enumerate(rule.steps, start=1):
        values[f"step_{n}"] = step.audience.value
        values[f"step_{n}_needed"] = step.needed or None
        values[f"step_{n}_group"] = step.group
    return values


class PublishForm(ActionForm):
    """When a draft comes into force, and what becomes of the grants that it refuses.

    `seen` is which state of the policy was previewed.
    """

    valid_from = forms.DateTimeField(
        required=False,
        label="In force from",
        help_text="UTC, as 2026-12-01 09:00. Empty: from now on.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    refused = forms.ChoiceField(
        choices=[
            ("end", "End them as it comes into force"),
            ("ask", "Ask whoever answers for the data first; those that nobody confirms end"),
        ],
        label="Grants that it refuses",
        widget=forms.RadioSelect,
        initial="end",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, denies: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if not denies:
            del self.fields["refused"]


class EndForm(ActionForm):
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}), label="Why")
