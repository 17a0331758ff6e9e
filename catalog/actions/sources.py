"""Make systems and sources known, and change what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts.models import Principal
from audit.recording import record
from catalog.actions.writing import created, edited
from catalog.events import SourceAdded, SourceConnected, SourceEdited, SystemAdded
from catalog.models import Domain, SamplingAmount, Source, System
from catalog.permissions import check_can_edit_source, check_is_catalog_administrator
from common.errors import Conflict

if TYPE_CHECKING:
    from connections.models import Connection


@transaction.atomic
def add_system(*, slug: str, name: str, description: str = "", by: Principal) -> System:
    check_is_catalog_administrator(by)
    system = created(System(slug=slug, name=name, description=description), f"There is already a system called {name}.")
    record(SystemAdded(system_id=system.pk, system=name), by=by)
    return system


@transaction.atomic
def add_source(
    *,
    slug: str,
    name: str,
    platform: str,
    namespace: str,
    by: Principal,
    connection: Connection | None = None,
    system: System | None = None,
    domain: Domain | None = None,
    frequency: str = Source.Frequency.BATCH,
    structure: str = Source.Structure.STRUCTURED,
    location: str = "",
    description: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    sampling: str = SamplingAmount.OFF,
) -> Source:
    """Make a source known. Raises `Conflict` where its name or slug is taken."""
    check_can_edit_source(by, None)
    source = Source(
        slug=slug,
        name=name,
        platform=platform,
        namespace=namespace,
        connection=connection,
        system=system,
        domain=domain,
        frequency=frequency,
        structure=structure,
        location=location,
        description=description,
        include=list(include),
        exclude=list(exclude),
        sampling=sampling,
        created_by=by,
    )
    created(source, f"There is already a source called {name}.")
    record(SourceAdded(source_id=source.pk, source=name, platform=platform, namespace=namespace), by=by)
    return source


_SOURCE_FIELDS = (
    "name", "system_id", "domain_id", "frequency", "structure", "location", "description", "include", "exclude",
    "sampling",
)  # fmt: skip


@transaction.atomic
def edit_source(*, source: Source, changes: Mapping[str, Any], by: Principal) -> Source:
    """Change what is said of a source and what its crawls include."""
    source = Source.objects.select_for_update().get(pk=source.pk)
    check_can_edit_source(by, source)
    before, after = edited(source, changes, _SOURCE_FIELDS)
    if after:
        record(SourceEdited(source_id=source.pk, source=source.name, before=before, after=after), by=by)
    return source


@transaction.atomic
def connect_source(*, source: Source, connection: Connection, by: Principal) -> Source:
    """Let crawls read a source that had only been pushed to. Raises `Conflict` where it has a connection already."""
    check_is_catalog_administrator(by)
    source = Source.objects.select_for_update().get(pk=source.pk)
    if source.connection_id is not None:
        raise Conflict(f"{source} has a connection already. Change that one.")
    source.connection = connection
    source.save(update_fields=["connection", "updated_at"])
    record(SourceConnected(source_id=source.pk, source=source.name, connection_id=connection.pk), by=by)
    return source
