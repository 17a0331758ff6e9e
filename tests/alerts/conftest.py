from __future__ import annotations

import pytest

from tests.factories import Cast, personas


@pytest.fixture
def cast(db: None) -> Cast:
    return personas()
