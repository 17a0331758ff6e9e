"""Many ids as one parameter: what PostgreSQL reads is what was given."""

from __future__ import annotations

import pytest
from django.db import connection

from catalog.models import Dataset
from common.arrays import Among, array_of
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ids", [[], [7], [-(2**63), 0, 2**63 - 1], [None, 3, None], {5: "", 6: ""}])
def test_postgresql_reads_what_was_given(ids):
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::bigint[]", [array_of(ids)])
        assert cursor.fetchone() == (list(ids),)


def test_among_finds_these_and_no_others():
    made = [factories.dataset(), factories.dataset(), factories.dataset()]
    some = {made[0].pk, made[2].pk}
    assert set(Dataset.objects.filter(Among("pk", some)).values_list("pk", flat=True)) == some
    assert not Dataset.objects.filter(Among("pk", [])).exists()
