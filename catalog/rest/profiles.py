"""The shapes of profiles in REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import FieldProfile, Profile


class ProfileSerializer(serializers.ModelSerializer[Profile]):
    """A dataset's profile at one time, in short: by field id the share of nulls, different values and mean length."""

    fields = serializers.DictField(  # type: ignore[assignment]  # a field called so, not the serializer's own
        child=serializers.DictField(child=serializers.FloatField()), read_only=True
    )

    class Meta:
        model = Profile
        fields = ["id", "taken_at", "version", "row_count", "row_count_exact", "rows_sampled", "fields"]
        read_only_fields = fields


class ShapeSerializer(serializers.Serializer[Any]):
    shape = serializers.CharField(help_text="A: an upper-case letter, a: others, 9: a digit.")
    share = serializers.FloatField()


class FieldProfileSerializer(serializers.ModelSerializer[FieldProfile]):
    """What the latest sample says of a field. Least and greatest values and masked exemplars only where its level allows."""

    field_id = serializers.IntegerField(read_only=True)
    path = serializers.ListField(child=serializers.CharField(), source="field.path", read_only=True)
    shapes = serializers.SerializerMethodField()
    minimum = serializers.SerializerMethodField()
    maximum = serializers.SerializerMethodField()

    class Meta:
        model = FieldProfile
        fields = [
            "field_id", "path", "taken_at", "null_share", "distinct", "distinct_exact", "shortest", "longest", "mean_length",
            "shapes", "minimum", "maximum", "exemplars",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ShapeSerializer(many=True))
    def get_shapes(self, profile: FieldProfile) -> list[dict[str, object]]:
        return [{"shape": shape, "share": share} for shape, share in profile.shapes]

    def get_minimum(self, profile: FieldProfile) -> str | None:
        return profile.minimum or None

    def get_maximum(self, profile: FieldProfile) -> str | None:
        return profile.maximum or None
