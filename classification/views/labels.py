"""Labels as CSV files: out, and in after a look at what that would change."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import principal_of
from classification.actions.importing import import_labels
from classification.forms.labels import ImportForm
from classification.label_csv import exported, planned
from common.components import Column

_SHOWN = 200


@require_safe
def labels_export(request: HttpRequest) -> HttpResponseBase:
    """The labels that the reader sees, as a CSV file."""
    answer = StreamingHttpResponse(exported(principal_of(request)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="labels.csv"'
    return answer


@require_http_methods(["GET", "POST"])
def labels_import(request: HttpRequest) -> HttpResponse:
    """Shows what a file would change; with `apply`, changes it."""
    principal = principal_of(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    plan, content = None, b""
    if request.method == "POST" and form.is_valid():
        content = form.text()
        plan = planned(principal, content)
        if "apply" in request.POST:
            changes, reason = plan.changes, form.cleaned_data["reason"]
            count = form.attempt(lambda: import_labels(wanted=changes, reason=reason, by=principal))
            if count is not None:
                messages.success(request, f"Labelled {count} column{'' if count == 1 else 's'}.")
                return redirect("classification:review")
    return render(
        request,
        "classification/labels_import.html",
        {
            "form": form,
            "plan": plan,
            "content": content.decode("utf-8-sig", errors="replace"),
            "changes": plan.changes[:_SHOWN] if plan else (),
            "faults": plan.faults[:_SHOWN] if plan else (),
            "columns": [Column("Column"), Column("Before"), Column("After")],
        },
    )
