"""What changed between two versions of a schema, as people read it. Pure: no Django.

A version's content is JSON: {"kind", "comment", "definition_digest", "fields": [FieldSnapshot…], "keys": [KeySnapshot…]}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `what` is a field's dotted path, a key's name or a property; `sentence` tells it in words."""

    kind: ChangeKind
    subject: str
    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    sentence: str


_FIELD_WORDS = {
    "native_type": "type",
    "nullable": "nullability",
    "default": "default",
    "comment": "comment",
    "position": "position",
}


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Difference]:
    """What changed from `before` (None: nothing was known) to `after`, fields in the order of `after`.

    A field that only moved because others came or went before it has not changed.
    """
    if before is None:
        return []
    found = _field_differences(before.get("fields", []), after.get("fields", []))
    found += _key_differences(before.get("keys", []), after.get("keys", []))
    for name, word in (("kind", "kind"), ("comment", "comment"), ("definition_digest", "definition")):
        old, new = before.get(name), after.get(name)
        if old != new:
            told = (
                f"The {word} changed."
                if name == "definition_digest"
                else f"The {word} changed from {_said(old)} to {_said(new)}."
            )
            found.append(Difference(ChangeKind.CHANGED, "dataset", word, {word: old}, {word: new}, told))
    return found


def summary(found: Sequence[Difference]) -> str:
    """One line: "2 fields added, 1 removed, 1 changed; keys changed"."""
    parts: list[str] = []
    for kind in ChangeKind:
        count = sum(1 for item in found if item.subject == "field" and item.kind is kind)
        if count:
            noun = ("field " if count == 1 else "fields ") if not parts else ""
            parts.append(f"{count} {noun}{kind.value}")
    told = ", ".join(parts)
    others = list(
        dict.fromkeys(item.what if item.subject == "dataset" else "keys" for item in found if item.subject != "field")
    )
    rest = f"{' and '.join(others)} changed" if others else ""
    return "; ".join(part for part in (told, rest) if part) or "nothing changed"


def _path(field: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(field["path"])


def _field_differences(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Difference]:
    old = {_path(field): field for field in before}
    new = {_path(field): field for field in after}
    moved = _moved([path for path in old if path in new], [path for path in new if path in old])
    found = []
    for path, field in new.items():
        name = ".".join(path)
        was = old.get(path)
        if was is None:
            told = f"Field {name} ({field['native_type']}) was added."
            found.append(Difference(ChangeKind.ADDED, "field", name, None, field, told))
            continue
        words = [
            word
            for key, word in _FIELD_WORDS.items()
            if was.get(key) != field.get(key) and (key != "position" or path in moved)
        ]
        if words:
            found.append(Difference(ChangeKind.CHANGED, "field", name, was, field, _changed(name, words, was, field)))
    for path, field in old.items():
        if path not in new:
            name = ".".join(path)
            told = f"Field {name} ({field['native_type']}) was removed."
            found.append(Difference(ChangeKind.REMOVED, "field", name, field, None, told))
    return found


def _moved(old: Sequence[tuple[str, ...]], new: Sequence[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Paths that stand in another order among those which both versions have."""
    return {path for path, other in zip(new, old, strict=True) if path != other}


def _changed(name: str, words: Sequence[str], was: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    if words == ["type"]:
        return f"Field {name} changed from {was['native_type']} to {field['native_type']}."
    if words == ["nullability"]:
        return f"Field {name} {'may now' if field.get('nullable', True) else 'may no longer'} be null."
    return f"Field {name} changed its {' and '.join(words)}."


def _key_differences(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Difference]:
    old = {(key["kind"], key["name"]): key for key in before}
    new = {(key["kind"], key["name"]): key for key in after}
    found = []
    for (kind, name), key in new.items():
        columns = ", ".join(key["columns"])
        if (kind, name) not in old:
            told = f"The {kind} key {name} ({columns}) was added."
            found.append(Difference(ChangeKind.ADDED, "key", name, None, key, told))
        elif old[kind, name] != key:
            told = f"The {kind} key {name} changed."
            found.append(Difference(ChangeKind.CHANGED, "key", name, old[kind, name], key, told))
    for (kind, name), key in old.items():
        if (kind, name) not in new:
            found.append(Difference(ChangeKind.REMOVED, "key", name, key, None, f"The {kind} key {name} was removed."))
    return found


def _said(value: Any) -> str:
    return "nothing" if value in (None, "") else str(value)
