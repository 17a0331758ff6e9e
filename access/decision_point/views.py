"""The decision point under Django's URLs: the same answers, for whoever comes by Django; and where it is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from access.decision_point import http


@csrf_exempt
def decide(request: HttpRequest) -> HttpResponse:
    """A decision, by the address."""
    answer = http.answer_to(request.environ)  # type: ignore[attr-defined]
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))


@require_safe
@cache_control(max_age=3600, public=True)
def discovery(request: HttpRequest) -> HttpResponse:
    """AuthZEN's metadata; no secret, so no sign-in."""
    return JsonResponse(http.discovery())
