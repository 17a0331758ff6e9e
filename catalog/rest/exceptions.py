"""What REST says and takes of exceptions."""

from __future__ import annotations

from rest_framework import serializers

from accounts.rest import PrincipalSerializer
from catalog.models import DatasetException
from common.json_body import BodySerializer


class DatasetExceptionSerializer(serializers.ModelSerializer[DatasetException]):
    principal = PrincipalSerializer(read_only=True, allow_null=True)
    group = serializers.CharField(source="group.name", read_only=True, allow_null=True, default=None)
    granted_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = DatasetException
        fields = ["id", "principal", "group", "tier", "reason", "granted_by", "valid_from"]


class NewDatasetExceptionSerializer(BodySerializer):
    member = serializers.CharField(
        max_length=254, help_text="A person's user name, e-mail address or full name, or the name of a group."
    )
    tier = serializers.ChoiceField(choices=DatasetException.TIERS)
    reason = serializers.CharField(max_length=2000)
