import pytest

from tests.factories import Cast, personas


@pytest.fixture
def cast(db: None) -> Cast:
    """A domain with its people, and the dataset users (id, name, email)."""
    return personas()
