from __future__ import annotations

import json

import pytest

from accounts.tokens import mint
from config.celery import app
from lineage.intake import accept
from lineage.models import Run
from lineage.partitions import make_partitions_ahead
from lineage.tasks import fold, make_partitions
from tests.factories import pipeline
from tests.lineage.events import run_event

pytestmark = pytest.mark.django_db


def test_the_fold_has_its_own_queue_and_comes_every_second():
    scheduled = {entry["task"]: entry for entry in app.conf.beat_schedule.values()}
    assert scheduled[fold.name]["schedule"] == 1.0
    assert scheduled[fold.name]["options"]["expire_seconds"] == 1
    assert app.amqp.router.route({}, fold.name)["queue"].name == "fold"
    assert make_partitions.name in scheduled


def test_the_task_folds_what_waits():
    sender = pipeline()
    token = mint(principal=sender, name="task", scopes=["lineage:write"], by=sender).token
    accept(json.dumps(run_event()).encode(), token=token)
    assert fold() == 1
    assert Run.objects.count() == 1


def test_partitions_are_made_ahead_once():
    assert make_partitions_ahead(6) == 4
    assert make_partitions_ahead(6) == 0
