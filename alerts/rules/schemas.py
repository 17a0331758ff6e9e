"""Schemas of what one owns or follows, found by crawls and told by pipelines."""

from __future__ import annotations

from alerts.abouts import DATASET
from alerts.kinds import Kind
from alerts.receivers import watchers_of_changes
from alerts.registry import alert_on
from catalog.events import SchemasTold, SnapshotApplied

alert_on(
    SnapshotApplied,
    kind=Kind.SCHEMA,
    about=DATASET,
    id="",
    to=watchers_of_changes("gone"),
    sentence="A crawl of {source} found that {about} is gone.",
    others="A crawl of {source} found that {about} is gone, and {others} more that you own or follow.",
    variant="gone",
)
alert_on(
    SnapshotApplied,
    kind=Kind.SCHEMA,
    about=DATASET,
    id="",
    to=watchers_of_changes("changed"),
    sentence="A crawl of {source} found that the schema of {about} changed.",
    others="A crawl of {source} found that the schema of {about} changed, and of {others} more that you own or follow.",
    variant="changed",
)
alert_on(
    SchemasTold,
    kind=Kind.SCHEMA,
    about=DATASET,
    id="",
    to=watchers_of_changes("changed"),
    sentence="A pipeline changed the schema of {about}.",
    others="Pipelines changed the schema of {about}, and of {others} more that you own or follow.",
)
