"""The browse tree: real pages that open one branch, and the fragments by which a branch opens in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.authentication import principal_of
from catalog.models import Schema, Source
from catalog.queries import tree
from common.addresses import addresses_of
from common.components import TreeNode
from common.errors import NotFound

if TYPE_CHECKING:
    from accounts.models import Principal

ORPHANS = "pipelines"


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    """The whole tree down to sources; `?source=` and `?schema=` open one of them, `?branch=` answers its children alone."""
    principal = principal_of(request)
    wanted = request.GET.get("source", "")
    schema = _schema(principal, request.GET.get("schema", ""))
    orphans = wanted == ORPHANS
    cursor = request.GET.get("cursor")
    if "branch" in request.GET:
        source = schema.source if schema else _source(principal, wanted)
        nodes = _inside(principal, source, schema, cursor) if (source or orphans) else []
        return render(request, "portal/_branch.html", {"nodes": nodes})
    branches = tree.systems(principal)
    source = schema.source if schema else _source_among(branches, wanted)
    nodes = [_system_node(principal, branch, source, schema, cursor) for branch in branches]
    if tree.has_datasets_without_source(principal):
        nodes.append(_orphans_node(principal, orphans, cursor))
    return render(request, "portal/browse.html", {"nodes": nodes, "opened": schema or source})


def _source(principal: Principal, text: str) -> Source | None:
    if not text or text == ORPHANS:
        return None
    found: Source | None = Source.objects.visible_to(principal).filter(slug=text.replace("\x00", "")).first()
    return _existing(found)


def _source_among(branches: Sequence[tree.SystemBranch], text: str) -> Source | None:
    """The same, where every visible source has been read."""
    if not text or text == ORPHANS:
        return None
    sources = (branch.source for system in branches for branch in system.sources)
    return _existing(next((source for source in sources if source.slug == text), None))


def _existing(source: Source | None) -> Source:
    if source is None:
        raise NotFound("There is no such source, or you may not see it.")
    return source


def _schema(principal: Principal, text: str) -> Schema | None:
    if not text:
        return None
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    seen = Source.objects.visible_to(principal).values("pk")
    found = Schema.objects.select_related("source").filter(pk=wanted, source__in=seen).first()
    if found is None or not (tree.datasets_in(principal, schema=found, size=1).rows or principal.is_administrator):
        raise NotFound("There is no such schema, or you may not see it.")
    return found


def _system_node(
    principal: Principal, branch: tree.SystemBranch, source: Source | None, schema: Schema | None, cursor: str | None
) -> TreeNode:
    address = reverse("portal:browse")
    children = [_source_node(principal, one, source, schema, cursor, address) for one in branch.sources]
    label = branch.system.name if branch.system else "Sources of no system"
    return TreeNode(label, kind="system", count=branch.count, children=children, open=True)


def _source_node(
    principal: Principal,
    branch: tree.SourceBranch,
    source: Source | None,
    schema: Schema | None,
    cursor: str | None,
    address: str,
) -> TreeNode:
    here = source is not None and source.pk == branch.source.pk
    href = f"{address}?source={branch.source.slug}"
    return TreeNode(
        branch.source.name,
        href,
        "source",
        branch.count,
        note=branch.source.platform_label,
        open=here,
        current=here and schema is None,
        load_url="" if here else f"{href}&branch=1",
        children=_inside_source(principal, branch.source, schema, cursor) if here else (),
    )


def _schema_nodes(principal: Principal, source: Source, opened: Schema | None, cursor: str | None) -> list[TreeNode]:
    nodes = []
    address = reverse("portal:browse")
    for branch in tree.schemas(principal, source):
        here = opened is not None and opened.pk == branch.schema.pk
        href = f"{address}?schema={branch.schema.pk}"
        nodes.append(
            TreeNode(
                str(branch.schema) or "(no schema)",
                href,
                "schema",
                branch.count,
                open=here,
                current=here,
                load_url="" if here else f"{href}&branch=1",
                children=_dataset_nodes(principal, branch.schema, None, cursor) if here else (),
            )
        )
    return nodes


def _inside(principal: Principal, source: Source | None, schema: Schema | None, cursor: str | None) -> list[TreeNode]:
    """What a branch holds: a schema its datasets, a source its schemas, and no source what only pipelines know."""
    if schema is not None:
        return _dataset_nodes(principal, schema, None, cursor)
    if source is not None and cursor is None:
        return _inside_source(principal, source, None, None)
    return _dataset_nodes(principal, None, source, cursor)


def _inside_source(principal: Principal, source: Source, opened: Schema | None, cursor: str | None) -> list[TreeNode]:
    """The schemas of a source, then its datasets that stand in none."""
    without = _dataset_nodes(principal, None, source, None if opened else cursor)
    return [*_schema_nodes(principal, source, opened, cursor), *without]


def _dataset_nodes(
    principal: Principal, schema: Schema | None, source: Source | None, cursor: str | None
) -> list[TreeNode]:
    page = tree.datasets_in(principal, schema=schema, source=source, cursor=cursor)
    address = addresses_of("portal:dataset")
    nodes = [
        TreeNode(row.name if row.source_id else row.qualified_name, address(row.pk), row.kind) for row in page.rows
    ]
    if page.next_cursor:
        where = f"schema={schema.pk}" if schema else f"source={source.slug if source else ORPHANS}"
        href = f"{reverse('portal:browse')}?{where}&cursor={page.next_cursor}"
        nodes.append(TreeNode("More", href, "", load_url=f"{href}&branch=1"))
    return nodes


def _orphans_node(principal: Principal, opened: bool, cursor: str | None) -> TreeNode:
    href = f"{reverse('portal:browse')}?source={ORPHANS}"
    return TreeNode(
        "Known from pipelines only",
        href,
        "job",
        open=opened,
        current=opened,
        load_url="" if opened else f"{href}&branch=1",
        children=_dataset_nodes(principal, None, None, cursor) if opened else (),
    )
