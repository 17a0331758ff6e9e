"""The record as the pages' activity feeds show it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from audit.queries import Activity as Told
from common.components import Activity, Change

_ICONS = {
    "catalog.described": "pencil",
    "catalog.owner_assigned": "user-check",
    "catalog.owner_removed": "user",
    "catalog.tagged": "tag",
    "catalog.untagged": "tag",
    "catalog.datasets_moved": "sitemap",
    "catalog.snapshot_applied": "database-import",
    "catalog.role_granted": "user-plus",
    "catalog.role_ended": "user",
}
_ICON_OF_ROOM = {
    "classification": "shield-lock",
    "access": "lock-access",
    "ingestion": "database-import",
    "lineage": "route",
    "accounts": "key",
    "connections": "plug-connected",
}
_ABBREVIATIONS = {"ca": "CA", "id": "ID", "sql": "SQL", "tls": "TLS", "url": "URL"}
_WHAT_A_CRAWL_MEANT = {
    "added": "found this for the first time",
    "adopted": "found this, which pipelines had spoken of before",
    "changed": "found that this has changed",
    "returned": "found this again after it was gone",
    "gone": "found this gone from its source",
}


def feed(told: Iterable[Told]) -> list[Activity]:
    """Records as lines of a feed: a whole sentence each, with before and after."""
    return [_line(one) for one in told]


def _line(one: Told) -> Activity:
    if one.change in _WHAT_A_CRAWL_MEANT and one.event == "catalog.snapshot_applied":
        sentence = f"A crawl {_WHAT_A_CRAWL_MEANT[one.change]}."
    else:
        sentence = f"{one.actor} {one.sentence.rstrip('.')}."
    icon = _ICONS.get(one.event) or _ICON_OF_ROOM.get(one.event.partition(".")[0], "point")
    told = [Change(_words(change.name), _text(change.before), _text(change.after)) for change in one.changes]
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
        return value if len(value) <= 500 else f"{value[:500]}…"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
