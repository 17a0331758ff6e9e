from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from tests.browser import harness
from tests.browser.harness import Session
from tests.contracts import world as worlds
from tests.contracts.world import World
from tests.servers.as_migrated import Database


@dataclass(slots=True)
class House:
    """The catalog of `tests.contracts.world`, served, with a browser aimed at it."""

    world: World
    session: Session
    _cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    _pages: dict[str, Page] = field(default_factory=dict)

    def cookies(self, persona: str) -> dict[str, str]:
        """The cookies of a signed-in persona; none for `anonymous`."""
        return self._cookies.get(persona, {})

    def page(self, persona: str) -> Page:
        """The persona's own page, which stays open for tests that only look, so that files are fetched once."""
        if persona not in self._pages:
            self._pages[persona] = self.session.page(cookies=self.cookies(persona))
        return self._pages[persona]

    def sign_in(self, *personas: str) -> None:
        """Before the tests, whose own writes no server sees."""
        name = settings.SESSION_COOKIE_NAME
        for persona in personas:
            user = self.world.persona(persona).user
            assert user is not None
            client = Client()
            client.force_login(user)
            self._cookies[persona] = {name: client.cookies[name].value}


@pytest.fixture(scope="module")
def house(django_db_setup: Database, django_db_blocker, chromium: Chromium) -> Iterator[House]:
    """Committed rows, because the server's threads read them; the database is put back at the end.

    The tests are marked `django_db` only so that there is a database; they write nothing but through the browser.
    """
    with django_db_blocker.unblock():
        world = worlds.build()
        server = LiveServer("127.0.0.1")
        try:
            with harness.browsing(chromium, server.url) as session:
                house = House(world, session)
                house.sign_in("outsider", "analyst", "steward", "owner", "administrator")
                yield house
        finally:
            server.stop()
            django_db_setup.restore()
