"""What OpenID AuthZEN 1.0 sends and wants. Members that are not named here are passed over, as it says. Pure.

https://openid.net/specs/authorization-api-1_0.html
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from common.errors import CatalogError

Properties = dict[str, Any]


def check_storable(member: str, *values: Any) -> None:
    """PostgreSQL keeps no NUL, so nothing is called so. `msgspec` makes its own error of this one."""
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise ValueError(f"The {member} holds a NUL character")


class Subject(msgspec.Struct, frozen=True):
    type: str
    id: str
    properties: Properties = {}

    def __post_init__(self) -> None:
        check_storable("subject", self.id)


class Resource(msgspec.Struct, frozen=True):
    type: str
    id: str
    properties: Properties = {}

    def __post_init__(self) -> None:
        check_storable("resource", self.id, self.properties.get("namespace"))


class Action(msgspec.Struct, frozen=True):
    name: str
    properties: Properties = {}


class Kind(msgspec.Struct, frozen=True):
    """A subject or resource that is searched for: an id is passed over."""

    type: str
    properties: Properties = {}


class Evaluation(msgspec.Struct, frozen=True):
    subject: Subject
    action: Action
    resource: Resource
    context: Properties = {}


class Options(msgspec.Struct, frozen=True):
    evaluations_semantic: str = "execute_all"


class Evaluations(msgspec.Struct, frozen=True):
    """Several at once; what one leaves out it has from here. Items are read one by one: a bad one spoils no other."""

    evaluations: list[Properties] = []
    options: Options = Options()


class Page(msgspec.Struct, frozen=True):
    """`next_token` is what drafts called `token`."""

    token: str = ""
    next_token: str = ""
    limit: int | None = None


class SubjectSearch(msgspec.Struct, frozen=True):
    subject: Kind
    action: Action
    resource: Resource
    context: Properties = {}
    page: Page = Page()


class ResourceSearch(msgspec.Struct, frozen=True):
    subject: Subject
    action: Action
    resource: Kind
    context: Properties = {}
    page: Page = Page()


class ActionSearch(msgspec.Struct, frozen=True):
    subject: Subject
    resource: Resource
    context: Properties = {}
    page: Page = Page()


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision; `context` says why, and what binds whoever lets it happen."""

    decision: bool
    context: Properties | None = None


class Answers(msgspec.Struct, frozen=True):
    evaluations: list[Answer]


class NextPage(msgspec.Struct, frozen=True):
    next_token: str = ""


class Results(msgspec.Struct, frozen=True):
    results: list[Properties]
    page: NextPage = NextPage()


class NotAsDescribed(CatalogError):
    """400: the body is not what the specification describes."""

    code = "not_as_described"
    title = "The body is not as described"


Shape = TypeVar("Shape")


def read(value: Any, shape: type[Shape]) -> Shape:
    """The value as a shape; raises `NotAsDescribed` with the member and what is wrong with it."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise NotAsDescribed(f"{error}.") from None


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises `NotAsDescribed` for anything else."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise NotAsDescribed(f"The body is no JSON: {error}.") from None
    except RecursionError:
        raise NotAsDescribed("The JSON is nested too deeply.") from None
    if not isinstance(value, dict):
        raise NotAsDescribed("The body is no JSON object.")
    return value
