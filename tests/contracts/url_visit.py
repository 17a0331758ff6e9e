"""How a row of `url_table` is visited: the objects of a URL's parameters, good bodies, and the readers who ask."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Notification
from classification.models import Decision, Label, NegativeRule, RuleSet
from tests.contracts.url_walk import Route, routes
from tests.contracts.world import HOST, World

PERSONAS = ("anonymous", "scopeless", "outsider", "analyst", "steward", "administrator")


@dataclass(frozen=True, slots=True)
class Row:
    method: str
    name: str
    expected: str
    query: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    page: bool = False
    """Whether browsers look at it: an HTML page for the steward or the administrator."""

    @property
    def statuses(self) -> dict[str, int]:
        """The expected status of each persona; a page's row leaves out `scopeless`."""
        codes = [int(code) for code in self.expected.split()]
        names = PERSONAS if len(codes) == len(PERSONAS) else tuple(p for p in PERSONAS if p != "scopeless")
        return dict(zip(names, codes, strict=True))

    def path(self, world: World) -> str:
        values = {name: self._value(world, name) for name in ROUTES[self.name].parameters}
        found = reverse(self.name, kwargs=values) if ":" in self.name or "/" not in self.name else f"/{self.name}"
        return f"{found}?{self.query.format_map(_Objects(world))}" if self.query else found

    def _value(self, world: World, parameter: str) -> Any:
        key = self.objects.get(parameter) or parameter
        if key.startswith("="):
            return key[1:]
        return OBJECTS.get(f"{self.name}.{key}", OBJECTS.get(key, _unknown))(world)

    def __str__(self) -> str:
        words = [self.method, self.name, *(f"{key}={value}" for key, value in self.objects.items()), self.query]
        return " ".join(word for word in words if word)


class _Objects(dict[str, Any]):
    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def __missing__(self, key: str) -> Any:
        return OBJECTS[key](self.world)


def _unknown(world: World) -> Any:
    raise LookupError("Add the parameter's object to OBJECTS in tests/contracts/url_visit.py.")


ROUTES: dict[str, Route] = {route.name: route for route in routes()}

OBJECTS: dict[str, Callable[[World], Any]] = {
    "dataset_id": lambda world: world.users.pk,
    "field_id": lambda world: world.email.pk,
    "fact_id": lambda world: next(link.dataset_id for link in world.job.links.all() if link.direction == 2),
    "target_id": lambda world: world.users.pk,
    "hidden": lambda world: world.hidden.pk,
    "hidden_field": lambda world: world.hidden.fields.first().pk,
    "membership_id": lambda world: world.membership.pk,
    "exception_id": lambda world: world.exception.pk,
    "ownership_id": lambda world: world.ownership.pk,
    "request_id": lambda world: world.request.pk,
    "decided": lambda world: world.decided.pk,
    "grant_id": lambda world: world.grant.pk,
    "delegation_id": lambda world: world.delegation.pk,
    "review_id": lambda world: world.review.pk,
    "campaign_id": lambda world: world.campaign.pk,
    "item": lambda world: world.campaign.items.get(grant=world.grant).pk,
    "terms": lambda world: world.terms.pk,
    "terms_slug": lambda world: world.terms.slug,
    "terms_number": lambda world: world.terms.number,
    "policy_id": lambda world: world.policy.pk,
    "attribute": lambda world: world.attribute.pk,
    "purpose": lambda world: world.purpose.pk,
    "engine_catalog": lambda world: world.engine_catalog.pk,
    "principal_id": lambda world: world.cast.outsider.pk,
    "analyst": lambda world: world.cast.analyst.pk,
    "outsider": lambda world: world.cast.outsider.pk,
    "enforced": lambda world: world.ontrack.pk,
    "plan_id": lambda world: world.plan.pk,
    "finding_id": lambda world: world.finding.pk,
    "login_id": lambda world: world.login.pk,
    "token_id": lambda world: world.token.pk,
    "run_id": lambda world: world.run.pk,
    "waiting": lambda world: world.waiting.pk,
    "notification_id": lambda world: Notification.objects.filter(receiver=world.cast.steward).latest("pk").pk,
    "kind": lambda _: "schema",
    "job_id": lambda world: world.job.pk,
    "lineage:run.run_id": lambda world: world.run_id,
    "level": lambda world: world.level.slug,
    "source": lambda world: world.ontrack.slug,
    "domain": lambda world: world.domain.slug,
    "system": lambda world: world.system.slug,
    "tag": lambda world: world.tag.slug,
    "label": lambda world: world.label_id,
    "decision_id": lambda world: Decision.objects.get(kind="accept").pk,
    "rule_id": lambda world: NegativeRule.objects.get().pk,
    "version_of_draft": lambda world: RuleSet.objects.get(state="draft").version,
    "category": lambda world: "email",
    "proposal_id": lambda world: world.proposal.pk,
    "marquez:run.run_id": lambda world: world.run_id,
    "marquez:run_facets.run_id": lambda world: world.run_id,
    "marquez:mark_run.run_id": lambda world: world.run_id,
    "marquez:mark_run.action": lambda _: "complete",
    "marquez:events_of.namespace": lambda world: world.job.namespace,
    "marquez:in_namespace.path": lambda world: f"{world.job.namespace}/jobs",
    "marquez:source.name": lambda _: "default",
    "marquez:tag.name": lambda _: "personal",
    "marquez:stats.what": lambda _: "jobs",
}
for _name, _object in {
    "catalog:domain": "domain", "catalog:domain_edit": "domain", "catalog:domain_grant": "domain",
    "catalog:domain_end_role": "domain", "domain-detail": "domain", "domain-member": "domain", "domain-members": "domain",
    "catalog:remove_tag": "tag", "catalog:tag_rename": "tag", "dataset-tag": "tag", "tag-detail": "tag",
    "system-detail": "system",
    "classification:level_edit": "level", "classification:level_delete": "level", "classification:level_move": "level",
    "level-detail": "level", "classification:category_edit": "category", "category-detail": "category",
    "ingestion:connection_edit": "source",
    **{f"ingestion:source{part}": "source" for part in (
        "", "_connection", "_activity", "_edit", "_schedule", "_crawl")},
    **{f"source-{part}": "source" for part in (
        "detail", "connection", "crawl", "check", "schedule", "sampling", "snapshots")},
    **{f"access:terms_{part}": "terms_slug" for part in ("version", "revise", "retire")},
}.items():  # fmt: skip
    OBJECTS[f"{_name}.slug"] = OBJECTS[_object]
for _name in ("version", "revise", "retire"):
    OBJECTS[f"access:terms_{_name}.number"] = OBJECTS["terms_number"]
for _name, _object in {
    **{f"dataset-{part}": "dataset_id" for part in (
        "detail", "activity", "diff", "exception", "exceptions", "field", "field-profiles", "fields", "names", "owner",
        "owners", "profiles", "tag", "tags", "version", "versions")},
    "job-detail": "job_id", "job-run-detail": "lineage:run.run_id",
    "job-run-family": "lineage:run.run_id", "label-detail": "label",
    **{f"access-request-{part}": "request_id" for part in ("detail", "approve", "cancel", "deny")},
    **{f"proposal-{part}": "proposal_id" for part in ("detail", "accept", "decline")},
    "notification-detail": "notification_id", "notification-read": "notification_id",
    "delegation-detail": "delegation_id", "emergency-detail": "review_id", "emergency-close": "review_id",
    **{f"policy-{part}": "policy_id" for part in ("detail", "preview", "publish", "end", "discard")},
    **{f"terms-{part}": "terms" for part in ("detail", "revise", "retire")},
    **{f"recertification-{part}": "campaign_id" for part in ("detail", "stop")}, "recertification-item-detail": "item",
    **{f"enforcement-{part}": "enforced" for part in ("detail", "compare", "confirm", "plan", "service-grants")},
    **{f"finding-{part}": "finding_id" for part in ("detail", "accept", "adopt")}, "database-login-detail": "login_id",
    **{f"person-{part}": "principal_id" for part in ("detail", "close", "reopen")},
    "principal-attribute-detail": "attribute", "purpose-detail": "purpose", "engine-catalog-detail": "engine_catalog",
    "grant-detail": "grant_id", "grant-revoke": "grant_id", "run-detail": "run_id", "token-detail": "token_id",
}.items():  # fmt: skip
    OBJECTS[f"{_name}.pk"] = OBJECTS[_object]


def _waiting() -> int:
    """A suggestion that waits, in the domain of the steward."""
    return Label.objects.current().suggested().filter(dataset__domain__name="Teaching").earliest("pk").pk


def _in_days(days: int) -> str:
    return (timezone.now() + dt.timedelta(days=days)).isoformat()


for _name in ("enforcement", "enforcement_settings", "enforcement_compare", "plan_confirm", "login_name"):
    OBJECTS[f"access:{_name}.source_id"] = OBJECTS["enforced"]


DENYING = {"effect": "deny", "actions": ["read"], "subjects": {"everyone": True}}
BODIES: dict[str, Callable[[World], Any]] = {
    "POST delegation-list": lambda _: {"receiver": "owen", "valid_to": _in_days(9)},
    "POST policy-list": lambda _: {"name": "Nobody", "rule": DENYING},
    "PATCH policy-detail": lambda _: {"reason": "Once more."},
    "POST policy-publish": lambda _: {},
    "POST policy-end": lambda _: {"reason": "Not needed."},
    "POST principal-attribute-list": lambda world: {
        "principals": [world.cast.outsider.pk],
        "name": "department",
        "value": "finance",
    },
    "POST purpose-list": lambda _: {"name": "Timetabling"},
    "PATCH purpose-detail": lambda _: {"enabled": False},
    "POST engine-catalog-list": lambda world: {"name": "lake", "source": world.ontrack.slug},
    "PATCH engine-catalog-detail": lambda _: {"prefix": ["ontrack"]},
    "POST terms-list": lambda _: {"name": "Rules", "text": "Be careful.", "domain": "teaching"},
    "POST terms-revise": lambda _: {"text": "Be very careful."},
    "POST emergency-list": lambda world: {"dataset": world.users.pk, "reason": "It is down.", "hours": 1},
    "POST emergency-close": lambda _: {"verdict": "justified", "reason": "It was down."},
    "PATCH enforcement-detail": lambda _: {"revoke_limit": 20},
    "POST enforcement-confirm": lambda _: {"plan_hash": "0" * 64},
    "POST database-login-list": lambda world: {"source": world.ontrack.pk, "person": "owen", "name": "owen"},
    "POST finding-accept": lambda _: {"note": "The nightly report needs it."},
    "POST finding-adopt": lambda _: {"days": 30, "note": "The nightly report needs it."},
    "POST recertification-list": lambda _: {"name": "Autumn", "due_at": _in_days(9)},
    "POST recertification-preview": lambda _: {},
    "POST recertification-stop": lambda _: {"reason": "Wrong scope."},
    "POST recertification-item-decide": lambda world: {"items": [OBJECTS["item"](world)], "keep": True},
    "POST recertification-item-mask": lambda world: {"items": [OBJECTS["item"](world)]},
    "POST person-close": lambda _: {"reason": "Left."},
    "POST source-list": lambda _: {"name": "Loans", "url": f"postgres://reader@{HOST}:5998/loans", "password": "once"},
    "PATCH source-detail": lambda _: {"location": "On site", "exclude": ["*.tmp_*"]},
    "PATCH source-connection": lambda _: {"password": "another", "unchecked": True},
    "POST source-connection": lambda _: {"url": f"postgres://reader@{HOST}:5998/loans", "unchecked": True},
    "POST tag-list": lambda _: {"name": "Exam period"},
    "PATCH tag-detail": lambda _: {"name": "Holds people"},
    "POST system-list": lambda _: {"slug": "library", "name": "Library"},
    "POST domain-list": lambda _: {"slug": "research", "name": "Research"},
    "PATCH domain-detail": lambda _: {"description": "Courses and units."},
    "POST domain-members": lambda _: {"member": "otto", "role": "viewer"},
    "PATCH dataset-detail": lambda _: {"description": "Who signs in."},
    "PATCH dataset-field": lambda _: {"description": "An address."},
    "POST dataset-exceptions": lambda _: {"member": "stella", "tier": 3, "reason": "Audits it."},
    "POST dataset-owners": lambda _: {"member": "stella"},
    "PUT source-schedule": lambda _: {"cron": "30 4 * * *"},
    "PUT source-sampling": lambda _: {"sampling": "light"},
    "POST level-list": lambda _: {"slug": "secret", "name": "Secret", "colour": "violet"},
    "PATCH level-detail": lambda _: {"description": "For staff."},
    "POST level-order": lambda _: {"order": ["internal", "public", "confidential", "restricted"]},
    "POST label-list": lambda world: {
        "level": "restricted",
        "reason": "Contact details.",
        "datasets": [world.users.pk],
    },
    "POST category-list": lambda _: {"slug": "badge", "name": "Badge number", "level": "confidential"},
    "PATCH category-detail": lambda _: {"description": "Where e-mail reaches a person."},
    "POST rule-set-try-out": lambda _: {"names": ["email"]},
    "POST suggestion-accept": lambda _: {"suggestions": [_waiting()]},
    "POST suggestion-reject": lambda _: {"suggestions": [_waiting()], "reason": "Templates."},
    "POST suggestion-relabel": lambda _: {"suggestions": [_waiting()], "reason": "Otherwise.", "level": "internal"},
    "POST suggestion-preview": lambda _: {"suggestions": [_waiting()], "as_rule": "domain"},
    "POST suggestion-undo": lambda _: {"decision": Decision.objects.get(kind="accept").pk},
    "POST label-import-list": lambda _: {"csv": "namespace,dataset,column,category,level\n", "reason": "A register."},
    "POST label-clear": lambda world: {"reason": "It was wrong.", "fields": [world.email.pk]},
    "POST access-request-list": lambda world: {"dataset": world.users.pk, "purpose": "To plan.", "days": 10},
    "POST access-request-approve": lambda _: {},
    "POST access-request-deny": lambda _: {"reason": "Not needed."},
    "POST access-request-cancel": lambda _: {},
    "POST dataset-merges": lambda world: {"dataset": OBJECTS["fact_id"](world)},
    "POST proposal-accept": lambda _: {},
    "POST proposal-decline": lambda _: {"reason": "It is not so."},
    "POST grant-revoke": lambda _: {"reason": "The project is over."},
    "POST notification-read-all": lambda _: {},
    "PUT notification-preference-detail": lambda _: {"choice": "mail"},
    "POST token-list": lambda _: {"name": "more", "scopes": ["catalog:read"]},
}
"""Bodies that would be accepted from whoever may send them."""


_CLIENT = Client(raise_request_exception=False)
"""One for all visits, for each would load the middleware again."""


def visit(world: World, row: Row, persona: str) -> Any:
    """Ask as the persona; answers with the test client's response. Whatever the request writes is undone."""
    client = _CLIENT
    client.cookies.clear()
    headers: dict[str, str] = {}
    if persona != "anonymous":
        if persona == "scopeless" or (ROUTES[row.name].is_api and not row.page):
            headers |= world.tokens[persona]
        else:
            client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[persona]
    with transaction.atomic():
        path = row.path(world)
        if row.method != "GET" and ROUTES[row.name].is_api:
            headers["If-Match"] = "*"
        body = json.dumps(BODIES[key](world)).encode() if (key := f"{row.method} {row.name}") in BODIES else b""
        answer: Any = client.generic(row.method, path, body, "application/json", headers=headers)
        if answer.streaming:
            # Read within the transaction that the rows are in.
            answer = HttpResponse(answer.getvalue(), status=answer.status_code, headers=dict(answer.items()))
        transaction.set_rollback(True)
    return answer
