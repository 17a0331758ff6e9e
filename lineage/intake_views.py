"""The intake under Django's URLs: the same answers, for whoever comes by Django (the test client, another WSGI server)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from lineage.intake_http import answer_to


@csrf_exempt
def lineage(request: HttpRequest) -> HttpResponse:
    """One event, or an array of them, by the address."""
    answer = answer_to(request.environ)  # type: ignore[attr-defined]
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
