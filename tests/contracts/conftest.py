from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from tests.contracts import world as worlds
from tests.contracts.world import World


class _Undo(Exception):
    pass


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[World]:
    """The catalog of a module's tests, in a transaction that is undone; each test adds its own inside."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                made = worlds.build()
                made.sign_in()
                yield made
                raise _Undo
        except _Undo:
            pass
