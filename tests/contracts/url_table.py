"""Who gets what at every URL: the one table that contract tests, browser tests and `bin/screenshots` read.

A row is a method and a route for six readers, in this order:

    anonymous   nobody signed in, no token
    scopeless   a steward's token that has the scope `lineage:write` only (REST; pages know no tokens)
    outsider    a person without a role; may discover the domain Teaching, and sees nothing of Payroll
    analyst     has the role analyst on Teaching
    steward     has the role steward on Teaching
    administrator

Hidden is 404, forbidden 403. A page sends the anonymous to the sign-in (302), REST answers 401. Forms are sent empty, so
whoever may write gets the form again; REST gets a body that is good (`BODIES`), for there the shape is looked at before the
right. 405 means that the URL takes other methods. `objects` names other objects than the usual ones for the parameters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.tokens import Scope
from classification.models import Decision, Label, NegativeRule, RuleSet
from tests.contracts.url_walk import Route, routes
from tests.contracts.world import World
from tests.factories import bearer

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
    raise LookupError("Add the parameter's object to OBJECTS in tests/contracts/url_table.py.")


ROUTES: dict[str, Route] = {route.name: route for route in routes()}

OBJECTS: dict[str, Callable[[World], Any]] = {
    "dataset_id": lambda world: world.users.pk,
    "field_id": lambda world: world.email.pk,
    "fact_id": lambda world: next(link.dataset_id for link in world.job.links.all() if link.direction == 2),
    "target_id": lambda world: world.users.pk,
    "hidden": lambda world: world.hidden.pk,
    "hidden_field": lambda world: world.hidden.fields.first().pk,
    "membership_id": lambda world: world.membership.pk,
    "ownership_id": lambda world: world.ownership.pk,
    "request_id": lambda world: world.request.pk,
    "decided": lambda world: world.decided.pk,
    "grant_id": lambda world: world.grant.pk,
    "token_id": lambda world: world.token.pk,
    "run_id": lambda world: world.run.pk,
    "waiting": lambda world: world.waiting.pk,
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
    **{f"ingestion:source{part}": "source" for part in (
        "", "_connection", "_activity", "_edit", "_schedule", "_crawl")},
    **{f"source-{part}": "source" for part in ("detail", "crawl", "check", "schedule", "snapshots")},
}.items():  # fmt: skip
    OBJECTS[f"{_name}.slug"] = OBJECTS[_object]
for _name, _object in {
    **{f"dataset-{part}": "dataset_id" for part in (
        "detail", "activity", "diff", "field", "fields", "names", "owner", "owners", "tag", "tags", "version", "versions")},
    "job-detail": "job_id", "job-run-detail": "lineage:run.run_id", "label-detail": "label",
    **{f"access-request-{part}": "request_id" for part in ("detail", "approve", "cancel", "deny")},
    **{f"proposal-{part}": "proposal_id" for part in ("detail", "accept", "decline")},
    "grant-detail": "grant_id", "grant-revoke": "grant_id", "run-detail": "run_id", "token-detail": "token_id",
}.items():  # fmt: skip
    OBJECTS[f"{_name}.pk"] = OBJECTS[_object]


def _waiting() -> int:
    """A suggestion that waits, in the domain of the steward."""
    return Label.objects.current().suggested().filter(dataset__domain__name="Teaching").earliest("pk").pk


BODIES: dict[str, Callable[[World], Any]] = {
    "POST system-list": lambda _: {"slug": "library", "name": "Library"},
    "POST domain-list": lambda _: {"slug": "research", "name": "Research"},
    "PATCH domain-detail": lambda _: {"description": "Courses and units."},
    "POST domain-members": lambda _: {"member": "otto", "role": "viewer"},
    "PATCH dataset-detail": lambda _: {"description": "Who signs in."},
    "PATCH dataset-field": lambda _: {"description": "An address."},
    "POST dataset-owners": lambda _: {"member": "stella"},
    "PUT source-schedule": lambda _: {"cron": "30 4 * * *"},
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
    "POST suggestion-undo": lambda _: {"decision": Decision.objects.get(kind="accept").pk},
    "POST label-import-list": lambda _: {"csv": "namespace,dataset,column,category,level\n", "reason": "A register."},
    "POST label-clear": lambda world: {"reason": "It was wrong.", "fields": [world.email.pk]},
    "POST access-request-list": lambda world: {"dataset": world.users.pk, "purpose": "To plan.", "days": 10},
    "POST access-request-approve": lambda _: {},
    "POST access-request-deny": lambda _: {"reason": "Not needed."},
    "POST access-request-cancel": lambda _: {},
    "POST proposal-accept": lambda _: {},
    "POST proposal-decline": lambda _: {"reason": "It is not so."},
    "POST grant-revoke": lambda _: {"reason": "The project is over."},
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
    with transaction.atomic():
        if persona == "scopeless":
            headers = bearer(world.persona("steward"), Scope.LINEAGE_WRITE)
        elif persona != "anonymous":
            principal = world.persona(persona)
            # A new object, for a principal keeps what it may see as long as it lives.
            if ROUTES[row.name].is_api and not row.page:
                headers = bearer(principal)
            else:
                assert principal.user is not None
                client.force_login(principal.user)
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


ROWS: tuple[Row, ...] = (
    Row("GET", "portal:home", "302 200 200 200 200", page=True),
    Row("GET", "portal:search", "302 200 200 200 200", page=True),
    Row("GET", "portal:search", "302 200 200 200 200", query="q=users", page=True),
    Row("GET", "portal:search", "302 200 200 200 200", query="q=nothing_like_this", page=True),
    Row("GET", "portal:suggest", "302 200 200 200 200", query="q=us"),
    Row("GET", "portal:search_export", "302 200 200 200 200"),
    Row("GET", "portal:browse", "302 200 200 200 200", page=True),
    Row("GET", "portal:browse", "302 200 200 200 200", query="source={source}", page=True),
    Row("GET", "portal:dataset", "302 200 200 200 200", page=True),
    Row("GET", "portal:dataset", "302 404 404 404 200", objects={"dataset_id": "hidden"}, page=True),
    Row("GET", "portal:dataset", "302 200 200 200 200", query="version=2&compare=1", page=True),
    Row("GET", "portal:dataset_tab", "302 200 200 200 200", objects={"tab": "=schema"}, page=True),
    Row("GET", "portal:impact", "302 403 200 200 200", page=True),
    Row("GET", "portal:impact", "302 403 200 200 200", query="change=drop", page=True),
    Row("GET", "portal:impact", "302 404 404 404 200", objects={"dataset_id": "hidden"}, page=True),
    Row("GET", "portal:impact_file", "302 403 200 200 200"),
    Row("GET", "portal:impact_file", "302 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "portal:dataset_tab", "302 403 200 200 200", objects={"tab": "=lineage"}, page=True),
    Row("GET", "portal:dataset_tab", "302 403 200 200 200", objects={"tab": "=lineage"}, query="view=table", page=True),
    Row("GET", "portal:dataset_tab", "302 403 200 200 200", objects={"tab": "=quality"}, page=True),
    Row("GET", "portal:dataset_tab", "302 200 200 200 200", objects={"tab": "=access"}, page=True),
    Row("GET", "portal:dataset_tab", "302 403 200 200 200", objects={"tab": "=activity"}, page=True),
    Row(
        "GET",
        "portal:dataset_tab",
        "302 404 404 404 200",
        objects={"dataset_id": "hidden", "tab": "=activity"},
        page=True,
    ),
    Row("GET", "portal:field", "302 403 200 200 200", page=True),
    Row(
        "GET",
        "portal:field",
        "302 404 404 404 200",
        objects={"dataset_id": "hidden", "field_id": "hidden_field"},
        page=True,
    ),
    Row("GET", "portal:held_special", "302 200 200 200 200"),
    Row("GET", "portal:held", "302 200 200 200 200", objects={"group": "=personal"}, page=True),
    Row("GET", "portal:held_file", "302 200 200 200 200", objects={"group": "=health"}),
    Row("GET", "portal:audit", "302 403 403 403 200", page=True),
    Row("GET", "catalog:domain_list", "302 200 200 200 200", page=True),
    Row("GET", "catalog:domain_add", "302 403 403 403 200", page=True),
    Row("GET", "catalog:domain", "302 200 200 200 200", page=True),
    Row("GET", "catalog:domain_edit", "302 403 403 403 200", page=True),
    Row("GET", "catalog:domain_grant", "405 405 405 405 405"),
    Row("POST", "catalog:domain_grant", "302 403 403 403 422"),
    Row("GET", "catalog:domain_end_role", "405 405 405 405 405"),
    Row("POST", "catalog:domain_end_role", "302 403 403 403 302"),
    Row("GET", "catalog:tag_list", "302 200 200 200 200", page=True),
    Row("GET", "catalog:tag_add", "302 403 403 200 200", page=True),
    Row("POST", "catalog:tag_add", "302 403 403 200 200"),
    Row("GET", "catalog:tag_rename", "302 403 403 200 200", page=True),
    Row("POST", "catalog:tag_rename", "302 403 403 200 200"),
    Row("GET", "catalog:system_list", "302 200 200 200 200", page=True),
    Row("GET", "catalog:system_add", "302 403 403 403 200", page=True),
    Row("GET", "catalog:describe_dataset", "302 403 403 200 200", page=True),
    Row("POST", "catalog:describe_dataset", "302 403 403 200 200"),
    Row("GET", "catalog:describe_dataset", "302 404 404 404 200", objects={"dataset_id": "hidden"}, page=True),
    Row("GET", "catalog:dataset_owners", "302 403 403 200 200", page=True),
    Row("POST", "catalog:dataset_owners", "302 403 403 200 200"),
    Row("GET", "catalog:end_ownership", "405 405 405 405 405"),
    Row("POST", "catalog:end_ownership", "302 403 403 302 302"),
    Row("GET", "catalog:dataset_tags", "302 403 403 200 200", page=True),
    Row("POST", "catalog:dataset_tags", "302 403 403 200 200"),
    Row("GET", "catalog:remove_tag", "405 405 405 405 405"),
    Row("POST", "catalog:remove_tag", "302 403 403 302 302"),
    Row("GET", "catalog:move_dataset", "302 403 403 200 200", page=True),
    Row("POST", "catalog:move_dataset", "302 403 403 200 200"),
    Row("GET", "catalog:describe_field", "302 403 403 200 200", page=True),
    Row("POST", "catalog:describe_field", "302 403 403 200 200"),
    Row("GET", "catalog:proposal_accept", "405 405 405 405 405"),
    Row("POST", "catalog:proposal_accept", "302 404 403 302 302"),
    Row("GET", "catalog:proposal_decline", "405 405 405 405 405"),
    Row("POST", "catalog:proposal_decline", "302 404 403 302 302"),
    Row("GET", "ingestion:source_list", "302 200 200 200 200", page=True),
    Row("GET", "ingestion:source_add", "302 403 403 403 200", page=True),
    Row("GET", "ingestion:source", "302 200 200 200 200", page=True),
    Row("GET", "ingestion:source_connection", "302 403 403 403 200", page=True),
    Row("GET", "ingestion:source_activity", "302 200 200 200 200", page=True),
    Row("GET", "ingestion:source_edit", "302 403 403 403 200", page=True),
    Row("GET", "ingestion:source_schedule", "302 403 403 403 200", page=True),
    Row("GET", "ingestion:source_crawl", "405 405 405 405 405"),
    Row("POST", "ingestion:source_crawl", "302 403 403 302 302"),
    Row("GET", "ingestion:run_list", "302 200 200 200 200", page=True),
    Row("GET", "ingestion:run", "302 404 200 200 200", page=True),
    Row("GET", "ingestion:run", "302 404 200 200 200", objects={"run_id": "waiting"}, page=True),
    Row("GET", "ingestion:run_cancel", "302 404 200 200 200", page=True),
    Row("POST", "ingestion:run_cancel", "302 404 403 302 302", objects={"run_id": "waiting"}),
    Row("GET", "ingestion:run_confirm", "302 404 200 200 200", page=True),
    Row("POST", "ingestion:run_confirm", "302 404 403 302 302", objects={"run_id": "waiting"}),
    Row("GET", "lineage:job_list", "302 200 200 200 200", page=True),
    Row("GET", "lineage:rejected", "302 200 200 200 200", page=True),
    Row("GET", "lineage:job", "302 200 200 200 200", page=True),
    Row("GET", "lineage:run", "302 200 200 200 200", page=True),
    Row("GET", "lineage:dataset_graph", "302 403 200 200 200"),
    Row("GET", "lineage:dataset_graph", "302 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "portal:lineage_picture", "302 403 200 200 200"),
    Row("GET", "portal:lineage_picture", "302 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "portal:lineage_columns", "302 403 200 200 200"),
    Row("GET", "portal:lineage_node", "302 403 200 200 200", objects={"node_id": "dataset_id"}, page=True),
    Row("GET", "portal:lineage_node", "302 403 404 404 200", objects={"node_id": "hidden"}),
    Row(
        "GET",
        "portal:lineage_connection",
        "302 403 200 200 200",
        query="source={dataset_id}&target={fact_id}",
        page=True,
    ),
    Row("GET", "portal:lineage_targets", "302 403 200 200 200", query="find=units"),
    Row("GET", "portal:lineage_file", "302 403 200 200 200"),
    Row("GET", "classification:level_list", "302 200 200 200 200", page=True),
    Row("GET", "classification:level_add", "302 403 403 403 200", page=True),
    Row("GET", "classification:level_edit", "302 403 403 403 200", page=True),
    Row("GET", "classification:level_delete", "302 403 403 403 200", page=True),
    Row("POST", "classification:level_delete", "302 403 403 403 302"),
    Row("GET", "classification:level_move", "302 403 403 403 200", objects={"direction": "=up"}, page=True),
    Row("POST", "classification:level_move", "302 403 403 403 302", objects={"direction": "=up"}),
    Row("GET", "classification:dataset_level", "302 403 403 200 200", page=True),
    Row("POST", "classification:dataset_level", "302 403 403 200 200"),
    Row("GET", "classification:review", "302 200 200 200 200", page=True),
    Row("POST", "classification:review", "302 200 200 200 200"),
    Row("POST", "classification:review_undo", "302 404 404 302 404"),
    Row("GET", "classification:category_list", "302 200 200 200 200", page=True),
    Row("GET", "classification:category_add", "302 403 403 403 200", page=True),
    Row("POST", "classification:category_add", "302 403 403 403 200"),
    Row("GET", "classification:category_edit", "302 403 403 403 200", page=True),
    Row("POST", "classification:category_edit", "302 403 403 403 200"),
    Row("GET", "classification:rules_try", "302 403 403 403 200", page=True),
    Row("POST", "classification:rules_try", "302 403 403 403 200"),
    Row("GET", "classification:rule_sets", "302 200 200 200 200", page=True),
    Row("GET", "classification:rule_sets_live", "302 200 200 200 200"),
    Row("POST", "classification:rule_set_draft", "302 403 403 403 302"),
    Row("POST", "classification:rule_set_apply", "302 403 403 403 302", objects={"version": "version_of_draft"}),
    Row("POST", "classification:rule_set_discard", "302 403 403 403 302", objects={"version": "version_of_draft"}),
    Row("POST", "classification:negative_rule_end", "302 403 403 302 302"),
    Row("GET", "classification:labels_export", "302 200 200 200 200"),
    Row("GET", "classification:labels_import", "302 200 200 200 200", page=True),
    Row("POST", "classification:labels_import", "302 200 200 200 200"),
    Row("GET", "classification:coverage", "302 200 200 200 200", query="by=domain", page=True),
    Row("GET", "access:inbox", "302 200 200 200 200", page=True),
    Row("GET", "access:request_create", "302 200 200 200 200", query="dataset={dataset_id}", page=True),
    Row("POST", "access:request_create", "302 200 200 200 200", query="dataset={dataset_id}"),
    Row("GET", "access:request", "302 404 200 200 200", page=True),
    Row("GET", "access:request", "302 404 200 200 200", objects={"request_id": "decided"}, page=True),
    Row("GET", "access:request_approve", "302 404 403 200 403", page=True),
    Row("POST", "access:request_approve", "302 404 403 200 403"),
    Row("GET", "access:request_deny", "302 404 403 200 403", page=True),
    Row("POST", "access:request_deny", "302 404 403 200 403"),
    Row("GET", "access:request_cancel", "302 404 200 403 403", page=True),
    Row("POST", "access:request_cancel", "302 404 302 403 403"),
    Row("GET", "access:grant_revoke", "302 404 200 200 200", page=True),
    Row("POST", "access:grant_revoke", "302 404 200 200 200"),
    Row("GET", "accounts:token_list", "302 200 200 200 200", page=True),
    Row("GET", "accounts:token_add", "302 200 200 200 200", page=True),
    Row("GET", "accounts:token_revoke", "302 404 404 200 200", page=True),
    Row("POST", "accounts:token_revoke", "302 404 404 302 302"),
    Row("GET", "account_login", "200 302 302 302 302", page=True),
    Row("GET", "account_logout", "302 200 200 200 200", page=True),
    Row("GET", "account_inactive", "200 200 200 200 200", page=True),
    Row("GET", "account_signup", "200 302 302 302 302", page=True),
    Row("GET", "account_reauthenticate", "302 403 403 403 403"),
    Row("GET", "account_email", "302 200 200 200 200", page=True),
    Row("GET", "account_email_verification_sent", "200 200 200 200 200", page=True),
    Row("GET", "account_change_password", "302 302 302 302 302"),
    Row("GET", "account_set_password", "302 200 200 200 200", page=True),
    Row("GET", "account_reset_password", "200 200 200 200 200", page=True),
    Row("GET", "account_confirm_login_code", "302 302 302 302 302"),
    Row("GET", "account_confirm_email", "200 200 200 200 200", objects={"key": "=abc"}, page=True),
    Row("GET", "account_reset_password_from_key_done", "200 200 200 200 200", page=True),
    Row(
        "GET",
        "account_reset_password_from_key",
        "200 200 200 200 200",
        objects={"uidb36": "=1", "key": "=abc"},
        page=True,
    ),
    Row("GET", "account_reset_password_done", "200 200 200 200 200", page=True),
    Row("GET", "mfa_index", "302 200 200 200 200", page=True),
    Row("GET", "mfa_authenticate", "302 302 302 302 302"),
    Row("GET", "mfa_reauthenticate", "302 403 403 403 403"),
    Row("GET", "mfa_activate_totp", "302 200 200 200 200", page=True),
    Row("GET", "mfa_deactivate_totp", "302 404 404 404 404"),
    Row("GET", "mfa_view_recovery_codes", "302 404 404 404 404"),
    Row("GET", "mfa_generate_recovery_codes", "302 200 200 200 200", page=True),
    Row("GET", "mfa_download_recovery_codes", "302 404 404 404 404"),
    Row("GET", "gallery", "302 403 403 403 200", page=True),
    Row("GET", "healthz", "200 200 200 200 200"),
    Row("GET", "readyz", "503 503 503 503 503"),
    Row("POST", "lineage:intake", "401 400 400 400 400 400"),
    Row("GET", "marquez:lineage", "401 403 422 422 422 422"),
    Row("GET", "marquez:column_lineage", "401 403 422 422 422 422"),
    Row("GET", "marquez:events", "401 403 200 200 200 200"),
    Row("GET", "marquez:all_events", "401 403 200 200 200 200"),
    Row("GET", "marquez:namespaces", "401 403 200 200 200 200"),
    Row("GET", "marquez:in_namespace", "401 403 200 200 200 200"),
    Row("GET", "marquez:sources", "401 403 200 200 200 200"),
    Row("GET", "marquez:source", "401 403 404 404 404 404"),
    Row("GET", "marquez:jobs", "401 403 200 200 200 200"),
    Row("GET", "marquez:run", "401 403 200 200 200 200"),
    Row("GET", "marquez:run_facets", "401 403 422 422 422 422"),
    Row("POST", "marquez:mark_run", "401 200 200 200 200 200"),
    Row("GET", "marquez:tags", "401 403 200 200 200 200"),
    Row("PUT", "marquez:tag", "401 200 200 200 200 200"),
    Row("GET", "marquez:search", "401 403 422 422 422 422"),
    Row("GET", "marquez:stats", "401 403 200 200 200 200"),
    Row("POST", "lineage:intake_batch", "401 400 400 400 400 400"),
    Row("POST", "api/v1/lineage/", "401 400 400 400 400 400"),
    Row("POST", "api/v1/lineage/batch/", "401 400 400 400 400 400"),
    Row("GET", "api-schema", "401 403 200 200 200 200"),
    Row("GET", "api-docs", "302 200 200 200 200", page=True),
    Row("GET", "api-root", "401 403 200 200 200 200"),
    Row("GET", "dataset-lineage", "401 403 403 200 200 200"),
    Row("GET", "dataset-lineage", "401 403 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "dataset-lineage", "401 403 403 200 200 200", query="only=ids"),
    Row("GET", "dataset-column-lineage", "401 403 403 200 200 200"),
    Row("GET", "dataset-column-lineage", "401 403 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "dataset-neighbours", "401 403 403 200 200 200"),
    Row("GET", "dataset-neighbours", "401 403 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "dataset-connection", "401 403 404 200 200 200", objects={"target_id": "fact_id"}),
    Row("GET", "dataset-connection", "401 403 404 404 404 404", objects={"target_id": "hidden"}),
    Row("GET", "dataset-paths", "401 403 403 200 200 200"),
    Row("GET", "dataset-paths", "401 403 403 404 404 200", objects={"target_id": "hidden"}),
    Row("GET", "dataset-impact", "401 403 403 200 200 200", query="change=drop"),
    Row("GET", "dataset-impact", "401 403 404 404 404 200", objects={"dataset_id": "hidden"}),
    Row("GET", "run-log", "401 403 404 200 200 200"),
    Row("POST", "run-cancel", "401 403 404 403 200 200", objects={"run_id": "waiting"}),
    Row("POST", "run-confirm", "401 403 404 403 200 200", objects={"run_id": "waiting"}),
    Row("POST", "source-crawl", "401 403 403 403 202 202"),
    Row("POST", "source-check", "401 403 403 403 403 200"),
    Row("GET", "source-schedule", "401 403 200 200 200 200"),
    Row("PUT", "source-schedule", "401 403 403 403 403 200"),
    Row("POST", "source-snapshots", "401 403 403 403 422 422"),
    Row("GET", "system-list", "401 403 200 200 200 200"),
    Row("POST", "system-list", "401 403 403 403 403 201"),
    Row("GET", "system-detail", "401 403 200 200 200 200"),
    Row("GET", "domain-list", "401 403 200 200 200 200"),
    Row("POST", "domain-list", "401 403 403 403 403 201"),
    Row("GET", "domain-detail", "401 403 200 200 200 200"),
    Row("PATCH", "domain-detail", "401 403 403 403 403 200"),
    Row("GET", "domain-members", "401 403 200 200 200 200"),
    Row("POST", "domain-members", "401 403 403 403 403 201"),
    Row("DELETE", "domain-member", "401 403 403 403 403 204"),
    Row("GET", "source-list", "401 403 200 200 200 200"),
    Row("GET", "source-detail", "401 403 200 200 200 200"),
    Row("GET", "dataset-list", "401 403 200 200 200 200"),
    Row("GET", "dataset-detail", "401 403 200 200 200 200"),
    Row("GET", "dataset-detail", "401 403 404 404 404 200", objects={"pk": "hidden"}),
    Row("PATCH", "dataset-detail", "401 403 403 403 200 200"),
    Row("GET", "dataset-activity", "401 403 403 200 200 200"),
    Row("GET", "dataset-diff", "401 403 403 200 200 200", query="against=1", objects={"number": "=2"}),
    Row("GET", "dataset-field", "401 403 403 200 200 200"),
    Row("PATCH", "dataset-field", "401 403 403 403 200 200"),
    Row("GET", "dataset-field", "401 403 404 404 404 200", objects={"pk": "hidden", "field_id": "hidden_field"}),
    Row("GET", "dataset-fields", "401 403 403 200 200 200"),
    Row("GET", "field-inherited", "401 403 403 200 200 200"),
    Row(
        "GET",
        "field-inherited",
        "401 403 404 404 404 200",
        objects={"dataset_id": "hidden", "field_id": "hidden_field"},
    ),
    Row("GET", "dataset-names", "401 403 403 200 200 200"),
    Row("DELETE", "dataset-owner", "401 403 403 403 204 204"),
    Row("GET", "dataset-owners", "401 403 200 200 200 200"),
    Row("POST", "dataset-owners", "401 403 403 403 201 201"),
    Row("PUT", "dataset-tag", "401 403 403 403 204 204"),
    Row("DELETE", "dataset-tag", "401 403 403 403 204 204"),
    Row("GET", "dataset-tags", "401 403 403 200 200 200"),
    Row("GET", "dataset-version", "401 403 403 200 200 200", objects={"number": "=1"}),
    Row("GET", "dataset-versions", "401 403 403 200 200 200"),
    Row("GET", "tag-list", "401 403 200 200 200 200"),
    Row("GET", "tag-detail", "401 403 200 200 200 200"),
    Row("GET", "search-list", "401 403 200 200 200 200", query="q=users"),
    Row("GET", "search-facets", "401 403 200 200 200 200"),
    Row("GET", "activity-list", "401 403 403 403 403 200"),
    Row("GET", "job-list", "401 403 200 200 200 200"),
    Row("GET", "job-detail", "401 403 200 200 200 200"),
    Row("GET", "job-run-list", "401 403 200 200 200 200"),
    Row("GET", "rejected-event-list", "401 403 200 200 200 200"),
    Row("GET", "job-run-detail", "401 403 200 200 200 200"),
    Row("GET", "level-list", "401 403 200 200 200 200"),
    Row("POST", "level-list", "401 403 403 403 403 201"),
    Row("POST", "level-order", "401 403 403 403 403 200"),
    Row("GET", "level-detail", "401 403 200 200 200 200"),
    Row("PATCH", "level-detail", "401 403 403 403 403 200"),
    Row("DELETE", "level-detail", "401 403 403 403 403 409"),
    Row("GET", "label-list", "401 403 200 200 200 200"),
    Row("POST", "label-list", "401 403 403 403 200 200"),
    Row("POST", "label-clear", "401 403 404 403 200 200"),
    Row("GET", "label-detail", "401 403 404 200 200 200"),
    Row("GET", "category-list", "401 403 200 200 200 200"),
    Row("POST", "category-list", "401 403 403 403 403 201"),
    Row("GET", "category-detail", "401 403 200 200 200 200"),
    Row("PATCH", "category-detail", "401 403 403 403 403 200"),
    Row("GET", "rule-set-list", "401 403 200 200 200 200"),
    Row("POST", "rule-set-list", "401 403 403 403 403 201"),
    Row("GET", "rule-set-detail", "401 403 200 200 200 200", objects={"version": "version_of_draft"}),
    Row("GET", "rule-set-preview", "401 403 403 403 403 200", objects={"version": "version_of_draft"}),
    Row("POST", "rule-set-apply", "401 403 403 403 403 409", objects={"version": "version_of_draft"}),
    Row("POST", "rule-set-discard", "401 403 403 403 403 204", objects={"version": "version_of_draft"}),
    Row("POST", "rule-set-try-out", "401 403 403 403 403 200"),
    Row("GET", "suggestion-list", "401 403 200 200 200 200"),
    Row("POST", "suggestion-accept", "401 403 404 404 200 200"),
    Row("POST", "suggestion-reject", "401 403 404 404 200 200"),
    Row("POST", "suggestion-relabel", "401 403 404 404 200 200"),
    Row("POST", "suggestion-undo", "401 403 404 404 200 404"),
    Row("GET", "coverage-list", "401 403 200 200 200 200", query="by=source"),
    Row("POST", "label-import-list", "401 403 200 200 200 200"),
    Row("GET", "access-request-list", "401 403 200 200 200 200"),
    Row("POST", "access-request-list", "401 403 201 201 201 201"),
    Row("GET", "access-request-detail", "401 403 404 200 200 200"),
    Row("POST", "access-request-approve", "401 403 404 403 200 403"),
    Row("POST", "access-request-cancel", "401 403 404 200 403 403"),
    Row("POST", "access-request-deny", "401 403 404 403 200 403"),
    Row("GET", "proposal-list", "401 403 200 200 200 200"),
    Row("GET", "proposal-detail", "401 403 404 200 200 200"),
    Row("POST", "proposal-accept", "401 403 404 403 200 200"),
    Row("POST", "proposal-decline", "401 403 404 403 200 200"),
    Row("GET", "grant-list", "401 403 200 200 200 200"),
    Row("GET", "grant-detail", "401 403 404 200 200 200"),
    Row("POST", "grant-revoke", "401 403 404 200 200 200"),
    Row("GET", "run-list", "401 403 200 200 200 200"),
    Row("GET", "run-detail", "401 403 404 200 200 200"),
    Row("GET", "token-list", "401 403 200 200 200 200"),
    Row("POST", "token-list", "401 403 403 403 403 403"),
    Row("GET", "token-detail", "401 403 404 404 200 200"),
    Row("DELETE", "token-detail", "401 403 404 404 204 204"),
)
