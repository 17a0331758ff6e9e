"""Every URL that the product answers, read from the URL configuration itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver


@dataclass(frozen=True, slots=True)
class Route:
    """A route: its name with its namespaces (its pattern where it has none) and the parameters that it takes."""

    name: str
    pattern: str
    parameters: tuple[str, ...]

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith(("api/", "access/v1/")) or self.pattern == "metrics"


def routes() -> list[Route]:
    """All routes of `config.urls`, in their order."""
    return list(_routes(get_resolver(), "", ()))


def _routes(resolver: URLResolver, prefix: str, namespaces: tuple[str, ...]) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        text = prefix + re.sub(r"^\^|\$$", "", str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            name = ":".join((*namespaces, pattern.name)) if pattern.name else text
            yield Route(name, text, tuple(pattern.pattern.regex.groupindex))
        else:
            own = (pattern.namespace,) if pattern.namespace else ()
            yield from _routes(pattern, text, namespaces + own)
