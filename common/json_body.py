"""The bodies that REST reads are JSON as described: no member that is not known, no value of another type.

DRF reads a number as text, "yes" as true and "5" as five, trims text before it measures it, and passes over what it does
not know. So a caller's mistake would be stored as something that nobody wrote, or dropped without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TEXTS = (serializers.CharField, serializers.DateTimeField, serializers.DateField, serializers.UUIDField)


class JsonParser(JSONParser):
    """DRF's, which takes JSON that is nested too deeply for a fault of ours."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None


class BodySerializer(serializers.Serializer[Any]):
    """The base of every serializer that reads a request's body; its description refuses further members, as it does."""

    def to_internal_value(self, data: Any) -> Any:
        strange = _strange_members(self, data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            if strange and isinstance(error.detail, dict):
                raise ValidationError({**error.detail, **strange}) from None
            raise
        if strange:
            raise ValidationError(strange)
        return values


def _strange_members(serializer: BodySerializer, data: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: field for name, field in serializer.fields.items() if not field.read_only}
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            found[name] = [f"There is no member called “{name}”. Known here: {', '.join(known)}."]
        elif faults := _faults(known[name], value):
            found[name] = faults
    return found


def _faults(field: Any, value: Any) -> Any:
    """What is wrong with a value's type: sentences, or the faults of its items by their index; nothing for a null.

    Whether a null or a blank is taken, DRF knows.
    """
    if value is None:
        return None
    if isinstance(field, serializers.ListField):
        if not isinstance(value, list):
            return ["Send a list."]
        return {index: faults for index, item in enumerate(value) if (faults := _faults(field.child, item))}
    if isinstance(field, serializers.BooleanField):
        return None if isinstance(value, bool) else ["Send true or false, without quotes."]
    if isinstance(field, serializers.IntegerField):
        return None if _is_number(value) and value == value // 1 else ["Send a whole number, without quotes."]
    if isinstance(field, serializers.FloatField | serializers.DecimalField):
        return None if _is_number(value) else ["Send a number, without quotes."]
    if isinstance(field, serializers.ChoiceField):
        known = ", ".join(map(_as_json, field.choices))
        return None if _is_choice(field, value) else [f"Send one of {known}, not {_as_json(value)[:60]}."]
    if isinstance(field, _TEXTS):
        return _faults_of_text(field, value)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_choice(field: serializers.ChoiceField, value: Any) -> bool:
    if isinstance(value, str):
        return any(isinstance(choice, str) and choice == value for choice in field.choices)
    return _is_number(value) and any(not isinstance(choice, str) and choice == value for choice in field.choices)


def _as_json(choice: Any) -> str:
    return f'"{choice}"' if isinstance(choice, str) else str(choice)


def _faults_of_text(field: Any, value: Any) -> list[Any] | None:
    if not isinstance(value, str):
        return ["Send a text, in quotes."]
    if isinstance(field, serializers.DateTimeField):
        # Without its zone a time would be another one for each reader.
        return None if _MOMENT.fullmatch(value) else ["Send a time with its zone, like 2026-01-31T09:00:00Z."]
    if isinstance(field, serializers.RegexField | serializers.SlugField) and value != value.strip():
        return ["Send it without spaces or line breaks around it."]
    if value:
        try:
            field.run_validators(value)
        except ValidationError as error:
            return list(error.detail)
    return None
