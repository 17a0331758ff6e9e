"""REST of the record: what happened, for administrators; what happened to one dataset is on the dataset."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from accounts.permissions import check_is_administrator
from audit.events import event_names
from audit.models import Record
from audit.queries import tell
from catalog.rest.shapes import ActivitySerializer
from common.described_query import DescribedQuery
from common.errors import Invalid
from common.keyset import KeysetPagination


class ActivityViewSet(DescribedQuery, GenericViewSet[Record]):
    serializer_class = ActivitySerializer
    pagination_class = KeysetPagination
    queryset = Record.objects.none()

    @extend_schema(
        summary="Everything that happened, newest first; for administrators",
        parameters=[OpenApiParameter("event", OpenApiTypes.STR, description="Name of one event.")],
        responses=ActivitySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        check_is_administrator(rest_principal(request))
        rows: Any = Record.objects.select_related("actor__user")
        event = request.query_params.get("event")
        if event is not None:
            if event not in event_names():
                raise Invalid("There is no such event.", {"event": ["no such event"]})
            rows = rows.filter(event=event)
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(ActivitySerializer(tell(page or []), many=True).data)
