"""What the navigation of every page counts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def counts(request: HttpRequest) -> dict[str, Any]:
    """`nav_counts`: how many decisions (`access`) and suggestions (`review`) wait for this person, and what they have not read
    yet (`notifications`); read only by pages that show the navigation."""
    principal = getattr(request, "principal", None)
    if principal is None:
        return {}

    def waiting() -> dict[str, int]:
        from access.inbox import count_waiting
        from alerts.reading import count_unread
        from classification import review

        return {
            "access": count_waiting(principal),
            "review": review.count_waiting(principal),
            "notifications": count_unread(principal),
        }

    return {"nav_counts": SimpleLazyObject(waiting)}
