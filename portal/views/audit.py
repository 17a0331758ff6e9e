"""The audit log, for administrators: everything that happened, newest first."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from accounts.models import Principal
from accounts.permissions import check_is_administrator
from audit.events import event_names
from audit.feed import feed
from audit.models import Record
from audit.queries import tell
from common.errors import Invalid
from common.pagination import page_of, page_size


class AuditFilterForm(forms.Form):
    event = forms.ChoiceField(required=False)
    actor = forms.CharField(required=False, max_length=150, label="By", help_text="Part of a name.")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        names = [(name, _words(name)) for name in event_names()]
        self.fields["event"].choices = [("", "Every event"), *names]  # type: ignore[attr-defined]


def _words(name: str) -> str:
    room, _, event = name.partition(".")
    return f"{room.capitalize()}: {event.replace('_', ' ')}"


@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """Records by event and actor; the filters start at an index, and a page costs the same wherever it is."""
    check_is_administrator(principal_of(request))
    form = AuditFilterForm(request.GET)
    if not form.is_valid():
        raise Invalid("Choose an event of the list, and a name of at most 150 characters.")
    rows = Record.objects.select_related("actor__user")
    if form.cleaned_data["event"]:
        rows = rows.filter(event=form.cleaned_data["event"])
    if form.cleaned_data["actor"]:
        actors = Principal.objects.filter(name__icontains=form.cleaned_data["actor"]).values("pk")
        rows = rows.filter(actor__in=actors)
    page = page_of(rows, order=("-id",), cursor=request.GET.get("cursor"), size=page_size(request))
    return render(request, "portal/audit.html", {"form": form, "page": page, "activities": feed(tell(page.rows))})
