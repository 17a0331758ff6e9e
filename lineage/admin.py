from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from lineage.draining import send_again
from lineage.models import SetAsideEvent


@admin.register(SetAsideEvent)
class SetAsideEventAdmin(admin.ModelAdmin):
    """Events that could not be folded, with the reason; they can be sent again."""

    list_display = ("event_id", "received_at", "set_aside_at", "reason")
    readonly_fields = ("event_id", "received_at", "set_aside_at", "reason")
    actions = ("send_chosen_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Send the chosen events to the fold again")
    def send_chosen_again(self, request: HttpRequest, queryset: QuerySet[SetAsideEvent]) -> None:
        count = send_again(queryset.values_list("event_id", flat=True))
        self.message_user(request, f"{count} events wait for the fold again.")
