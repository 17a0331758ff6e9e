"""Sources that are crawled: an address makes the connection, the platform and the namespace."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Principal
from catalog.actions import add_source
from catalog.models import SamplingAmount, Source
from catalog.naming import file_namespace, server_namespace
from common.errors import Conflict, Invalid
from connections.actions import create_connection
from connections.addresses import Address
from connections.errors import AlreadyConnected
from connections.targets import Target
from ingestion.connectors.protocol import Check
from ingestion.connectors.registry import connector_for

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
    try:
        connection = create_connection(address=address, by=by, tls_ca=tls_ca)
    except AlreadyConnected as error:
        known = Source.objects.visible_to(by).filter(connection=error.connection_id).first()
        if known is None:
            raise
        raise Conflict(
            f"{address} is a source already: {known} ({known.slug}). Crawl that one, or edit it to read more or less of it."
        ) from None
    return add_source(
        slug=slug or slugify(name),
        name=name,
        platform=address.platform.value,
        namespace=namespace_of(address, public_address),
        connection=connection,
        by=by,
        **values,
    )


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
    if source.connection is None:
        raise Conflict(f"{source} has no connection: it is filled by pushed snapshots. Add a connection to crawl it.")
    return source.connection.target()


def check_source(source: Source) -> Check:
    """Test the connection of a source; answers within five seconds, with the reason where it fails."""
    return connector_for(target_of(source).for_check()).check()


def grants_of(source: Source) -> tuple[str, ...]:
    """The exact statements that give the source's account what its crawl needs; none for files."""
    sampling = source.sampling != SamplingAmount.OFF
    return connector_for(target_of(source).for_check()).required_grants(sampling=sampling)
