"""Pages of notifications, of how to hear of them, and the buttons that follow a dataset."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.authentication import principal_of
from alerts.actions import choose, follow, mark_read, unfollow
from alerts.kinds import SHORT
from alerts.models import Notification
from alerts.queries import followed_by, wishes_of
from alerts.reading import count_unread, notification_of, shown_of
from catalog.queries.datasets import visible_dataset
from common.components import Column, Crumb, Tab
from common.pagination import page_of

MOST_FOLLOWED = 200


@never_cache
@require_safe
def notification_list(request: HttpRequest) -> HttpResponse:
    """One's own notifications, newest first; `?all=1` shows those that were read too."""
    principal = principal_of(request)
    shows_all = request.GET.get("all") == "1"
    rows = Notification.objects.of(principal).select_related("record__actor")
    page = page_of(rows if shows_all else rows.unread(), order=("-id",), cursor=request.GET.get("cursor"), size=30)
    lines = shown_of(principal, page.rows)
    unread = count_unread(principal)
    here = reverse("alerts:list")
    context = {
        "page": page,
        "lines": lines,
        "unread": unread,
        "shows_all": shows_all,
        "newest": page.rows[0].pk if page.rows else 0,
        "tabs": [
            Tab("Unread", here, not shows_all, count=unread, icon="bell"),
            Tab("All", f"{here}?all=1", shows_all, icon="list"),
        ],
    }
    return render(request, "alerts/list.html", context)


@never_cache
@require_safe
def open_notification(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Where a notification leads: its link in pages and e-mails. Whoever opens it has read it."""
    principal = principal_of(request)
    line = notification_of(principal, notification_id)
    mark_read(by=principal, only=notification_id)
    return redirect(line.href)


@require_POST
def read_one(request: HttpRequest, notification_id: int) -> HttpResponse:
    principal = principal_of(request)
    notification_of(principal, notification_id)
    mark_read(by=principal, only=notification_id)
    return redirect("alerts:list")


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all as read, up to the newest that the page showed: what came since stays unread."""
    text = request.POST.get("up_to", "")
    up_to = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
    count = mark_read(by=principal_of(request), up_to=up_to)
    messages.success(request, f"{count} notification{'' if count == 1 else 's'} marked as read.")
    return redirect("alerts:list")


@never_cache
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """How to hear of each kind, and what one follows."""
    principal = principal_of(request)
    wishes = wishes_of(principal)
    if request.method == "POST":
        given = {wish.kind.value: request.POST.get(wish.kind.value, "") for wish in wishes}
        choose(choices={kind: choice for kind, choice in given.items() if choice}, by=principal)
        messages.success(request, "Saved. What comes from now on comes this way.")
        return redirect("alerts:preferences")
    context = {
        "wishes": wishes,
        "choices": list(SHORT.items()),
        "columns": [Column("What"), *(Column(label) for label in SHORT.values())],
        "digest_hour": settings.DIGEST_HOUR,
        "time_zone": settings.TIME_ZONE,
        "address": principal.user.email if principal.user else "",
        "followed": followed_by(principal).order_by("dataset__name", "pk")[:MOST_FOLLOWED],
        "crumbs": [Crumb("Notifications", reverse("alerts:list")), Crumb("How you are told")],
    }
    return render(request, "alerts/preferences.html", context)


@require_POST
def follow_dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id)
    follow(dataset=dataset, by=principal)
    messages.success(
        request, f"You follow {dataset.name}: you hear when its schema changes or a job that writes it fails."
    )
    return redirect("portal:dataset", dataset.pk)


@require_POST
def unfollow_dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    principal = principal_of(request)
    dataset = visible_dataset(principal, dataset_id)
    unfollow(dataset=dataset, by=principal)
    messages.success(request, f"You no longer follow {dataset.name}.")
    if request.POST.get("back") == "preferences":
        return redirect("alerts:preferences")
    return redirect("portal:dataset", dataset.pk)
