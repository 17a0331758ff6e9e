"""The demo is an end-to-end test: everything in it went through the doors that people and pipelines use."""

from __future__ import annotations

import pytest

from portal.demo.databases import Places
from portal.demo.loading import Loading

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.xdist_group("demo"),
]


def test_load(places: Places, live_server):
    steps = []
    Loading(places=places, url=live_server.url, only_here=True, note=lambda *s: steps.append(s)).run()
    print(steps)
    steps.clear()
    again = Loading(places=places, url=live_server.url, only_here=True, note=lambda *s: steps.append(s))
    again.run()
    print(steps)
    assert again.changes == 0
