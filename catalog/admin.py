from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.authentication import principal_of
from catalog.actions import create_tag, rename_tag
from catalog.models import Tag


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """The organisation's vocabulary: stewards choose from it.

    Saving goes through the actions, as on the pages, so that a new name reaches the datasets, search and the record.
    """

    list_display = ("name", "slug")
    fields = ("name", "slug")
    search_fields = ("name",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Tag | None = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ("name",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        by = principal_of(request)
        if change:
            rename_tag(tag=obj, name=obj.name, by=by)
        else:
            obj.pk = create_tag(name=obj.name, slug=obj.slug, by=by).pk
