"""Bodies of requests, checked, and rows by the slugs that they name."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from common.errors import Invalid

IF_MATCH = OpenApiParameter(
    "If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="The ETag that you read."
)
LONG_TEXT = 2_000


def checked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body's values; raises what DRF tells as 400 where they are not as described."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def named(among: QuerySet[Any], name: str, values: dict[str, Any]) -> Any:
    """The row of the slug that the body gives under `name`, None without one."""
    if name not in values:
        return None
    found = among.filter(slug=values[name]).first()
    if found is None:
        raise Invalid(f"There is no such {name}.", {name: [f"no {name} is called {values[name]}"]})
    return found
