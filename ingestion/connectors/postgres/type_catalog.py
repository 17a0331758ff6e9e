"""PostgreSQL's own types of a database: enums, domains, ranges and composites, and the fields inside the
last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from catalog.snapshots import FieldSnapshot, FieldType, Path
from ingestion.connectors.type_names import postgres_type

_DIMENSIONS = re.compile(r"(\[\d*\])+$")
_DEEPEST = 12


class Attribute(msgspec.Struct, frozen=True, array_like=True):
    name: str
    native_type: str
    position: int
    comment: str | None


class Definition(msgspec.Struct, frozen=True):
    """A type: `kind` is pg_type's typtype, or "a" for an array; `base` is what a domain or array is of."""

    name: str
    kind: str
    base: str | None
    detail: str | None


class TypeCatalog:
    """What the types of one database hold."""

    def __init__(self, rows: Iterable[tuple[int, str, str, str | None, str | None]]) -> None:
        self._by_oid: dict[int, Definition] = {}
        self._by_name: dict[str, Definition] = {}
        self._resolved: dict[str, tuple[FieldType, tuple[Attribute, ...]]] = {}
        self._digests: dict[int, str] = {}
        for oid, name, kind, base, detail in rows:
            definition = Definition(name, kind, base, detail)
            self._by_oid[oid] = self._by_name[name] = definition

    def resolve(self, native: str) -> tuple[FieldType, tuple[Attribute, ...]]:
        """The normalised type of a native one, and the attributes inside it or inside its elements."""
        found = self._resolved.get(native)
        if found is None:
            found = self._resolved[native] = self._resolve(native, 0)
        return found

    def _resolve(self, native: str, depth: int) -> tuple[FieldType, tuple[Attribute, ...]]:
        element = _DIMENSIONS.sub("", native)
        if element != native:
            return FieldType.ARRAY, self._resolve(element, depth + 1)[1] if depth < _DEEPEST else ()
        definition = self._by_name.get(native)
        if definition is None or depth >= _DEEPEST:
            return postgres_type(native), ()
        if definition.kind == "d" and definition.base is not None:
            return self._resolve(definition.base, depth + 1)
        if definition.kind == "c":
            return FieldType.STRUCT, msgspec.json.decode(definition.detail or "[]", type=tuple[Attribute, ...])
        return {"e": FieldType.ENUM, "r": FieldType.RANGE, "m": FieldType.RANGE}.get(
            definition.kind, FieldType.OTHER
        ), ()

    def nested(self, parent: Path, attributes: Iterable[Attribute]) -> list[FieldSnapshot]:
        """The fields inside a composite, depth first, each after its parent."""
        fields: list[FieldSnapshot] = []
        if len(parent) > _DEEPEST:
            return fields
        for attribute in attributes:
            kind, inner = self.resolve(attribute.native_type)
            path = (*parent, attribute.name)
            fields.append(
                FieldSnapshot(
                    path=path,
                    position=attribute.position,
                    native_type=attribute.native_type,
                    type=kind,
                    comment=attribute.comment,
                )
            )
            fields.extend(self.nested(path, inner))
        return fields

    def fingerprint(self, structure: str, oids: Sequence[int] | None) -> str:
        """A dataset's fingerprint: its own structure's and that of the types its columns use."""
        if not oids:
            return structure
        digests = sorted(self._digest(oid) for oid in oids)
        return hashlib.md5("\n".join([structure, *digests]).encode(), usedforsecurity=False).hexdigest()

    def _digest(self, oid: int) -> str:
        if oid not in self._digests:
            definition = self._by_oid.get(oid)
            shape = (definition, self.nested((), self.resolve(definition.name)[1])) if definition else None
            self._digests[oid] = hashlib.md5(msgspec.json.encode(shape), usedforsecurity=False).hexdigest()
        return self._digests[oid]
