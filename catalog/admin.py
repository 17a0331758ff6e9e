from django.contrib import admin

from catalog.models import Tag


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    """The organisation's vocabulary: stewards choose from it."""

    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    search_fields = ("name",)
