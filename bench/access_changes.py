"""Hold 100,000 grants to policies that came into force, and tell the holders of 10,000 grants, in the catalog and by mail.

Measured is processor time, of this process and of its connection's in PostgreSQL: what the worker takes from others that share
the machine. The world is that of `bench.access`, whose 38 policies come into force together; then one denies a group what is
restricted, and one masks that for everybody. The mail server is a process of its own.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psutil
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test.utils import override_settings
from django.utils import timezone

from access.actions import compare_grants_with_policies
from access.actions.policies import draft_policy, publish_policy
from access.actions.words import names_of, told_of_grant
from access.enforcement.events import GrantVerified
from access.models import Campaign, Grant, PolicyVersion
from access.policies.masking import Mask
from access.policies.rules import Action, Columns, Effect, MaskOf, Resources, Rule, Subjects
from accounts.models import Principal
from alerts.mailing import send_due
from alerts.models import Notification
from audit.delivery import deliver_pending
from audit.models import Delivery
from audit.recording import record_many
from bench.access_world import made_world
from bench.harness import Figure
from classification.models import Level

_TOLD = 10_000


def run() -> list[Figure]:
    made_world()
    system = Principal.objects.system()
    restricted = Level.objects.get(slug="restricted").pk
    group = Group.objects.order_by("pk")[30].pk
    deny = Rule(Effect.DENY, (Action.READ,), Subjects(groups=(group,)), resources=Resources(level_from=restricted))
    mask = Rule(
        Effect.RESTRICT,
        (Action.READ,),
        Subjects(everyone=True),
        masks=(MaskOf(Mask.NULL, Columns(level_from=restricted)),),
    )
    Campaign.objects.filter(policy_version__isnull=False).delete()
    PolicyVersion.objects.filter(policy__slug__startswith="bench-").update(compared_at=None, compared_up_to=0)
    figures = [_compared("38 policies at once", system)]
    for name, rule in (("one that denies a group", deny), ("one that masks for everybody", mask)):
        draft = draft_policy(name=f"{name} {time.monotonic()}", rule=rule, by=system)
        version = publish_policy(version=draft, by=system)
        figures.append(_compared(name, system))
        PolicyVersion.objects.filter(pk=version.pk).update(valid_to=timezone.now())
    Delivery.objects.filter(state=Delivery.State.PENDING).delete()
    Notification.objects.update(mail_due_at=None)
    return figures + _told(system)


def _compared(name: str, system: Principal) -> Figure:
    seconds = _processor_seconds(lambda: _until_compared(system))
    return Figure(f"100,000 grants held to {name}, processor time", "s", seconds)


def _until_compared(system: Principal) -> None:
    while compare_grants_with_policies(by=system) is not None:
        pass


def _told(system: Principal) -> list[Figure]:
    grants = Grant.objects.select_related("dataset__source", "principal").order_by("pk")[:_TOLD]
    with (
        _mail_server() as port,
        override_settings(
            EMAIL_URL=f"smtp://127.0.0.1:{port}",
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
            EMAIL_HOST="127.0.0.1",
            EMAIL_PORT=port,
            SITE_URL="https://catalog.example.org",
        ),
    ):
        names = names_of(grant.field_ids for grant in grants)
        with transaction.atomic():
            record_many(
                [GrantVerified(**told_of_grant(grant, names), **_source_of(grant)) for grant in grants], by=system
            )
        told = _processor_seconds(lambda: _until_nothing(deliver_pending))
        mailed = _processor_seconds(lambda: _until_nothing(send_due))
    if (
        Delivery.objects.filter(state=Delivery.State.PENDING).exists()
        or Notification.objects.filter(mail_due_at__lte=timezone.now()).exists()
    ):
        raise RuntimeError("Not all were told.")
    return [
        Figure(f"{_TOLD:,} grants told of, processor time", "s", told),
        Figure(f"{_TOLD:,} grants told by mail to as many people, processor time", "s", mailed),
    ]


def _source_of(grant: Grant) -> dict[str, Any]:
    source = grant.dataset.source
    return {"source_id": grant.dataset.source_id, "source": source.name if source else ""}


def _until_nothing(step: Callable[[], int]) -> None:
    while step():
        pass


def _processor_seconds(step: Callable[[], None]) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    began = time.process_time() + _of(backend)
    step()
    return time.process_time() + _of(backend) - began


def _of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def _mail_server() -> Iterator[int]:
    """A mail server that takes everything and keeps nothing; gives its port."""
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = int(chosen.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    )
    try:
        until = time.monotonic() + 30
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("The mail server of the benchmark did not start.")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _listens(port: int) -> bool:
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=2)):
            return True
    except OSError:
        return False
