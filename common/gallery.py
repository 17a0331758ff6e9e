"""/style/: every component in real states, to look at, to photograph and to examine with axe."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from common.components import (
    Activity,
    Change,
    Column,
    Crumb,
    Facet,
    FacetOption,
    LogLine,
    SchemaRow,
    Suggestion,
    Tab,
    TreeNode,
    Version,
)
from common.pagination import Page
from common.templatetags.ui import STATES


@dataclass(frozen=True, slots=True)
class SampleLevel:
    name: str
    rank: int
    colour: str


@dataclass(frozen=True, slots=True)
class SamplePrincipal:
    name: str
    kind: str


PUBLIC = SampleLevel("Public", 1, "green")
INTERNAL = SampleLevel("Internal", 2, "blue")
CONFIDENTIAL = SampleLevel("Confidential", 3, "amber")
RESTRICTED = SampleLevel("Restricted", 4, "red")
ADA = SamplePrincipal("Ada Okafor", "person")
CRAWLER = SamplePrincipal("Catalog", "system")
DBT = SamplePrincipal("dbt nightly", "pipeline")


class SampleForm(forms.Form):
    """Every kind of control, as the access request would use them."""

    purpose = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What you will do with the rows. The owner reads this.",
    )
    duration = forms.ChoiceField(
        label="For how long", choices=[("30", "30 days"), ("90", "90 days"), ("365", "One year")]
    )
    columns = forms.MultipleChoiceField(
        choices=[("id", "id"), ("email", "email"), ("created_at", "created_at")],
        widget=forms.CheckboxSelectMultiple,
        help_text="Ask for no more than you need: it is approved sooner.",
    )
    urgency = forms.ChoiceField(choices=[("usual", "As usual"), ("soon", "This week")], widget=forms.RadioSelect)
    ticket = forms.CharField(required=False, label="Ticket")
    agreed = forms.BooleanField(label="I have read the handling rules of the level Confidential")


def _schema() -> list[SchemaRow]:
    return [
        SchemaRow("id", "bigint", nullable=False, primary_key=True, level=INTERNAL, description="Surrogate key."),
        SchemaRow(
            "student_id",
            "bigint",
            nullable=False,
            foreign_key="ontrack.users.id",
            foreign_key_href="#schema",
            level=CONFIDENTIAL,
        ),
        SchemaRow(
            "email",
            "text",
            "character varying(320)",
            level=RESTRICTED,
            description="Where feedback is sent.",
            tags=("personal",),
            change="added",
        ),
        SchemaRow("score", "decimal(5,2)", before="integer", change="changed", description="Out of 100."),
        SchemaRow("grade_letter", "text", change="removed", description="Replaced by score."),
        SchemaRow("feedback", "struct", description="As the marker left it."),
        SchemaRow("comments", "list<struct>", depth=1),
        SchemaRow("author", "text", depth=2, level=CONFIDENTIAL),
        SchemaRow("rubric_criterion_identifier_as_exported", "text", depth=2, description="A long name that wraps."),
        SchemaRow("submitted_at", "timestamp", "timestamp with time zone", nullable=False, level=INTERNAL),
    ]


def _tree() -> list[TreeNode]:
    tables = [
        TreeNode("submissions", "#t", "table", note="1.2 M rows"),
        TreeNode("users", "#t", "table", note="48 k rows", current=True),
        TreeNode("v_active_units", "#t", "view"),
    ]
    return [
        TreeNode(
            "OnTrack",
            kind="system",
            count=42,
            open=True,
            children=[
                TreeNode(
                    "ontrack (MariaDB)",
                    kind="source",
                    count=38,
                    open=True,
                    children=[
                        TreeNode("public", kind="schema", count=36, open=True, children=tables),
                        TreeNode("audit", kind="schema", count=2, children=tables[:1]),
                    ],
                ),
                TreeNode("logs", "#t", "file", count=4),
            ],
        ),
        TreeNode("SplashKit", kind="system", count=7, children=[TreeNode("usage", "#t", "topic")]),
    ]


def _activity(now: dt.datetime) -> list[Activity]:
    return [
        Activity(
            "Ada Okafor set the level of users.email to Restricted.",
            now - dt.timedelta(minutes=12),
            ADA,
            "shield-lock",
            reason="Contact details of students",
            changes=[Change("Level", "Confidential", "Restricted")],
        ),
        Activity(
            "The crawl found a new column in submissions.",
            now - dt.timedelta(hours=3),
            CRAWLER,
            "table-column",
            "#x",
            changes=[
                Change("email", "", "text"),
                Change("score", "integer", "decimal(5,2)"),
                Change("grade_letter", "text", ""),
            ],
        ),
        Activity("dbt nightly wrote fct_submission_daily.", now - dt.timedelta(days=1), DBT, "route"),
        Activity(
            "Ada Okafor became the owner of submissions.",
            now - dt.timedelta(days=40),
            ADA,
            "user-check",
            changes=[Change("Owner", "", "Ada Okafor")],
        ),
    ]


def gallery(request: HttpRequest) -> HttpResponse:
    """The gallery; the lead's URL configuration decides who may see it."""
    now = timezone.now()
    durations = [4.2 + 2.1 * math.sin(index / 1.7) + (6 if index == 13 else 0) for index in range(20)]
    bound = SampleForm({"duration": "90", "urgency": "usual", "columns": ["email"]})
    bound.is_valid()
    return render(
        request,
        "components/gallery.html",
        {
            "crumbs": [Crumb("Sources", "#"), Crumb("ontrack", "#"), Crumb("submissions")],
            "tabs": [
                Tab("Schema", "#schema", True, icon="columns-3"),
                Tab("Lineage", "#lineage", icon="hierarchy-2"),
                Tab("Access", "#access", count=3, icon="lock-access"),
                Tab("Activity", "#activity", icon="history"),
            ],
            "levels": [PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED],
            "states": list(STATES),
            "principals": [ADA, SamplePrincipal("Looker", "service"), DBT, CRAWLER],
            "ada": ADA,
            "restricted": RESTRICTED,
            "confidential": CONFIDENTIAL,
            "internal": INTERNAL,
            "kinds": [
                "table",
                "view",
                "materialized_view",
                "partitioned",
                "foreign",
                "file",
                "topic",
                "dashboard",
                "model",
            ],
            "columns": [
                Column("Name", sort="name"),
                Column("Kind"),
                Column("Level"),
                Column("Owner", sort="owner"),
                Column("Rows", sort="rows", align="end"),
                Column("Last seen", sort="seen"),
            ],
            "page": Page([1, 2, 3], "abc", "def"),
            "facets": [
                Facet(
                    "system",
                    "System",
                    [FacetOption("ontrack", "OnTrack", 1204, True), FacetOption("splashkit", "SplashKit", 7)],
                ),
                Facet(
                    "kind",
                    "Kind",
                    [
                        FacetOption("table", "Table", 812),
                        FacetOption("view", "View", 96),
                        FacetOption("topic", "Topic", 3),
                    ],
                ),
                Facet(
                    "level",
                    "Level",
                    [FacetOption("4", "Restricted", 14), FacetOption("none", "No level yet", 901)],
                ),
            ],
            "suggestions": [
                Suggestion("submissions", "#", "table", "ontrack.public"),
                Suggestion("fct_submission_daily", "#", "table", "warehouse.marts"),
                Suggestion("users", "#", "table", "ontrack.public", "column submission_email"),
            ],
            "tree": _tree(),
            "activity": _activity(now),
            "changes": [
                Change("email", "", "text", "added"),
                Change("grade_letter", "text", "", "removed"),
                Change("score", "integer", "decimal(5,2)", "changed"),
            ],
            "schema": _schema(),
            "versions": [
                Version("4", "4 (now)", now),
                Version("3", "3", now - dt.timedelta(days=9)),
                Version("2", "2", now - dt.timedelta(days=70)),
            ],
            "log": [
                LogLine(now, "Reading schemas of ontrack"),
                LogLine(now, "public: 45 of 310 tables"),
                LogLine(now, "No right to read schema hr: GRANT USAGE ON SCHEMA hr TO catalog;", "warning"),
                LogLine(now, "The connection was closed by the server. Other schemas go on.", "error"),
            ],
            "eta": dt.timedelta(minutes=6),
            "durations": durations,
            "runs": [
                {
                    "at": now - dt.timedelta(hours=6 * (20 - index)),
                    "seconds": value,
                    "tables": 280 + index * 2,
                }
                for index, value in enumerate(durations)
            ],
            "by_level": [("Public", 41), ("Internal", 230), ("Confidential", 88), ("Restricted", 14)],
            "form": bound,
            "earlier": now - dt.timedelta(hours=2, minutes=5),
        },
    )
