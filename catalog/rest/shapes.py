"""What REST answers: shapes of systems, domains, sources and datasets, each as far as the reader may read it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.rest import PrincipalSerializer
from catalog.forms import MAX_TEXT
from catalog.models import (
    Dataset,
    DatasetName,
    Domain,
    DomainMembership,
    Field,
    Key,
    Origin,
    Ownership,
    Source,
    System,
    Tag,
    Tier,
)
from common.json_body import BodySerializer


class SystemSerializer(serializers.ModelSerializer[System]):
    class Meta:
        model = System
        fields = ["slug", "name", "description"]


class NewSystemSerializer(BodySerializer):
    slug = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    name = serializers.CharField(max_length=150)
    description = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, required=False, default="")


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["slug", "name"]


class NewTagSerializer(BodySerializer):
    name = serializers.CharField(max_length=60)
    slug = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_-]*$", max_length=60, required=False, help_text="Made from the name where it is left out."
    )


class TagChangesSerializer(BodySerializer):
    name = serializers.CharField(max_length=60, required=False)


class DomainSerializer(serializers.ModelSerializer[Domain]):
    # DRF takes declared fields off the class; the stubs see them hide attributes of `Field` with the same name.
    parent = serializers.SlugRelatedField[Domain](  # type: ignore[assignment]
        slug_field="slug", read_only=True, allow_null=True
    )

    class Meta:
        model = Domain
        fields = ["slug", "name", "description", "parent", "open_tier", "created_at"]


class NewDomainSerializer(BodySerializer):
    slug = serializers.RegexField(r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    name = serializers.CharField(max_length=150)
    description = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, required=False, default="")
    open_tier = serializers.ChoiceField(choices=Tier.choices, required=False)


class DomainChangesSerializer(BodySerializer):
    name = serializers.CharField(max_length=150, required=False)
    description = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, required=False)
    open_tier = serializers.ChoiceField(choices=Tier.choices, required=False)


class MembershipSerializer(serializers.ModelSerializer[DomainMembership]):
    principal = PrincipalSerializer(read_only=True, allow_null=True)
    group = serializers.CharField(source="group.name", read_only=True, allow_null=True, default=None)

    class Meta:
        model = DomainMembership
        fields = ["id", "role", "principal", "group", "valid_from"]


class DatasetLineSerializer(serializers.ModelSerializer[Dataset]):
    """A dataset in a list: what everybody knows of it who may discover it."""

    name = serializers.CharField(source="qualified_name", read_only=True, help_text="OpenLineage name.")
    title = serializers.CharField(source="name", read_only=True, help_text="The last part of the native path.")
    source = serializers.SlugRelatedField[Source](  # type: ignore[assignment]  # declared, not the option
        slug_field="slug", read_only=True, allow_null=True
    )
    domain = serializers.SlugRelatedField[Domain](slug_field="slug", read_only=True, allow_null=True)
    level = serializers.IntegerField(read_only=True, allow_null=True, help_text="Rank of the effective level.")
    owners = serializers.ListField(child=serializers.CharField(), source="owner_names", read_only=True)
    tags = serializers.ListField(child=serializers.CharField(), source="tag_names", read_only=True)
    tier = serializers.IntegerField(read_only=True, help_text="1: you may know of it, 2: its metadata, 3: its code.")

    class Meta:
        model = Dataset
        fields = [
            "id", "namespace", "name", "title", "kind", "source", "domain", "level", "owners", "tags", "tier",
            "changed_at", "gone_since",
        ]  # fmt: skip


class ReferenceSerializer(serializers.Serializer[Any]):
    """Where a foreign key points; `dataset` is null where the reader may not see it."""

    dataset = serializers.IntegerField(source="dataset.pk", allow_null=True, default=None)
    columns = serializers.ListField(child=serializers.CharField(), source="key.referenced_columns")


class KeySerializer(serializers.ModelSerializer[Key]):
    references = serializers.SerializerMethodField()

    class Meta:
        model = Key
        fields = ["kind", "name", "columns", "references"]

    @extend_schema_field(ReferenceSerializer(allow_null=True))
    def get_references(self, key: Key) -> dict[str, Any] | None:
        reference = self.context["references"].get(key.pk)
        return dict(ReferenceSerializer(reference).data) if reference else None


class DatasetSerializer(DatasetLineSerializer):
    """A dataset. What the reader's tier does not cover is null."""

    path = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)
    description = serializers.CharField(read_only=True, allow_null=True)
    comment = serializers.CharField(read_only=True, allow_null=True)
    version = serializers.IntegerField(read_only=True, allow_null=True)
    field_count = serializers.IntegerField(read_only=True, allow_null=True)
    row_estimate = serializers.IntegerField(read_only=True, allow_null=True)
    size_bytes = serializers.IntegerField(read_only=True, allow_null=True)
    properties = serializers.DictField(read_only=True, allow_null=True)
    first_seen = serializers.DateTimeField(read_only=True, allow_null=True)
    last_seen = serializers.DateTimeField(source="last_seen_at", read_only=True, allow_null=True)
    data_updated_at = serializers.DateTimeField(read_only=True, allow_null=True)
    keys = serializers.SerializerMethodField()
    definition = serializers.CharField(read_only=True, allow_null=True, help_text="SQL of a view; third tier.")

    METADATA = (
        "path", "description", "comment", "version", "field_count", "row_estimate", "size_bytes", "properties",
        "first_seen", "last_seen", "data_updated_at", "keys",
    )  # fmt: skip

    class Meta(DatasetLineSerializer.Meta):
        fields = [
            *DatasetLineSerializer.Meta.fields, "path", "description", "comment", "version", "field_count",
            "row_estimate", "size_bytes", "properties", "first_seen", "last_seen", "data_updated_at", "keys",
            "definition",
        ]  # fmt: skip

    @extend_schema_field(KeySerializer(many=True, allow_null=True))
    def get_keys(self, dataset: Dataset) -> list[dict[str, Any]]:
        keys = self.context["keys"]
        return [dict(KeySerializer(key, context={"references": keys.references}).data) for key in keys.keys]

    def to_representation(self, dataset: Dataset) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(dataset)
        tier = dataset.tier
        if tier < Tier.METADATA:
            shown |= dict.fromkeys(self.METADATA)
        if tier < Tier.PROFILE:
            shown["definition"] = None
        return shown


class DatasetChangesSerializer(BodySerializer):
    """What may be changed of a dataset here. An empty description takes yours back; a null domain takes it out."""

    description = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, required=False)
    domain = serializers.CharField(max_length=60, allow_null=True, required=False, help_text="Slug of a domain.")


class FieldChangesSerializer(BodySerializer):
    description = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, required=False)


class FieldSerializer(serializers.ModelSerializer[Field]):
    path = serializers.ListField(child=serializers.CharField(), read_only=True)
    level = serializers.IntegerField(read_only=True, allow_null=True, help_text="Rank of the effective level.")
    default = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Field
        fields = [
            "id", "path", "position", "native_type", "type", "nullable", "default", "comment", "description",
            "level", "first_seen", "gone_since",
        ]  # fmt: skip


class NameSerializer(serializers.ModelSerializer[DatasetName]):
    class Meta:
        model = DatasetName
        fields = ["namespace", "name", "origin", "is_main", "valid_from"]


class OwnershipSerializer(serializers.ModelSerializer[Ownership]):
    principal = PrincipalSerializer(read_only=True, allow_null=True)
    group = serializers.CharField(source="group.name", read_only=True, allow_null=True, default=None)
    asserted_by = PrincipalSerializer(read_only=True)

    class Meta:
        model = Ownership
        fields = ["id", "kind", "principal", "group", "origin", "asserted_by", "valid_from"]


class NewOwnerSerializer(BodySerializer):
    member = serializers.CharField(
        max_length=254, help_text="A person's user name, e-mail address or full name, or the name of a group."
    )
    kind = serializers.ChoiceField(choices=Ownership.Kind.choices, default=Ownership.Kind.OWNER.value)


class NewMemberSerializer(BodySerializer):
    member = serializers.CharField(
        max_length=254, help_text="A person's user name, e-mail address or full name, or the name of a group."
    )
    role = serializers.ChoiceField(choices=["viewer", "analyst", "steward", "owner"])


class TagAssignmentSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField(source="tag.slug")
    name = serializers.CharField(source="tag.name")
    origin = serializers.ChoiceField(choices=Origin.choices)
    asserted_by = PrincipalSerializer()
    valid_from = serializers.DateTimeField()


class VersionLineSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    seen_at = serializers.DateTimeField()
    origin = serializers.ChoiceField(choices=Origin.choices)


class VersionSerializer(VersionLineSerializer):
    content = serializers.DictField()


class DifferenceSerializer(serializers.Serializer[Any]):
    """One change between two versions, and a sentence that tells it."""

    kind = serializers.ChoiceField(choices=["added", "removed", "changed"], source="kind.value")
    subject = serializers.ChoiceField(choices=["field", "key", "dataset"])
    what = serializers.CharField()
    sentence = serializers.CharField()


class DiffSerializer(serializers.Serializer[Any]):
    before = serializers.IntegerField()
    after = serializers.IntegerField()
    summary = serializers.CharField()
    changes = DifferenceSerializer(many=True)


class ChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class ActivitySerializer(serializers.Serializer[Any]):
    """A record as a sentence: "<by> <sentence>." """

    id = serializers.IntegerField(source="record_id")
    event = serializers.CharField()
    by = PrincipalSerializer(source="actor")
    sentence = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    change = serializers.CharField(allow_blank=True)
    changes = ChangeSerializer(many=True)


class ResultSerializer(DatasetLineSerializer):
    """A search result; `columns` are those in which the words were found."""

    columns = serializers.SerializerMethodField()

    class Meta(DatasetLineSerializer.Meta):
        fields = [*DatasetLineSerializer.Meta.fields, "columns"]

    def get_columns(self, dataset: Dataset) -> list[str]:
        return list(self.context["columns"].get(dataset.pk, []))


@extend_schema_serializer(many=False)
class SearchPageSerializer(serializers.Serializer[Any]):
    """A page of results. `corrected` is what was looked for where nothing matched the words as they were typed."""

    corrected = serializers.CharField(allow_null=True)
    results = ResultSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class OptionSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    label: Any = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField(allow_null=True)
    chosen = serializers.BooleanField()


class FacetsSerializer(serializers.Serializer[Any]):
    """How many results each value of a filter would keep; counts are null where there are too many to count."""

    total = serializers.IntegerField()
    capped = serializers.BooleanField()
    facets = serializers.DictField(child=OptionSerializer(many=True), source="options")
