"""The administration: Django's, with every write of it in the record like any other action."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.authentication import principal_of
from audit.events import Event, Subject, event
from audit.recording import record_many


@event("administration.row_written", "{deed} {what} in the administration{detail}", personal=["what"])
@dataclass(frozen=True, slots=True, kw_only=True)
class RowWritten(Event):
    """`what` may be a person's name; the model and key say which row it was."""

    deed: str
    model: str
    key: str
    what: str
    detail: str = ""

    def subjects(self) -> Iterable[Subject]:
        return [Subject(self.model.rpartition(".")[2].lower(), int(self.key))] if self.key.isdigit() else []


class Recorded(admin.ModelAdmin):
    """Mixed into every model's administration. Django calls these hooks once for each thing that it writes."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """In a transaction, so that what an action deletes and its record stand or fall together."""
        with transaction.atomic():
            return super().changelist_view(request, extra_context)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "added", [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "changed", [obj], _fields(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        _record(request, "deleted", queryset)
        return super().log_deletions(request, queryset)


def _record(request: HttpRequest, deed: str, rows: Iterable[Model], detail: str = "") -> None:
    events = [
        RowWritten(
            deed=deed,
            model=row._meta.label,
            key=str(row.pk),
            what=f"the {row._meta.verbose_name} {row}",
            detail=detail,
        )
        for row in rows
    ]
    record_many(events, by=principal_of(request))


def _fields(message: Any) -> str:
    """Django's own list of what changed, as words: which fields, never their values."""
    names: list[str] = []
    for entry in message if isinstance(message, list) else []:
        names += entry.get("changed", {}).get("fields", [])
    return f": {', '.join(names)}" if names else ""


class RecordedSite(admin.AdminSite):
    """Whatever is registered, by us or by a library, is recorded."""

    site_header = site_title = "Catalog administration"
    index_title = "Administration"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        base = admin_class or admin.ModelAdmin
        recorded = type(base.__name__, (Recorded, base), {"__module__": base.__module__, "__doc__": base.__doc__})
        super().register(model_or_iterable, recorded, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators only: a row written here passes no domain's roles."""
        return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
