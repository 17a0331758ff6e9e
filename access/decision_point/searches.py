"""AuthZEN's three searches. Whatever they find is allowed where it is evaluated, from what is committed now."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from access.decision_point import shapes
from access.decision_point.evaluating import (
    COLUMNS,
    DATASETS,
    SUBJECTS,
    action_of,
    answer_to,
    check_bearer,
    columns_of,
    named,
    purpose_in,
)
from access.decision_point.shapes import (
    ActionSearch,
    Evaluation,
    NextPage,
    NotAsDescribed,
    Page,
    Resource,
    ResourceSearch,
    Results,
    Subject,
    SubjectSearch,
    read,
)
from access.gathering import Gathered, gather
from access.policies.requesting import about_requests
from access.policies.rules import Action, InForce
from access.policies_in_sql import Setting, datasets_for, fields_for, principals_for
from access.searching import subject_everywhere
from accounts.bearers import Bearer
from accounts.models import Principal
from catalog.models import Field

PAGE = 100
LONGEST_PAGE = 1000


def search_resources(sent: Mapping[str, Any], *, token: bytes) -> tuple[Results, Bearer]:
    """The datasets with all of whose columns a subject may do something, or the columns, by ascending id.

    A fixed number of statements.
    """
    asked = read(sent, ResourceSearch)
    after, limit = _page(asked.page)
    gathered = gather([named(asked.subject, Resource("dataset", "0"))], token=token)
    bearer = check_bearer(gathered.bearer)
    subject = gathered.found[0].subject
    action = action_of(asked.action)
    if subject is None or action is None or asked.resource.type not in (*DATASETS, *COLUMNS):
        return Results([]), bearer
    everywhere = subject_everywhere(subject.principal_id)
    if everywhere is None:
        return Results([]), bearer
    policies, setting = _setting(gathered, action, asked.context)
    if asked.resource.type in COLUMNS:
        ids = fields_for(everywhere, policies, setting, after=after, most=limit + 1)
        return Results(
            _columns(asked.resource.type, ids[:limit]), _next(ids[limit - 1] if len(ids) > limit else 0)
        ), bearer
    found = datasets_for(everywhere, policies, setting).filter(pk__gt=after).order_by("pk")
    rows = list(found.values_list("pk", "namespace", "qualified_name")[: limit + 1])
    results = [
        {"type": asked.resource.type, "id": str(pk), "properties": {"namespace": namespace, "name": name}}
        for pk, namespace, name in rows[:limit]
    ]
    return Results(results, _next(rows[limit - 1][0] if len(rows) > limit else 0)), bearer


def _columns(kind: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """These columns as results, in the order of their ids, with the dataset of each; one statement."""
    return [
        {
            "type": kind,
            "id": str(one.pk),
            "properties": {
                "dataset": str(one.dataset_id),
                "namespace": one.dataset.namespace,
                "name": one.dataset.qualified_name,
                "column": ".".join(one.path),
            },
        }
        for one in Field.objects.filter(pk__in=ids).select_related("dataset").order_by("pk")
    ]


def search_subjects(sent: Mapping[str, Any], *, token: bytes) -> tuple[Results, Bearer]:
    """Who may do something with a dataset or columns of it, by ascending id."""
    asked = read(sent, SubjectSearch)
    after, limit = _page(asked.page)
    gathered = gather([named(Subject("principal", ""), asked.resource)], token=token)
    bearer = check_bearer(gathered.bearer)
    action = action_of(asked.action)
    found = gathered.found[0]
    known = asked.subject.type in SUBJECTS and asked.resource.type in (*DATASETS, *COLUMNS)
    columns = columns_of(asked.resource, found) if found.dataset else None
    if not known or action is None or found.dataset is None or columns is None:
        return Results([]), bearer
    policies, setting = _setting(gathered, action, asked.context)
    principals = _of_type(principals_for(found.dataset, columns, policies, setting), asked.subject.type)
    rows = list(principals.filter(pk__gt=after).order_by("pk").select_related("user")[: limit + 1])
    results = [{"type": asked.subject.type, "id": _id_of(one, asked.subject.type)} for one in rows[:limit]]
    return Results(results, _next(rows[limit - 1].pk if len(rows) > limit else 0)), bearer


def search_actions(sent: Mapping[str, Any], *, token: bytes) -> tuple[Results, Bearer]:
    """What a subject may do with a dataset or columns of it; one statement."""
    asked = read(sent, ActionSearch)
    _page(asked.page)
    gathered = gather([named(asked.subject, asked.resource)], token=token)
    bearer = check_bearer(gathered.bearer)
    allowed = [
        action
        for action in Action
        if answer_to(
            Evaluation(asked.subject, shapes.Action(action.value), asked.resource, asked.context),
            gathered.found[0],
            gathered,
        ).decision
    ]
    return Results([{"name": action.value} for action in allowed]), bearer


def _setting(gathered: Gathered, action: Action, context: Mapping[str, Any]) -> tuple[list[InForce], Setting]:
    policies = about_requests(gathered.policies) if action is Action.REQUEST else list(gathered.policies)
    return policies, Setting(action, gathered.at, purpose_in(context), gathered.ranks)


def _of_type(principals: QuerySet[Principal], kind: str) -> QuerySet[Principal]:
    kinds = {"user": Principal.Kind.PERSON, "service": Principal.Kind.SERVICE, "pipeline": Principal.Kind.PIPELINE}
    return principals.filter(kind=kinds[kind]) if kind in kinds else principals


def _id_of(principal: Principal, kind: str) -> str:
    if kind == "principal":
        return str(principal.pk)
    return principal.user.username if principal.user else principal.name


def _page(page: Page) -> tuple[int, int]:
    """After which id the page begins, and how many it may hold."""
    limit = PAGE if page.limit is None else page.limit
    if not 1 <= limit <= LONGEST_PAGE:
        raise NotAsDescribed(f"page.limit is a number from 1 to {LONGEST_PAGE}.")
    token = page.token or page.next_token
    if not token:
        return 0, limit
    try:
        after = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        after = ""
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise NotAsDescribed("page.token is none that a page before has given.")
    return int(after), limit


def _next(last: int) -> NextPage:
    return NextPage(base64.urlsafe_b64encode(str(last).encode()).decode() if last else "")
