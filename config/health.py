"""Whether the product lives (`/healthz`) and whether it works (`/readyz`), without sign-in and without secrets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.broker import broker
from config.heartbeats import BEAT_KEY, WORKER_KEY_PREFIX
from config.sweeps import KEY_PREFIX, WATCHED

_STALE_AFTER = 45.0
"""Seconds; workers and beat write a heartbeat every 15 seconds."""

_UNSWEPT_AFTER = 90.0
"""Seconds; the sweeps that end access are sent every 20 seconds at least."""


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers."""
    return JsonResponse({"alive": True})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 where everything works, 503 otherwise; each part with its figure or the kind of its failure."""
    found = parts()
    ready = all(part["ok"] for part in found.values())
    return JsonResponse({"ready": ready, **found}, status=200 if ready else 503)


def parts() -> dict[str, dict[str, Any]]:
    """Every part with whether it works, its figures or the kind of its failure, and how long it took to ask."""
    return {
        "database": _tried(_database),
        "broker": _tried(_broker),
        "workers": _tried(_workers),
        "beat": _tried(_beat),
        "expiry": _tried(_expiry),
        "fold": _tried(_fold),
    }


def _tried(check: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    started = time.monotonic()
    try:
        found = {"ok": True, **check()}
    except Exception as error:
        found = {"ok": False, "error": type(error).__name__}
    found["ms"] = round((time.monotonic() - started) * 1000, 1)
    return found


def _database() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def _broker() -> dict[str, Any]:
    with broker() as client:
        client.ping()
    return {}


def _workers() -> dict[str, Any]:
    """Every queue must have a worker that was heard of lately."""
    now = time.time()
    queues: set[str] = set()
    alive = 0
    with broker() as client:
        for key in client.scan_iter(f"{WORKER_KEY_PREFIX}*"):
            entry = client.hgetall(key)
            if now - float(entry.get(b"at", 0)) <= _STALE_AFTER:
                alive += 1
                queues.update(entry.get(b"queues", b"").decode().split(","))
    missing = sorted({queue.name for queue in settings.CELERY_TASK_QUEUES} - queues)
    return {"ok": not missing, "alive": alive, "queues_without_worker": missing}


def _beat() -> dict[str, Any]:
    with broker() as client:
        at = client.get(BEAT_KEY)
    age = time.time() - float(at) if at else None
    return {
        "ok": age is not None and age <= _STALE_AFTER,
        "heard_seconds_ago": round(age, 1) if age is not None else None,
    }


def _expiry() -> dict[str, Any]:
    """The sweeps that end access came to their end lately: a worker may be heard of while its threads hang."""
    now = time.time()
    with broker() as client:
        heard = {name: client.get(f"{KEY_PREFIX}{name}") for name in WATCHED}
    ages = {name: round(now - float(at), 1) if at else None for name, at in heard.items()}
    return {"ok": all(age is not None and age <= _UNSWEPT_AFTER for age in ages.values()), "swept_seconds_ago": ages}


def _fold() -> dict[str, Any]:
    from lineage.queries import fold_lag

    pending, seconds = fold_lag()
    return {"ok": seconds < 60, "pending": pending, "lag_seconds": round(seconds, 1)}
