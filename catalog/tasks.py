from __future__ import annotations

from celery import shared_task
from django.conf import settings

from catalog.actions import forget_old_profiles


@shared_task(ignore_result=True)
def forget_profiles() -> None:
    """Let go of profiles that are older than the installation keeps them."""
    forget_old_profiles(days=settings.PROFILE_HISTORY_DAYS)
