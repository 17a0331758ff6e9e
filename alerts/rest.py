"""REST of notifications, of how to hear of them, and of follows."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ViewSet

from accounts.authentication import rest_principal
from alerts.actions import choose, follow, mark_read, unfollow
from alerts.kinds import Choice, Kind
from alerts.models import Follow, Notification
from alerts.queries import followed_by, is_followed, wishes_of
from alerts.reading import notification_of, shown_of
from catalog.queries.datasets import visible_dataset
from common.described_query import DescribedQuery
from common.errors import NotFound
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class NotificationSerializer(serializers.Serializer[Any]):
    """Something that you are told. `url` leads to it and marks it as read."""

    id = serializers.IntegerField(source="notification.pk")
    kind = serializers.CharField(source="notification.kind")
    sentence = serializers.CharField()
    created_at = serializers.DateTimeField(source="notification.created_at")
    read_at = serializers.DateTimeField(source="notification.read_at", allow_null=True)
    mailed_at = serializers.DateTimeField(source="notification.mail_sent_at", allow_null=True)
    href = serializers.CharField(help_text="The page of what it is about.")


class ReadSerializer(BodySerializer):
    up_to = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="The newest that you know; without it, all."
    )


class MarkedSerializer(serializers.Serializer[Any]):
    marked = serializers.IntegerField(help_text="How many were unread.")


_UNREAD = OpenApiParameter("unread", OpenApiTypes.BOOL, description="Only those that were not read yet.")


class NotificationViewSet(DescribedQuery, GenericViewSet[Notification]):
    serializer_class = NotificationSerializer
    pagination_class = KeysetPagination
    queryset = Notification.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(
        summary="Your notifications, newest first",
        parameters=[_UNREAD],
        responses=NotificationSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        principal = rest_principal(request)
        rows = Notification.objects.of(principal).select_related("record__actor")
        if request.query_params.get("unread", "").lower() == "true":
            rows = rows.unread()
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(NotificationSerializer(shown_of(principal, page), many=True).data)

    @extend_schema(summary="A notification", responses=NotificationSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(NotificationSerializer(notification_of(rest_principal(request), int(pk))).data)

    @extend_schema(summary="Mark a notification as read", request=None, responses=NotificationSerializer)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: str) -> Response:
        principal = rest_principal(request)
        notification_of(principal, int(pk))
        mark_read(by=principal, only=int(pk))
        return Response(NotificationSerializer(notification_of(principal, int(pk))).data)

    @extend_schema(
        operation_id="notifications_read_all_create",  # else it is called as that of one notification
        summary="Mark your notifications as read",
        request=ReadSerializer,
        responses={200: MarkedSerializer},
    )
    @action(detail=False, methods=["post"], url_path="read", url_name="read-all")
    def read_all(self, request: Request) -> Response:
        wanted = ReadSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        marked = mark_read(by=rest_principal(request), up_to=wanted.validated_data.get("up_to"))
        return Response({"marked": marked})


class WishSerializer(serializers.Serializer[Any]):
    """How you hear of a kind."""

    kind = serializers.ChoiceField(choices=Kind.choices)
    choice = serializers.ChoiceField(choices=Choice.choices)
    told = serializers.CharField(source="kind.label", help_text="The kind in words.")


class ChoiceSerializer(BodySerializer):
    choice = serializers.ChoiceField(choices=Choice.choices)


_KIND = OpenApiParameter("kind", OpenApiTypes.STR, OpenApiParameter.PATH, enum=Kind.values)


class PreferenceViewSet(DescribedQuery, ViewSet):
    lookup_field = "kind"
    lookup_value_regex = "[a-z_]{1,30}"

    @extend_schema(summary="How you hear of each kind", responses=WishSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(WishSerializer(wishes_of(rest_principal(request)), many=True).data)

    @extend_schema(
        summary="Choose how you hear of a kind",
        parameters=[_KIND],
        request=ChoiceSerializer,
        responses=WishSerializer,
    )
    def update(self, request: Request, kind: str) -> Response:
        if kind not in Kind.values:
            raise NotFound("There is no such kind of notification.")
        wanted = ChoiceSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        principal = rest_principal(request)
        choose(choices={kind: wanted.validated_data["choice"]}, by=principal)
        return Response(WishSerializer(next(wish for wish in wishes_of(principal) if wish.kind == kind)).data)


class FollowSerializer(serializers.ModelSerializer[Follow]):
    """A dataset that you follow."""

    name = serializers.CharField(source="dataset.name")
    namespace = serializers.CharField(source="dataset.namespace")
    qualified_name = serializers.CharField(source="dataset.qualified_name")

    class Meta:
        model = Follow
        fields = ["dataset", "name", "namespace", "qualified_name", "since"]
        read_only_fields = fields


@extend_schema_view(list=extend_schema(summary="Datasets that you follow"))
class FollowViewSet(DescribedQuery, GenericViewSet[Follow]):
    serializer_class = FollowSerializer
    pagination_class = KeysetPagination
    queryset = Follow.objects.none()

    def get_queryset(self) -> QuerySet[Follow]:
        return followed_by(rest_principal(self.request))

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(FollowSerializer(page, many=True).data)


class FollowedSerializer(serializers.Serializer[Any]):
    followed = serializers.BooleanField()


_DATASET = OpenApiParameter("dataset_id", OpenApiTypes.INT64, OpenApiParameter.PATH)


@extend_schema_view(
    get=extend_schema(summary="Whether you follow a dataset", parameters=[_DATASET], responses=FollowedSerializer),
    put=extend_schema(
        summary="Follow a dataset: hear of its schema and of jobs that write it",
        parameters=[_DATASET],
        request=None,
        responses=FollowedSerializer,
    ),
    delete=extend_schema(summary="No longer follow a dataset", parameters=[_DATASET], responses={204: None}),
)
class DatasetFollowView(DescribedQuery, APIView):
    def get(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        return Response({"followed": is_followed(principal, visible_dataset(principal, dataset_id))})

    def put(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        follow(dataset=visible_dataset(principal, dataset_id), by=principal)
        return Response({"followed": True})

    def delete(self, request: Request, dataset_id: int) -> Response:
        principal = rest_principal(request)
        unfollow(dataset=visible_dataset(principal, dataset_id), by=principal)
        return Response(status=status.HTTP_204_NO_CONTENT)


def register(router: DefaultRouter) -> None:
    router.register("notifications", NotificationViewSet, basename="notification")
    router.register("notification-preferences", PreferenceViewSet, basename="notification-preference")
    router.register("follows", FollowViewSet, basename="follow")


urlpatterns: list[URLPattern] = [
    path("datasets/<int:dataset_id>/follow/", DatasetFollowView.as_view(), name="dataset-follow"),
]
