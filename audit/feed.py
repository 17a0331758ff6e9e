"""The record as the pages' activity feeds show it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable
from typing import Any

from audit.events import event_named
from audit.queries import Activity as Told
from common.components import Activity, Change
from common.templatetags.formats import moment

_ICONS = {
    "catalog.described": "pencil",
    "catalog.owner_assigned": "user-check",
    "catalog.owner_removed": "user",
    "catalog.tagged": "tag",
    "catalog.untagged": "tag",
    "catalog.datasets_moved": "sitemap",
    "catalog.snapshot_applied": "database-import",
    "catalog.schemas_told": "columns-3",
    "catalog.role_granted": "user-plus",
    "catalog.role_ended": "user",
    "catalog.exception_granted": "user-plus",
    "catalog.exception_ended": "user",
}
_ICON_OF_ROOM = {
    "classification": "shield-lock",
    "access": "lock-access",
    "ingestion": "database-import",
    "lineage": "route",
    "alerts": "bell",
    "accounts": "key",
    "connections": "plug-connected",
}
_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d{1,6})?\+00:00")
"""A time as events hold it."""
_ABBREVIATIONS = {"ca": "CA", "id": "ID", "sql": "SQL", "tls": "TLS", "url": "URL"}
_MEANT_TO_ONE = {
    ("catalog.snapshot_applied", "added"): "A crawl found this for the first time.",
    ("catalog.snapshot_applied", "adopted"): "A crawl found this, which pipelines had spoken of before.",
    ("catalog.snapshot_applied", "changed"): "A crawl found that this has changed.",
    ("catalog.snapshot_applied", "returned"): "A crawl found this again after it was gone.",
    ("catalog.snapshot_applied", "gone"): "A crawl found this gone from its source.",
    ("catalog.schemas_told", "changed"): "A pipeline told of another schema.",
}
"""What an event about a set means to one of its subjects, by the event and the change."""


def feed(told: Iterable[Told]) -> list[Activity]:
    """Records as lines of a feed: a whole sentence each, with before and after."""
    return [_line(one) for one in told]


def _line(one: Told) -> Activity:
    sentence = _MEANT_TO_ONE.get((one.event, one.change)) or f"{one.actor} {one.sentence.rstrip('.')}."
    icon = _ICONS.get(one.event) or _ICON_OF_ROOM.get(one.event.partition(".")[0], "point")
    cls = event_named(one.event)
    label = str if cls and cls.of_columns else _words
    told = [Change(label(change.name), _text(change.before), _text(change.after)) for change in one.changes]
    changes = [change for change in told if change.before or change.after]
    return Activity(sentence, one.occurred_at, one.actor, icon, changes=changes)


def _words(name: str) -> str:
    words = name.removesuffix("_id").split("_")
    words[0] = words[0].capitalize()
    return " ".join(_ABBREVIATIONS.get(word.lower(), word) for word in words)


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, str):
        if _TIME.fullmatch(value):
            return moment(dt.datetime.fromisoformat(value))
        return value if len(value) <= 500 else f"{value[:500]}…"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
