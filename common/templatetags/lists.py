"""Lists of things: tables with sortable heads, pagers, facets, trees, feeds, diffs, the schema browser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.http import HttpRequest, QueryDict
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString

from common.components import Activity, Change, Column, Facet, SchemaRow, TreeNode, Version
from common.templatetags.assets import icon_svg
from common.templatetags.formats import number
from common.templatetags.ui import kind_icon, render

register = template.Library()


def _query(request: HttpRequest | None) -> QueryDict:
    return request.GET.copy() if request is not None else QueryDict(mutable=True)


def _heads(columns: Sequence[Column], request: HttpRequest | None) -> list[dict[str, Any]]:
    """Each column with the link that sorts by it, and the direction where it is the one sorted by."""
    present = request.GET.get("sort", "") if request is not None else ""
    heads = []
    for column in columns:
        head: dict[str, Any] = {"column": column, "href": "", "direction": "", "mark": "selector"}
        if column.sort:
            query = _query(request)
            query.pop("cursor", None)
            ascending = present == column.sort
            query["sort"] = f"-{column.sort}" if ascending else column.sort
            head["href"] = f"?{query.urlencode()}"
            if present.lstrip("-") == column.sort:
                head["direction"] = "ascending" if ascending else "descending"
                head["mark"] = "chevron-up" if ascending else "chevron-down"
        heads.append(head)
    return heads


@register.simple_block_tag(takes_context=True)
def table(
    context: Context,
    content: str,
    caption: str,
    columns: Sequence[Column],
    stack: bool = True,
    tall: bool = False,
    show_caption: bool = False,
) -> str:
    """`{% table "Sources" columns %}<tr><th scope="row">…<td data-label="Kind">…</tr>{% endtable %}`.

    On narrow screens rows become blocks (`stack`), each cell after its `data-label`. `tall=True` scrolls
    below a head that stays. `caption` names the table for screen readers.
    """
    values = {
        "caption": caption,
        "heads": _heads(columns, context.get("request")),
        "stack": stack,
        "tall": tall,
        "show_caption": show_caption,
        "rows": content,
    }
    return render(context, "table", values)


@register.inclusion_tag("components/pager.html", takes_context=True)
def pager(context: Context, page: Any, noun: str = "rows", total: str = "") -> dict[str, Any]:
    """`{% pager page noun="datasets" total="about 12 000" %}` for a `common.pagination.Page`.

    Nothing where all there is stands on one page and no total is given.
    """
    links = {}
    for name, cursor in (("previous", page.previous_cursor), ("next", page.next_cursor)):
        if cursor:
            query = _query(context.get("request"))
            query["cursor"] = cursor
            links[name] = f"?{query.urlencode()}"
    return {"links": links, "shown": len(page.rows), "noun": noun, "total": total}


@register.inclusion_tag("components/facets.html", takes_context=True)
def facets(context: Context, groups: Sequence[Facet], target: str = "", action: str = "") -> dict[str, Any]:
    """`{% facets facets target="results" %}`: checkboxes in a GET form that keeps q and sort.

    With `target` (an element's id) htmx replaces that element by the one of that id in the answer.
    """
    request = context.get("request")
    names = {group.name for group in groups} | {"cursor"}
    kept = [(name, value) for name, values in _query(request).lists() if name not in names for value in values]
    path = action or (request.path if request is not None else "")
    chosen = any(option.checked for group in groups for option in group.options)
    clear = QueryDict(mutable=True)
    for name, value in kept:
        clear.appendlist(name, value)
    return {
        "groups": [group for group in groups if group.options],
        "kept": kept,
        "path": path,
        "target": target,
        "clear": f"{path}?{clear.urlencode()}" if chosen else "",
    }


@register.inclusion_tag("components/tree.html")
def tree(nodes: Sequence[TreeNode], label: str) -> dict[str, Any]:
    """`{% tree nodes label="Schemas" %}`: nested lists that open and close, arrow keys, counts."""
    return {"nodes": nodes, "label": label}


@register.simple_tag
def tree_nodes(nodes: Sequence[TreeNode]) -> SafeString:
    """The inside of a tree; also what a node's `load_url` answers."""
    return SafeString("".join(_branch(node) if node.children or node.load_url else _leaf(node) for node in nodes))


# Written here and escaped by hand: a tree has hundreds, for which a template takes ten times as long.


def _branch(node: TreeNode) -> str:
    href, load, inside = escape(node.href), "", ""
    if node.load_url:
        load = f' hx-get="{escape(node.load_url)}" hx-trigger="toggle from:closest details once" hx-swap="innerHTML"'
    if node.children:
        inside = tree_nodes(node.children)
    elif node.href:
        inside = f'<li class="dc-tree-leaf"><a href="{href}">Show what is in {escape(node.label)}</a></li>'
    twist = icon_svg("chevron-right", classes="dc-tree-twist")
    return f"""<li><details{" open" if node.open else ""}><summary{_here(node)}>{twist}{_words(node)}</summary>
  <ul{load}>{inside}</ul></details></li>
"""


def _leaf(node: TreeNode) -> str:
    if not node.href:
        return f'<li class="dc-tree-leaf"><span>{_words(node)}</span></li>'
    return f'<li class="dc-tree-leaf"><a href="{escape(node.href)}"{_here(node)}>{_words(node)}</a></li>'


def _words(node: TreeNode) -> str:
    mark = kind_icon(node.kind, bare=True) if node.kind else ""
    end = escape(node.note) if node.count is None else f"{escape(node.note)} {number(node.count)}"
    return f'{mark}<span class="dc-tree-label">{escape(node.label)}</span><span class="dc-tree-end">{end}</span>'


def _here(node: TreeNode) -> str:
    return ' aria-current="page"' if node.current else ""


@register.inclusion_tag("components/timeline.html")
def timeline(items: Sequence[Activity], level: int = 3) -> dict[str, Any]:
    """`{% timeline activities %}`: what happened, by whom, when, with before and after."""
    return {"items": items, "level": level}


@register.inclusion_tag("components/diff_table.html")
def diff_table(changes: Sequence[Change], caption: str = "Changes") -> dict[str, Any]:
    """`{% diff_table changes caption="Version 3 to 4" %}`: added, removed, changed rows, said in words."""
    return {"changes": changes, "caption": caption}


@register.inclusion_tag("components/schema_table.html")
def schema_table(
    rows: Sequence[SchemaRow], caption: str = "Columns", levels: bool = True, changes: bool = False
) -> dict[str, Any]:
    """`{% schema_table rows changes=True %}`: fields with types, keys, levels, descriptions, nesting."""
    return {"rows": rows, "caption": caption, "levels": levels, "changes": changes}


@register.inclusion_tag("components/version_picker.html", takes_context=True)
def version_picker(
    context: Context, versions: Sequence[Version], current: str, compare: str = "", name: str = "version"
) -> dict[str, Any]:
    """`{% version_picker versions current="4" compare="3" %}`: a GET form of ?version= and ?compare=."""
    kept = [
        (key, value)
        for key, values in _query(context.get("request")).lists()
        if key not in (name, "compare")
        for value in values
    ]
    return {"versions": versions, "current": current, "compare": compare, "name": name, "kept": kept}
