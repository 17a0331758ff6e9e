"""Sources that are crawled: an address makes the connection, the platform and the namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Principal
from catalog.actions import add_source, connect_source
from catalog.models import SamplingAmount, Source
from catalog.naming import file_namespace, server_namespace
from common.errors import Conflict, Invalid
from connections.actions import change_connection, changed_target, create_connection, new_target
from connections.addresses import Address
from connections.errors import AlreadyConnected
from connections.models import Connection
from connections.permissions import check_can_manage_connections
from connections.targets import Target
from ingestion.connectors.protocol import Check
from ingestion.connectors.registry import connector_for
from ingestion.connectors.scope import Scope

_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")


@transaction.atomic
def add_crawled_source(
    *,
    name: str,
    address: Address,
    by: Principal,
    slug: str = "",
    public_address: str = "",
    tls_ca: str = "",
    **values: Any,
) -> Source:
    """Make a source with its connection. `public_address` is the `host:port` that pipelines use, where it is another one.

    Raises `Conflict` where the database or file is a source already, and names that one if `by` sees it.
    `values` are those of `catalog.actions.add_source`: system, domain, frequency, structure, location, include, exclude,
    sampling.
    """
    with _naming_the_known(address, by):
        connection = create_connection(address=address, by=by, tls_ca=tls_ca)
    return add_source(
        slug=slug or slugify(name),
        name=name,
        platform=address.platform.value,
        namespace=namespace_of(address, public_address),
        connection=connection,
        by=by,
        **values,
    )


@dataclass(frozen=True, slots=True)
class Reconnected:
    """A source that is reached otherwise than before: what the test found (None: not tested), and sentences about what
    the change means for its datasets.
    """

    source: Source
    check: Check | None
    told: tuple[str, ...]


def change_source_connection(
    *, source: Source, address: Address, by: Principal, tls_ca: str | None = None, unchecked: bool = False
) -> Reconnected:
    """Change how a source is reached; one that was only pushed to gets its first connection. It is tested first, and nothing
    is changed where it does not answer.

    The namespace stays whatever the address becomes, for it is in the names of the source's datasets; so does the platform,
    which gives these names their form. Only a first connection must lead to the namespace, as nothing else tells that it is
    the database whose datasets were pushed. Raises what `connections.actions` raises, `Invalid` for another platform or
    namespace or a test that fails.
    """
    check_can_manage_connections(by)
    if source.connection is None:
        return _connect(source, address, by=by, tls_ca=tls_ca or "", unchecked=unchecked)
    before = source.connection.address()
    if address.platform is not before.platform:
        other = f"{source} is read as {before.platform.label}. Add the other database as a source of its own."
        raise Invalid(other, {"url": [other]})
    check = None
    if not unchecked:
        check = _answering(changed_target(connection=source.connection, address=address, by=by, tls_ca=tls_ca))
    with _naming_the_known(address, by):
        source.connection = change_connection(
            connection=source.connection, address=address, by=by, tls_ca=tls_ca, source_id=source.pk
        )
    return Reconnected(source, check, tuple(_consequences(source, before, source.connection.address())))


def _connect(source: Source, address: Address, *, by: Principal, tls_ca: str, unchecked: bool) -> Reconnected:
    """Give a source that was only pushed to its connection."""
    if address.platform.value != source.platform or namespace_of(address) != source.namespace:
        other = (
            f"{source} holds what was pushed for {source.namespace}, and this address is {namespace_of(address)}. Enter the"
            " address that pipelines use, or add this database as a source of its own."
        )
        raise Invalid(other, {"url": [other]})
    check = None if unchecked else _answering(new_target(address=address, by=by, tls_ca=tls_ca))
    with transaction.atomic(), _naming_the_known(address, by):
        connection = create_connection(address=address, by=by, tls_ca=tls_ca)
        connected = connect_source(source=source, connection=connection, by=by)
    return Reconnected(
        connected, check, ("The next crawl reads it itself, and plans as gone what was pushed and is not found there.",)
    )


def _answering(target: Target) -> Check:
    """What the test of a target found; raises `Invalid` where it does not answer."""
    check = connector_for(target.for_check()).check()
    if not check.ok:
        raise Invalid(f"Nothing was changed, for the connection fails. {check.reason}")
    return check


def _consequences(source: Source, before: Address, after: Address) -> Iterator[str]:
    moved = namespace_of(after)
    if source.namespace == namespace_of(before) != moved:
        yield (
            f"Its datasets stay under {source.namespace}, with their lineage and labels. What pipelines call by {moved} are"
            " other datasets, until these pipelines keep the former name or somebody merges the two."
        )
    if before.database != after.database:
        yield (
            f"It reads {after.database or 'all databases'} instead of {before.database or 'all databases'}. The database"
            " is part of the datasets' names: the next crawl adds those of the one and plans those of the other as gone."
        )


@contextmanager
def _naming_the_known(address: Address, by: Principal) -> Iterator[None]:
    """Say which source a database is already, to those who see that one."""
    try:
        yield
    except AlreadyConnected as error:
        known = Source.objects.visible_to(by).filter(connection=error.connection_id).first()
        if known is None:
            raise
        raise Conflict(
            f"{address} is a source already: {known} ({known.slug}). Crawl that one, or edit it to read more or less of it."
        ) from None


def namespace_of(address: Address, public_address: str = "") -> str:
    """The OpenLineage namespace of an address; raises `Invalid` for a public address that is no `host:port`."""
    if address.platform.is_file:
        return file_namespace(address.platform.value, address.path)
    if not public_address:
        return server_namespace(
            address.platform.value, address.host, address.port or address.platform.default_port or 0
        )
    match = _HOST_AND_PORT.fullmatch(public_address.strip())
    if match is None or not 0 < int(match["port"]) < 65536:
        wrong = "Write the public address as host:port, as in db.example.org:5432."
        raise Invalid(wrong, {"public_address": [wrong]})
    return server_namespace(address.platform.value, match["host"].strip("[]"), int(match["port"]))


def target_of(source: Source) -> Target:
    """The opened address of a source: decrypted, guarded, pinned. Raises what the guard and the secrets raise."""
    return connection_of(source).target()


def connection_of(source: Source) -> Connection:
    """How the source is reached; raises `Conflict` where it is not."""
    if source.connection is None:
        raise Conflict(
            f"{source} has no connection: it is filled by pushed snapshots. An administrator can give it one, to crawl it."
        )
    return source.connection


def scope_of(source: Source) -> Scope:
    """What a crawl of the source looks at."""
    return Scope(include=tuple(source.include), exclude=tuple(source.exclude))


def check_source(source: Source) -> Check:
    """Test the connection of a source; answers within five seconds, with the reason where it fails."""
    return connector_for(target_of(source).for_check()).check(scope_of(source))


def grants_of(source: Source) -> tuple[str, ...]:
    """The exact statements that give the source's account what its crawl needs; none for files."""
    sampling = source.sampling != SamplingAmount.OFF
    return connector_for(target_of(source).for_check()).required_grants(scope_of(source), sampling=sampling)
