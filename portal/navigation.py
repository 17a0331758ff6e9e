"""What the navigation of every page counts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def counts(request: HttpRequest) -> dict[str, Any]:
    """`nav_counts`: how many decisions (`access`) and suggestions (`review`) wait for this person, and what they have not read
    yet (`notifications`); read only by pages that show the navigation.

    A view that knows some already puts them in the request's `nav_counted`.
    """
    principal = getattr(request, "principal", None)
    if principal is None:
        return {}

    def waiting() -> dict[str, int]:
        from access.inbox import count_waiting
        from alerts.reading import count_unread
        from classification import review

        counted: dict[str, int] = getattr(request, "nav_counted", {})
        return {
            "access": counted["access"] if "access" in counted else count_waiting(principal),
            "review": review.count_waiting(principal),
            "notifications": count_unread(principal),
        }

    return {"nav_counts": SimpleLazyObject(waiting)}
