from collections.abc import Iterator

import pytest

from access.provisioning.desired import Profile
from tests.access.enforcement.world import World, world_of
from tests.access.provisioning.conftest import cluster, embedded_cluster, machine_cluster  # noqa: F401 -- fixtures
from tests.access.provisioning.postgres import Cluster, warehouse


@pytest.fixture
def world(db: None, embedded_cluster: Cluster) -> Iterator[World]:  # noqa: F811
    """A catalogued database on PostgreSQL 18 that is enforced automatically, and its people."""
    with warehouse(embedded_cluster, Profile.ROLE_MANAGING) as place:
        yield world_of(place)
