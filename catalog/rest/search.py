"""REST of search: the same as the page's, with the same filters."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.authentication import rest_principal
from catalog.filters import Narrowing
from catalog.models import Dataset
from catalog.queries.facets import facets_of
from catalog.queries.search import search, understood
from catalog.rest.parameters import FILTERS, QUERY, SORT
from catalog.rest.shapes import FacetsSerializer, ResultSerializer, SearchPageSerializer
from common.described_query import DescribedQuery
from common.keyset import KeysetPagination
from common.pagination import MAX_PAGE_SIZE, page_link, page_size

_PAGE = [
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": 25}),
    OpenApiParameter("cursor", {"type": "string"}, description="From the link of the page before; made by the server."),
]


class SearchViewSet(DescribedQuery, GenericViewSet[Dataset]):
    serializer_class = ResultSerializer
    pagination_class: type[KeysetPagination] | None = None
    queryset = Dataset.objects.none()

    @extend_schema(
        summary="Find datasets: the exact name first, one typo forgiven",
        operation_id="search",
        parameters=[QUERY, SORT, *FILTERS, *_PAGE],
        responses=SearchPageSerializer,
    )
    def list(self, request: Request) -> Response:
        plain = request._request
        found = search(
            principal=rest_principal(request),
            text=plain.GET.get("q", ""),
            narrowing=Narrowing(plain.GET),
            cursor=plain.GET.get("cursor") or None,
            size=page_size(plain, 25),
            sort=plain.GET.get("sort", ""),
        )
        context = {"columns": found.columns}
        return Response(
            {
                "corrected": (found.wanted.corrected or None) if found.wanted else None,
                "results": ResultSerializer(found.page.rows, many=True, context=context).data,
                "next": page_link(plain, found.page.next_cursor),
                "previous": page_link(plain, found.page.previous_cursor),
            }
        )

    @extend_schema(
        summary="How many results each value of a filter would keep",
        operation_id="search_facets",
        parameters=[QUERY, *FILTERS],
        responses=FacetsSerializer,
    )
    @action(detail=False, methods=["get"])
    def facets(self, request: Request) -> Response:
        plain = request._request
        wanted = understood(plain.GET.get("q", ""))
        found = facets_of(principal=rest_principal(request), wanted=wanted, narrowing=Narrowing(plain.GET))
        return Response(FacetsSerializer(found).data)
