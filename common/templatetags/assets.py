"""The built front end in templates: `{% asset "app.js" %}` and `{% icon "table" %}`.

static/build.mjs writes files whose names carry a hash, and manifest.json, which maps plain names to those.
Storage backends need not rename them again: they may be cached for ever as they are.
"""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

logger = logging.getLogger(__name__)
register = template.Library()


def manifest_path() -> Path:
    """Where the build leaves its manifest; the setting FRONT_END_DIR moves it."""
    return _manifest_below(getattr(settings, "FRONT_END_DIR", None))


@lru_cache(maxsize=4)
def _manifest_below(folder: Path | str | None) -> Path:
    return Path(folder or Path(settings.BASE_DIR) / "static" / "dist") / "manifest.json"


@lru_cache(maxsize=4)
def _read(path: Path, changed_at: int) -> dict[str, str]:
    names: dict[str, str] = json.loads(path.read_text())
    return names


def built_names() -> dict[str, str]:
    """Plain name to hashed name; empty where nothing has been built. Rebuilding needs no restart."""
    path = manifest_path()
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return {}


@register.simple_tag
def asset(name: str) -> str:
    """The URL of a built file, as `{% asset "app.css" %}`; empty, with a warning, where it was not built."""
    hashed = built_names().get(name)
    if hashed is None:
        logger.warning("The front end has no %s. Build it: npm ci && npm run build.", name)
        return ""
    return f"{settings.STATIC_URL}{hashed}"


@register.simple_tag
def front_end_missing() -> bool:
    """True where pages have no style sheet because nothing was built; base.html then says how to build it."""
    return "app.css" not in built_names()


def icon_svg(name: str, label: str = "", classes: str = "") -> SafeString:
    """An icon of the sprite. With `label` it is an image with that name, without one it is decoration."""
    sprite = built_names().get("icons.svg")
    if sprite is None:
        return format_html('<span class="visually-hidden">{}</span>', label) if label else SafeString("")
    return _icon_of(f"{settings.STATIC_URL}{sprite}#{name}", label, classes)


@lru_cache(maxsize=1024)
def _icon_of(href: str, label: str, classes: str) -> SafeString:
    classes = f"icon {classes}".strip()
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>', classes, label, href
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"></use></svg>', classes, href)


@register.simple_tag
def icon(name: str, label: str = "", classes: str = "") -> SafeString:
    """`{% icon "table" %}` beside text; `{% icon "lock" label="Restricted" %}` where it stands alone."""
    return icon_svg(name, label, classes)
