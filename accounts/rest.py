"""REST of tokens."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import GenericViewSet

from accounts.actions import create_token, revoke_token
from accounts.authentication import rest_principal
from accounts.models import ApiToken, Principal
from accounts.queries import visible_tokens
from accounts.recent import check_may_decide_now
from accounts.tokens import Scope
from common.described_query import DescribedQuery
from common.errors import Forbidden
from common.json_body import BodySerializer
from common.keyset import KeysetPagination


class PrincipalSerializer(serializers.ModelSerializer[Principal]):
    """Whoever acts: a person, service, pipeline or the catalog itself."""

    class Meta:
        model = Principal
        fields = ["id", "kind", "name"]
        read_only_fields = fields


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its text, which is shown once, at its creation."""

    principal = PrincipalSerializer(read_only=True)
    created_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = ApiToken
        fields = [
            "id", "name", "prefix", "principal", "scopes", "namespaces", "created_by", "created_at",
            "expires_at", "last_used_at", "revoked_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewTokenSerializer(BodySerializer):
    name = serializers.CharField(max_length=150)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[(scope.value, scope.value) for scope in Scope]), min_length=1
    )
    namespaces = serializers.ListField(child=serializers.CharField(max_length=500), default=list)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class IssuedTokenSerializer(TokenSerializer):
    """A new token with its text, this once."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


@extend_schema_view(
    list=extend_schema(summary="Your tokens; for administrators everybody's"),
    retrieve=extend_schema(summary="A token"),
)
class TokenViewSet(DescribedQuery, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[ApiToken]):
    serializer_class = TokenSerializer
    pagination_class = KeysetPagination
    queryset = ApiToken.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return visible_tokens(rest_principal(self.request))

    @extend_schema(
        summary="Create a token for yourself, in a session",
        request=NewTokenSerializer,
        responses={201: IssuedTokenSerializer},
    )
    def create(self, request: Request) -> Response:
        if isinstance(request.auth, ApiToken):
            raise Forbidden("A token makes no further tokens. Sign in to the catalog and create it there.")
        wanted = NewTokenSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        if Scope.ACCESS_APPROVE in wanted.validated_data["scopes"]:
            check_may_decide_now(request)
        by = rest_principal(request)
        issued = create_token(principal=by, by=by, **wanted.validated_data)
        answer = {**TokenSerializer(issued.token).data, "token": issued.text}
        return Response(answer, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Revoke a token", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        revoke_token(token=self.get_object(), by=rest_principal(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def register(router: DefaultRouter) -> None:
    router.register("tokens", TokenViewSet, basename="token")
