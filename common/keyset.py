"""Keyset pages for DRF: {"results": […], "next": url or null, "previous": url or null}."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from common.pagination import MAX_PAGE_SIZE, page_link, page_of, page_over, page_size


class KeysetPagination(BasePagination):
    """Pages in a view's `keyset_order` (default newest first), or over what its method `stretches` makes of the rows:
    `?limit=` rows from `?cursor=` on."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        plain = request._request
        self.request = plain
        cursor, size = plain.GET.get("cursor") or None, page_size(plain)
        if hasattr(view, "stretches"):
            self.page = page_over(view.stretches(queryset), cursor=cursor, size=size)
        else:
            self.page = page_of(queryset, order=getattr(view, "keyset_order", ("-id",)), cursor=cursor, size=size)
        return list(self.page.rows)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "results": data,
                "next": self._link(self.page.next_cursor),
                "previous": self._link(self.page.previous_cursor),
            }
        )

    def _link(self, cursor: str | None) -> str | None:
        link = page_link(self.request, cursor)
        return self.request.build_absolute_uri(link) if link else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": "Rows on a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": 50},
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "From the link of the page before; made by the server.",
                "schema": {"type": "string"},
            },
        ]
