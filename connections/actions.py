"""Write how sources are reached."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Principal
from audit.recording import record
from common.errors import Invalid
from connections.addresses import Address, check_host, check_path
from connections.errors import AlreadyConnected
from connections.events import ConnectionChanged, ConnectionCreated, EncryptionKeysRotated
from connections.models import Connection, guarded, secret_box
from connections.options import read_options
from connections.permissions import check_can_manage_connections
from connections.targets import Target
from connections.tls import TlsMode, tls_context

_BATCH = 500


@transaction.atomic
def create_connection(*, address: Address, by: Principal, tls_ca: str = "") -> Connection:
    """Store a connection. Raises `Invalid` for what cannot be an address and `Forbidden` for what the guard
    refuses,
    and `AlreadyConnected` where another connection leads to the same database or file.
    """
    check_can_manage_connections(by)
    connection = Connection.of(_checked(address, tls_ca), by=by, tls_ca=tls_ca)
    _save(connection)
    record(
        ConnectionCreated(connection_id=connection.pk, connection=str(connection), after=_told(connection)),
        by=by,
    )
    return connection


@transaction.atomic
def change_connection(
    *,
    connection: Connection,
    address: Address,
    by: Principal,
    tls_ca: str | None = None,
    source_id: int | None = None,
) -> Connection:
    """Change where and how a source is reached; `source_id` is the source whose activity tells of it.

    An empty secret keeps the present one, and no `tls_ca` the present certificate. Raises what `create_connection`
    raises, and `Invalid` where server, account or TLS change and the secret was not entered again.
    """
    check_can_manage_connections(by)
    connection = Connection.objects.select_for_update().get(pk=connection.pk)
    before, sealed = _told(connection), connection.sealed_secret
    _change(connection, address, tls_ca)
    _save(connection)
    after, secret_changed = _told(connection), connection.sealed_secret is not sealed
    if secret_changed or after != before:
        record(
            ConnectionChanged(
                connection_id=connection.pk,
                source_id=source_id,
                connection=str(connection),
                before=before,
                after=after,
                secret_changed=secret_changed,
            ),
            by=by,
        )
    return connection


def changed_target(*, connection: Connection, address: Address, by: Principal, tls_ca: str | None = None) -> Target:
    """What the connection would open after `change_connection` with the same values. Changes nothing."""
    check_can_manage_connections(by)
    changed = Connection.objects.get(pk=connection.pk)
    _change(changed, address, tls_ca)
    return changed.target()


def new_target(*, address: Address, by: Principal, tls_ca: str = "") -> Target:
    """What the connection would open that `create_connection` makes of the same values. Changes nothing."""
    check_can_manage_connections(by)
    return Connection.of(_checked(address, tls_ca), by=by, tls_ca=tls_ca).target()


@transaction.atomic
def rotate_encryption_keys(*, by: Principal) -> int:
    """Encrypt every stored secret's data key with the newest key; answers how many were under an older one.

    Raises `Conflict`, and changes nothing, when a secret's key is missing. Afterwards the older keys can be
    removed.
    """
    check_can_manage_connections(by)
    box = secret_box()
    outdated = Connection.objects.exclude(key_id__in=["", box.key_id]).select_for_update().order_by("pk")
    count = 0
    batch: list[Connection] = []
    for connection in outdated.iterator(chunk_size=_BATCH):
        connection.sealed_secret = box.rotate(bytes(connection.sealed_secret or b""))
        connection.key_id = box.key_id
        batch.append(connection)
        count += 1
        if len(batch) == _BATCH:
            Connection.objects.bulk_update(batch, ["sealed_secret", "key_id"])
            batch.clear()
    Connection.objects.bulk_update(batch, ["sealed_secret", "key_id"])
    if count:
        record(EncryptionKeysRotated(count=count, key_id=box.key_id), by=by)
    return count


def _checked(address: Address, tls_ca: str) -> Address:
    """The address with its values read. The guard speaks here, to the person who typed it, and again at each
    opening.
    """
    if address.platform.is_file:
        check_path(address.path)
    else:
        check_host(address.host)
    tls_context(address.tls, tls_ca)
    if tls_ca and (address.platform.is_file or address.tls is TlsMode.DISABLE):
        unused = "A CA certificate is of no use without TLS. End the address in ?sslmode=verify-full, or leave it out."
        raise Invalid(unused, {"tls_ca": [unused]})
    guarded(replace(address, secret=""), tls_ca=tls_ca)
    port = address.port or address.platform.default_port
    return replace(address, port=port, options=read_options(address.platform, address.options))


def _change(connection: Connection, address: Address, tls_ca: str | None) -> None:
    bound_to = connection.bound_to
    # A browser sends other line ends than a file has. The certificate is the same, and the secret stays bound to it.
    if tls_ca is not None and tls_ca.split() != connection.tls_ca.split():
        connection.tls_ca = tls_ca
    address = _checked(address, connection.tls_ca)
    connection.platform = address.platform.value
    connection.host = address.host
    connection.port = address.port
    connection.database = address.database
    connection.path = address.path
    connection.username = address.username
    connection.options = dict(address.options)
    connection.tls = address.tls.value
    if address.secret:
        connection.set_secret(address.secret)
    elif connection.has_secret and connection.bound_to != bound_to:
        again = "The present password was entered for another server, account or TLS setting. Enter the password again."
        raise Invalid(again, {"password": [again]})


def _save(connection: Connection) -> None:
    """Save, as the one connection to its place. Links to files count as the file that they lead to."""
    address = connection.address()
    if address.platform.is_file:
        address = replace(address, path=os.path.realpath(address.path))
    connection.place = address.place
    others = Connection.objects.filter(place=connection.place).exclude(pk=connection.pk)
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        there = others.first()
        if there is None:
            raise
        raise AlreadyConnected(there.pk) from None


def _told(connection: Connection) -> dict[str, Any]:
    """What a record says of a connection."""
    return {
        "address": str(connection),
        "username": connection.username,
        "options": dict(connection.options),
        "tls": connection.tls,
        "tls_ca": f"sha256:{hashlib.sha256(connection.tls_ca.encode()).hexdigest()}" if connection.tls_ca else "",
        "has_secret": connection.has_secret,
    }
