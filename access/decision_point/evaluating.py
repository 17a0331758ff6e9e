"""Answer what AuthZEN asks, from what is committed now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from access.decision_point import shapes
from access.decision_point.shapes import Answer, Evaluation, Evaluations, NotAsDescribed, Resource, Subject, read
from access.gathering import Found, Gathered, Named, gather
from access.policies.deciding import Decision, decide
from access.policies.facts import Question
from access.policies.requesting import about_requests
from access.policies.rules import Action
from accounts.bearers import Bearer, find
from accounts.tokens import Scope
from common.errors import Forbidden, NotSignedIn

MOST_EVALUATIONS = 1000
SUBJECTS = ("user", "principal", "service", "pipeline")
DATASETS = ("dataset", "table", "view")
COLUMNS = ("column", "field")
_SEMANTICS: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
"""The decision after which no other is answered."""
_CLOSED = "The subject is not known."
_ABSENT = "The resource is not known."


def check_bearer(bearer: Bearer | None) -> Bearer:
    if bearer is None:
        raise NotSignedIn("The token is unknown, expired or revoked. Ask its owner for a new one.")
    if Scope.ACCESS_DECIDE not in bearer.scopes:
        raise Forbidden(f"The token {bearer.name} lacks the scope {Scope.ACCESS_DECIDE}. Create one with it.")
    return bearer


def evaluate(sent: Mapping[str, Any], *, token: bytes) -> tuple[Answer, Bearer]:
    """One decision; one statement."""
    asked = read(sent, Evaluation)
    gathered = gather([named(asked.subject, asked.resource)], token=token)
    bearer = check_bearer(gathered.bearer)
    return answer_to(asked, gathered.found[0], gathered), bearer


def evaluate_many(sent: Mapping[str, Any], *, token: bytes) -> tuple[list[Answer] | Answer, Bearer]:
    """Decisions in the order of the questions; one statement. Without questions it is one decision by itself.

    A question that cannot be read is denied, and says why.
    """
    many = read(sent, Evaluations)
    if not many.evaluations:
        return evaluate(sent, token=token)
    if len(many.evaluations) > MOST_EVALUATIONS:
        raise NotAsDescribed(f"At most {MOST_EVALUATIONS} evaluations at once.")
    semantic = many.options.evaluations_semantic
    if semantic not in _SEMANTICS:
        raise NotAsDescribed(f"options.evaluations_semantic is one of {', '.join(_SEMANTICS)}.")
    defaults = {name: sent[name] for name in ("subject", "action", "resource", "context") if name in sent}
    asked = [_read_one(defaults | item) for item in many.evaluations]
    good = [one for one in asked if isinstance(one, Evaluation)]
    gathered = gather([named(one.subject, one.resource) for one in good] or [NOBODY], token=token)
    bearer = check_bearer(gathered.bearer)
    found = iter(gathered.found)
    answers: list[Answer] = []
    for one in asked:
        answer = answer_to(one, next(found), gathered) if isinstance(one, Evaluation) else one
        answers.append(answer)
        if answer.decision is _SEMANTICS[semantic]:
            break
    return answers, bearer


def _read_one(item: Mapping[str, Any]) -> Evaluation | Answer:
    try:
        return read(item, Evaluation)
    except NotAsDescribed as error:
        return Answer(False, {"error": {"status": 400, "message": error.message}})


NOBODY = Named("principal", "")


def named(subject: Subject, resource: Resource) -> Named:
    """The pair that AuthZEN names, as the database looks for it; what cannot be is looked for as nobody and nothing."""
    kind, key = (subject.type, subject.id) if subject.type in SUBJECTS else (NOBODY.kind, NOBODY.key)
    number = id_in(resource.id)
    if resource.type in COLUMNS:
        return Named(kind, key, field_id=number or 0)
    if resource.type not in DATASETS:
        return Named(kind, key)
    namespace = resource.properties.get("namespace")
    if isinstance(namespace, str):
        return Named(kind, key, namespace=namespace, name=resource.id)
    return Named(kind, key, dataset_id=number)


def id_in(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def answer_to(asked: Evaluation, found: Found, gathered: Gathered) -> Answer:
    """The decision on one question of which everything is known."""
    if found.subject is None:
        return Answer(False, {"reason": _CLOSED})
    if found.dataset is None:
        return Answer(False, {"reason": _ABSENT})
    action = action_of(asked.action)
    if action is None:
        known = ", ".join(Action)
        return Answer(False, {"reason": f"The action {asked.action.name} is not known, but {known}."})
    columns = columns_of(asked.resource, found)
    if columns is None:
        return Answer(False, {"reason": "One of the columns is not known."})
    question = Question(
        subject=found.subject,
        action=action,
        dataset=found.dataset,
        at=gathered.at,
        asked=columns,
        grants=found.grants,
        purpose=purpose_in(asked.context),
        ranks=gathered.ranks,
    )
    policies = about_requests(gathered.policies) if action is Action.REQUEST else gathered.policies
    return Answer(*_told(decide(question, policies), found))


def action_of(asked: shapes.Action) -> Action | None:
    return Action(asked.name) if asked.name in set(Action) else None


def purpose_in(context: Mapping[str, Any]) -> str:
    purpose = context.get("purpose")
    return purpose if isinstance(purpose, str) else ""


def columns_of(resource: Resource, found: Found) -> frozenset[int] | None:
    """The ids of the fields that are asked for, none for all; None where one is not there.

    Columns are named in the property `columns`. A name that fits several fields, as one with a dot may, is all of them.
    """
    if resource.type in COLUMNS:
        wanted = id_in(resource.id)
        return frozenset([wanted]) if wanted is not None and wanted in found.names else None
    named_columns = resource.properties.get("columns")
    if named_columns is None:
        return frozenset()
    if not isinstance(named_columns, list) or not named_columns:
        return None
    return fields_named(named_columns, found)


def fields_named(columns: Sequence[Any], found: Found) -> frozenset[int] | None:
    """The ids of the fields with these names; None where one is not there."""
    by_name: dict[str, list[int]] = {}
    for field_id, name in found.names.items():
        by_name.setdefault(name, []).append(field_id)
    chosen: set[int] = set()
    for column in columns:
        if not isinstance(column, str) or column not in by_name:
            return None
        chosen.update(by_name[column])
    return frozenset(chosen)


def _told(decision: Decision, found: Found) -> tuple[bool, dict[str, Any]]:
    """The decision with its context: the reason, what it rests on, and what binds whoever lets it happen."""
    context: dict[str, Any] = {"reason": " ".join(decision.reasons)}
    if decision.versions:
        context["policy_versions"] = decision.versions
    if decision.grants:
        context["grants"] = decision.grants
    obligations: dict[str, Any] = {}
    if decision.masks:
        obligations["masks"] = {
            found.names.get(field_id, ""): mask.value for field_id, mask in sorted(decision.masks.items())
        }
    if decision.row_filter:
        obligations["row_filter"] = decision.row_filter
    if obligations:
        context["obligations"] = obligations
    if decision.readable and not decision.allowed:
        context["columns"] = [found.names[one] for one in sorted(decision.readable) if one in found.names]
    return decision.allowed, context


def find_bearer(token: bytes) -> Bearer:
    """Who shows the token, checked; one statement."""
    return check_bearer(find(token))
