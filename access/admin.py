"""What policies and decisions speak of and only administrators keep: attributes, purposes, query engines' catalogs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from access.models import EngineCatalog, PrincipalAttribute, Purpose
from accounts.authentication import principal_of


@admin.register(PrincipalAttribute)
class PrincipalAttributeAdmin(admin.ModelAdmin):
    """Attributes by which policies know people. To take one away, say until when it was so: what was so stays known."""

    list_display = ("principal", "name", "value", "valid_from", "valid_to")
    list_filter = ("name",)
    search_fields = ("principal__name", "value")
    raw_id_fields = ("principal",)
    fields = ("principal", "name", "value", "valid_from", "valid_to")

    def save_model(self, request: HttpRequest, obj: PrincipalAttribute, form: ModelForm[Any], change: bool) -> None:
        if not change:
            obj.set_by = principal_of(request)
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: PrincipalAttribute | None = None) -> bool:
        return False


@admin.register(Purpose)
class PurposeAdmin(admin.ModelAdmin):
    """Kinds of purposes that requests and decisions may tell."""

    list_display = ("name", "slug", "enabled")
    search_fields = ("name",)


@admin.register(EngineCatalog)
class EngineCatalogAdmin(admin.ModelAdmin):
    """What Trino calls a source: a table of its catalog is the source's dataset with the path prefix, schema, table."""

    list_display = ("name", "source", "prefix")
