"""A way to a column in plain sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec

from access.provisioning.facts import PUBLIC, DefaultRole, Path, Privilege
from access.provisioning.identities import Chain, Link, member_of
from access.provisioning.readers import Lack, Route, Way

_LACKING = {
    Lack.LOGIN: "cannot log in",
    Lack.CONNECT: "may not connect to the database",
    Lack.USAGE: "has no USAGE on the schema",
    Lack.VIEW_OWNER: "meets a view whose owner has lost the right to what it reads",
}


def why(route: Route) -> str:
    """Why this way is there, and what it lacks, if anything: "eve is in analysts, which holds SELECT on shop.orders."."""
    sentences = [f"{_after(route)}{_reason(route)}."]
    if route.filtered:
        sentences.append("Row security shows some rows only.")
    if route.lacks:
        sentences.append(
            f"It opens nothing, because {route.account} {_listed([_LACKING[one] for one in route.lacks])}."
        )
    return " ".join(sentences)


def together(routes: Iterable[Route]) -> list[str]:
    """Why these ways are there, those that differ by column alone in one sentence."""
    columns: dict[Route, list[str]] = {}
    for route in routes:
        column = route.held.column if route.held is not None else ""
        held = msgspec.structs.replace(route.held, column="*") if route.held is not None and column else route.held
        columns.setdefault(replace(route, held=held), []).append(column)
    return [why(route).replace("the column * of", _named(names)) for route, names in columns.items()]


def _named(columns: list[str]) -> str:
    return f"the column {columns[0]} of" if len(columns) == 1 else f"the columns {', '.join(sorted(columns))} of"


def what(privilege: Privilege) -> str:
    """A right in words: SELECT on the column email of shop.users."""
    right = privilege.right.value.upper()
    if not privilege.path:
        return f"{right} on the whole server"
    if privilege.pattern:
        return f"{right} on databases like {privilege.path[0]}"
    if privilege.column:
        return f"{right} on the column {privilege.column} of {dotted(privilege.path)}"
    return f"{right} on {dotted(privilege.path)}"


def dotted(path: Path) -> str:
    return ".".join(path)


def _after(route: Route) -> str:
    """What a session must do first. Names keep their case, so sentences that begin with one are left as they are."""
    if not route.set_role:
        return ""
    by = f", which it may by way of {_links(route.set_by[:-1])}" if len(route.set_by) > 1 else ""
    return f"After SET ROLE {route.set_role}{by}: "


def _reason(route: Route) -> str:
    if route.held is None:
        return f"{route.set_role or route.account} is a superuser and reads everything"
    privilege = route.held
    through = _views(route.views, privilege) if route.views else ""
    if privilege.grantee == PUBLIC and not route.chain:
        return f"{'everybody' if route.set_role else 'Everybody'} holds {what(privilege)}{through}"
    holder = _holder(route)
    if route.way is Way.OWNERSHIP:
        return f"{holder} owns {dotted(privilege.path)}{through}"
    return f"{holder} holds {what(privilege)}{through}"


def _holder(route: Route) -> str:
    """Who holds the right: the account itself, or a role that it is in."""
    if not route.chain:
        return route.held.grantee if route.held is not None else route.account
    first, *rest = route.chain
    started = member_of(first) or "Everybody"
    words = [f"{started} {_is_in(first)}"]
    words += [f"which {_is_in(link)}" for link in rest]
    return ", ".join([*words, "which"])


def _is_in(link: Link) -> str:
    if isinstance(link, DefaultRole):
        return f"has the default role {link.role}"
    return f"is in {link.role}"


def _links(chain: Chain) -> str:
    return ", then ".join(link.role for link in chain)


def _views(views: tuple[Path, ...], held: Privilege) -> str:
    outer, *inner = (dotted(view) for view in views)
    by_way = f" by way of {', '.join(inner)}" if inner else ""
    return f", which reads it{by_way}" if held.path == views[0] else f", and so on {outer}, which reads it{by_way}"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]
