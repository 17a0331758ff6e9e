"""Browsers in which somebody is signed in. Only the database keeps them, so ending one signs it out at its next click."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import Principal


def sessions_of(*people: Principal) -> list[str]:
    """The keys of the sessions in which one of these people is signed in. It opens every session that has not expired."""
    wanted = {str(person.user_id) for person in people if person.user_id is not None}
    running = Session.objects.filter(expire_date__gt=timezone.now())
    return [
        one.session_key for one in running.iterator(chunk_size=2000) if one.get_decoded().get(SESSION_KEY) in wanted
    ]


def end_sessions(people: Collection[Principal]) -> int:
    """Sign these people out everywhere; returns in how many browsers they were."""
    ended, _ = Session.objects.filter(session_key__in=sessions_of(*people)).delete()
    return ended
