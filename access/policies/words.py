"""A rule in words: what each part of it says, as lines that people read side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from access.policies.rules import Action, Columns, Conditions, Effect, Rule, Step, Subjects
from access.policies.standing import may_turn

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Names:
    """What is called how, by id; what is gone is told by its id."""

    people: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    domains: Mapping[int, str] = field(default_factory=dict)
    sources: Mapping[int, str] = field(default_factory=dict)
    datasets: Mapping[int, str] = field(default_factory=dict)
    fields: Mapping[int, str] = field(default_factory=dict)
    categories: Mapping[int, str] = field(default_factory=dict)
    levels: Mapping[int, str] = field(default_factory=dict)
    purposes: Mapping[str, str] = field(default_factory=dict)


def rule_in_words(rule: Rule, names: Names) -> dict[str, str]:
    """What the rule says, by the question that it answers; parts that say nothing are left out."""
    lines = {
        "Effect": _effect(rule),
        "Whom": _subjects(rule.subjects, names),
        "Except": "" if rule.exceptions.is_empty else _subjects(rule.exceptions, names),
        "What": _resources(rule, names),
        "When": _conditions(rule.conditions, names),
        "Shown as": "; ".join(
            f"{_columns(mask.columns, names) or 'all columns'}: {mask.mask.label}" for mask in rule.masks
        ),
        "Rows": rule.row_filter,
        "Approvals": ", then ".join(_step(step, names) for step in rule.steps),
        "For at most": f"{rule.max_days} days" if rule.max_days is not None else "",
        "Stands in": "Only where no other policy says how a request is decided." if rule.fallback else "",
    }
    return {question: words for question, words in lines.items() if words}


def showing_in_words(rule: Rule) -> str:
    """What becomes of what is read and granted where a rule masks or filters; empty where it does neither."""
    if not (rule.masks or rule.row_filter):
        return ""
    does = _listed([*(["masks columns"] if rule.masks else []), *(["filters rows"] if rule.row_filter else [])], "and")
    of_what = "what may be read" if rule.effect is Effect.RESTRICT else "what it gives"
    said = [f"It {does} of {of_what}."]
    if Action.READ in rule.actions:
        said.append(f"Decisions do so {'at its hours' if rule.conditions.is_of_hours else 'at once'}.")
    if rule.masks and may_turn(rule):
        rows = " and give every row" if rule.row_filter else ""
        said.append(f"New grants carry the masks{rows}; whoever answers for the data is asked about grants that stand.")
    else:
        said.append("Grants do not carry it, and nobody is asked about those that stand.")
    return " ".join(said)


def left_out_of_previews(rules: Iterable[Rule]) -> str:
    """What these rules do and no preview of who may read counts, as a sentence; empty where it counts all of it."""
    rules = list(rules)
    left_out = {
        "what holds at other hours": any(rule.conditions.is_of_hours for rule in rules),
        "what holds for a purpose that is told": any(
            rule.conditions.purposes or rule.conditions.other_purposes_than for rule in rules
        ),
        "which columns are masked and which rows are shown": any(rule.masks or rule.row_filter for rule in rules),
        "writing": any(Action.WRITE in rule.actions for rule in rules),
    }
    named = [what for what, is_left_out in left_out.items() if is_left_out]
    return (
        f"Who gains and who loses is counted for reading now, without a purpose: not {_listed(named, 'or')}."
        if named
        else ""
    )


def _effect(rule: Rule) -> str:
    actions = _listed((action.label.lower() for action in rule.actions), "and")
    if rule.effect is Effect.ALLOW and rule.decides_requests and len(rule.actions) == 1:
        return "Grant requests at once, without approval"
    if rule.effect is Effect.APPROVAL:
        return "Ask for approval of requests"
    if rule.effect is Effect.RESTRICT:
        return "Mask or filter what is read"
    return f"{rule.effect.label}: {actions}"


def _subjects(subjects: Subjects, names: Names) -> str:
    if subjects.everyone:
        return "Everybody"
    parts = [
        *(names.people.get(one, f"principal {one}") for one in subjects.people),
        *(f"the group {names.groups.get(one, one)}" for one in subjects.groups),
        *(role.label for role in subjects.roles),
        *(f"whoever has {one.name}={one.value}" for one in subjects.attributes),
    ]
    return _listed(parts, "or")


def _resources(rule: Rule, names: Names) -> str:
    resources = rule.resources
    parts = [
        _named("domain", resources.domains, names.domains),
        _named("source", resources.sources, names.sources),
        _named("dataset", resources.datasets, names.datasets),
        _columns(resources, names),
    ]
    return "; ".join(part for part in parts if part) or "Everything"


def _columns(columns: Columns, names: Names) -> str:
    parts = [
        _named("column", columns.fields, names.fields),
        _named("category", columns.categories, names.categories),
        f"level {_level(columns.level_from, names)} or above" if columns.level_from is not None else "",
        f"level {_level(columns.level_to, names)} or below" if columns.level_to is not None else "",
    ]
    return "; ".join(part for part in parts if part)


def _level(level: int, names: Names) -> str:
    return names.levels.get(level, f"{level} (gone)")


def _named(kind: str, ids: Iterable[int], names: Mapping[int, str]) -> str:
    called = [names.get(one, f"{one} (gone)") for one in ids]
    return f"{kind} {_listed(called, 'or')}" if called else ""


def _conditions(conditions: Conditions, names: Names) -> str:
    def purposes(slugs: Iterable[str]) -> str:
        return _listed((names.purposes.get(slug, slug) for slug in slugs), "or")

    parts = []
    if conditions.purposes:
        parts.append(f"for the purpose {purposes(conditions.purposes)}")
    if conditions.other_purposes_than:
        parts.append(f"unless for the purpose {purposes(conditions.other_purposes_than)}")
    if conditions.weekdays:
        parts.append(f"on {_listed((_DAYS[day] for day in conditions.weekdays), 'and')}")
    if conditions.begin is not None and conditions.end is not None:
        parts.append(f"from {conditions.begin:%H:%M} to {conditions.end:%H:%M}")
    if conditions.is_of_hours:
        parts.append(f"in {conditions.timezone}")
    return ", ".join(parts)


def _step(step: Step, names: Names) -> str:
    whom = f"the group {names.groups.get(step.group, step.group)}" if step.group else step.audience.label
    return f"{step.needed or 'as many as the levels say'} of {whom}"


def _listed(words: Iterable[str], word: str) -> str:
    every = [str(one) for one in words]
    return f" {word} ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else "".join(every)
