"""What a policy is written in. A rule is a value: frozen, JSON by `msgspec`, and the whole of a version of a policy.

    a rule concerns   any of its subjects that is none of its exceptions
                      resources that satisfy each kind of selector it has, by any of that kind's alternatives
                      the actions it names, while its conditions hold
    what follows      its effect

Selectors that are empty select everything. Levels are named by id: ranks may be permuted.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from access.policies.masking import Mask
from access.policy import Audience
from classification.limits import LONGEST_GRANT_DAYS, MOST_APPROVALS

MOST_STEPS = 5
_LONGEST_FILTER = 2000


class Effect(StrEnum):
    """What a rule does. Of several that concern the same thing, `deny` wins."""

    ALLOW = "allow"
    DENY = "deny"
    RESTRICT = "restrict"
    APPROVAL = "approval"

    @property
    def label(self) -> str:
        return _EFFECTS[self]


_EFFECTS = {
    Effect.ALLOW: "Allow",
    Effect.DENY: "Deny",
    Effect.RESTRICT: "Mask or filter",
    Effect.APPROVAL: "Ask for approval",
}


class Action(StrEnum):
    """What is done with data. `request` is to ask for a grant, which lets its holder read."""

    READ = "read"
    WRITE = "write"
    REQUEST = "request"

    @property
    def label(self) -> str:
        return _ACTIONS[self]


_ACTIONS = {
    Action.READ: "Read",
    Action.WRITE: "Write",
    Action.REQUEST: "Ask for access",
}

POSSIBLE: Mapping[Effect, frozenset[Action]] = {
    Effect.ALLOW: frozenset(Action),
    Effect.DENY: frozenset(Action),
    Effect.RESTRICT: frozenset({Action.READ}),
    Effect.APPROVAL: frozenset({Action.REQUEST}),
}
"""The actions that an effect may be about. To allow a request is to grant it without anybody's approval."""


class Role(StrEnum):
    """What somebody is to the dataset in question: by its domain, or as its owner."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    STEWARD = "steward"
    OWNER = "owner"
    DATASET_OWNER = "dataset_owner"

    @property
    def label(self) -> str:
        return _ROLES[self]


_ROLES = {
    Role.VIEWER: "viewers of its domain",
    Role.ANALYST: "analysts of its domain",
    Role.STEWARD: "stewards of its domain",
    Role.OWNER: "owners of its domain",
    Role.DATASET_OWNER: "owners of the dataset",
}

KIND = "kind"
"""The attribute that everybody has: `person`, `service` or `pipeline`. Others are set in the catalog."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of all parts of a rule."""


class Attribute(_Part, frozen=True):
    name: str
    value: str


class Subjects(_Part, frozen=True):
    """Alternatives: whoever is in any of these. People are principals by id, services and pipelines among them."""

    everyone: bool = False
    people: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    roles: tuple[Role, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.everyone or self.people or self.groups or self.roles or self.attributes)


class Columns(_Part, frozen=True):
    """Which fields of a dataset. Empty: all of them, and the dataset as such."""

    fields: tuple[int, ...] = ()
    categories: tuple[int, ...] = ()
    level_from: int | None = None
    level_to: int | None = None

    @property
    def is_all(self) -> bool:
        return not (self.fields or self.categories or self.level_from is not None or self.level_to is not None)


class Resources(Columns, frozen=True):
    """Which datasets, and which of their fields."""

    domains: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()
    datasets: tuple[int, ...] = ()


class Conditions(_Part, frozen=True):
    """When a rule holds. `weekdays` count from Monday, 0; `hours` are those of `timezone`, the end excluded.

    A purpose that is not told is none of `purposes`, and none of `other_purposes_than` either.
    """

    purposes: tuple[str, ...] = ()
    other_purposes_than: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    begin: dt.time | None = None
    end: dt.time | None = None
    timezone: str = "UTC"

    @property
    def is_of_hours(self) -> bool:
        return bool(self.weekdays) or self.begin is not None or self.end is not None


class MaskOf(_Part, frozen=True):
    """How columns are shown."""

    mask: Mask
    columns: Columns = Columns()


class Step(_Part, frozen=True):
    """So many approvals of an audience; `needed` 0 is as many as the levels concerned want."""

    audience: Audience = Audience.ANSWERABLE
    needed: int = 0
    group: int | None = None


class Rule(_Part, frozen=True):
    """One version's contents.

    `masks` bind what an allowing or approving rule gives, or, of a restricting one, whatever anything gives; so does
    `row_filter`, except that a rule which decides requests has none, as grants give every row. `max_days` limits
    grants. A `fallback` says how a request is decided where no other policy does.
    """

    effect: Effect
    actions: tuple[Action, ...]
    subjects: Subjects = Subjects()
    exceptions: Subjects = Subjects()
    resources: Resources = Resources()
    conditions: Conditions = Conditions()
    masks: tuple[MaskOf, ...] = ()
    row_filter: str = ""
    steps: tuple[Step, ...] = ()
    max_days: int | None = None
    fallback: bool = False

    @property
    def decides_requests(self) -> bool:
        """Whether it says what becomes of a request: by whose approval, or without any."""
        return self.effect is Effect.APPROVAL or (self.effect is Effect.ALLOW and Action.REQUEST in self.actions)


class InForce(msgspec.Struct, frozen=True):
    """A version of a policy that is in force. `narrows` is said of a domain's own policies, which never loosen others'."""

    version_id: int
    number: int
    name: str
    rule: Rule
    narrows: bool = False

    @property
    def title(self) -> str:
        return f"“{self.name}” (version {self.number})"


def read_rule(stored: Any) -> Rule:
    """The rule of stored or sent JSON. Raises `ValueError` with a sentence that names the member."""
    try:
        return msgspec.convert(stored, Rule)
    except msgspec.ValidationError as error:
        raise ValueError(f"This is no rule: {error}.") from None


def stored_form(rule: Rule) -> dict[str, Any]:
    """The rule as JSON, in one way only: what is empty is left out."""
    form: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rule))
    return form


def problems_of(rule: Rule) -> dict[str, list[str]]:
    """What keeps a rule from being put into force: sentences by the member that they are about."""
    found: dict[str, list[str]] = {}
    for member, sentence in _problems(rule):
        found.setdefault(member, []).append(sentence)
    return found


def _problems(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.actions:
        yield "actions", "Say what it is about: reading, writing or asking for access."
    if set(rule.actions) - POSSIBLE[rule.effect]:
        possible = ", ".join(action.label.lower() for action in Action if action in POSSIBLE[rule.effect])
        yield "actions", f"“{rule.effect.label}” may only be about: {possible}."
    if rule.subjects.is_empty:
        yield "subjects", "Say whom it concerns, or tick everybody."
    if rule.exceptions.everyone:
        yield "exceptions", "With everybody excepted it concerns nobody."
    if rule.effect is Effect.RESTRICT and not (rule.masks or rule.row_filter):
        yield "masks", "Say which columns are masked, or which rows are shown."
    if rule.effect is Effect.DENY and (rule.masks or rule.row_filter):
        yield "masks", "What is denied is not shown at all: leave out masks and the row filter."
    if rule.row_filter and rule.decides_requests:
        yield (
            "row_filter",
            "A grant gives columns and no choice of rows. Leave the row filter out, or set it in a policy on reading.",
        )
    if rule.effect is Effect.APPROVAL and not rule.steps:
        yield "steps", "Say who must approve."
    if rule.effect is not Effect.APPROVAL and rule.steps:
        yield "steps", "Only a policy that asks for approval has steps."
    if rule.fallback and not rule.decides_requests:
        yield "fallback", "Only a policy that says how requests are decided can stand in for others."
    for one in (*rule.subjects.attributes, *rule.exceptions.attributes):
        if not one.name or not one.value or any(part.strip().splitlines() != [part] for part in (one.name, one.value)):
            yield "attributes", "An attribute is a name, = and a value, such as department=finance."
        elif "=" in one.name:
            yield "attributes", f"The name of an attribute has no =, and {one.name} has."
    yield from _problems_of_limits(rule)
    yield from _problems_of_conditions(rule.conditions)
    if rule.row_filter:
        yield from (("row_filter", sentence) for sentence in problems_of_row_filter(rule.row_filter))


def _problems_of_limits(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.max_days is not None and not rule.decides_requests:
        yield "max_days", "Only a policy that says how requests are decided limits how long a grant lasts."
    if rule.max_days is not None and not 1 <= rule.max_days <= LONGEST_GRANT_DAYS:
        yield "max_days", f"Choose from 1 to {LONGEST_GRANT_DAYS} days."
    if len(rule.steps) > MOST_STEPS:
        yield "steps", f"At most {MOST_STEPS} steps."
    for step in rule.steps:
        if not 0 <= step.needed <= MOST_APPROVALS:
            yield "steps", f"A step wants at most {MOST_APPROVALS} approvals."
        if (step.audience is Audience.GROUP) != (step.group is not None):
            yield "steps", "A step of a group names it, and no other step does."


def _problems_of_conditions(conditions: Conditions) -> Iterator[tuple[str, str]]:
    if any(not 0 <= day <= 6 for day in conditions.weekdays):
        yield "conditions", "Weekdays are numbers from 0, Monday, to 6, Sunday."
    if (conditions.begin is None) != (conditions.end is None):
        yield "conditions", "Give both hours, from when and until when."
    if conditions.begin is not None and conditions.begin == conditions.end:
        yield "conditions", "The hours begin and end at the same time."
    if any(time is not None and (time.tzinfo or time.microsecond) for time in (conditions.begin, conditions.end)):
        yield "conditions", "Hours are told as 09:00 or 09:00:00; the time zone is told beside them."
    if conditions.purposes and conditions.other_purposes_than:
        yield "conditions", "Say either for which purposes or for which not."
    if conditions.timezone not in zoneinfo.available_timezones():
        yield "conditions", f"{conditions.timezone} is no time zone such as Australia/Melbourne."


def problems_of_row_filter(text: str) -> Sequence[str]:
    """What keeps a text from being a row filter: one SQL condition on the columns of one row, nothing read from elsewhere."""
    if len(text) > _LONGEST_FILTER:
        return [f"A row filter has at most {_LONGEST_FILTER} characters."]
    if "--" in text or "/*" in text or ";" in text:
        return ["A row filter has no comments and no semicolons."]
    # Heavy, and only for whoever edits a policy.
    import sqlglot
    from sqlglot import expressions

    try:
        (parsed,) = sqlglot.parse(text, read="trino")
    except (sqlglot.errors.SqlglotError, ValueError):
        parsed = None
    conditions = (expressions.Predicate, expressions.Connector, expressions.Not, expressions.Paren, expressions.Boolean)
    if not isinstance(parsed, conditions):
        return ["This is no SQL condition such as region = 'AU'."]
    if parsed.find(expressions.Query) is not None:
        return ["A row filter may not read other tables."]
    return []
