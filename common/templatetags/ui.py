"""The page's frame and its marks: header, crumbs, tabs, cards, notices, empty states, badges, principals.

Values that need more than a word are in `common.components`. docs/interface.md shows every component.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.template import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from common.components import COLOURS, Crumb, LevelLike, PrincipalLike, Tab
from common.templatetags.assets import icon_svg

register = template.Library()

KINDS: dict[str, tuple[str, str]] = {
    "table": ("table", "Table"),
    "view": ("eye", "View"),
    "materialized-view": ("table-alias", "Materialized view"),
    "partitioned": ("table-options", "Partitioned table"),
    "partitioned-table": ("table-options", "Partitioned table"),
    "foreign": ("table-shortcut", "Foreign table"),
    "foreign-table": ("table-shortcut", "Foreign table"),
    "file": ("file-text", "File"),
    "topic": ("message", "Topic"),
    "dashboard": ("dashboard", "Dashboard"),
    "model": ("cpu", "Model"),
    "field": ("table-column", "Column"),
    "column": ("table-column", "Column"),
    "schema": ("folder", "Schema"),
    "database": ("database", "Database"),
    "source": ("server", "Source"),
    "system": ("box", "System"),
    "domain": ("sitemap", "Domain"),
    "term": ("book", "Term"),
    "job": ("route", "Job"),
    "run": ("player-play", "Run"),
    "person": ("user", "Person"),
    "hidden": ("eye-off", "Hidden dataset"),
}
"""Kind to icon and words. Keys are lower case with hyphens; spaces and underscores are read as hyphens."""

STATES: dict[str, tuple[str, str]] = {
    "queued": ("clock", "grey"),
    "waiting": ("hourglass", "amber"),
    "pending": ("hourglass", "amber"),
    "requested": ("hourglass", "amber"),
    "running": ("loader-2", "blue"),
    "succeeded": ("circle-check", "green"),
    "completed": ("circle-check", "green"),
    "complete": ("circle-check", "green"),
    "active": ("circle-check", "green"),
    "approved": ("circle-check", "green"),
    "granted": ("lock-open", "green"),
    "applied": ("circle-check", "green"),
    "done": ("circle-check", "green"),
    "clean": ("circle-check", "green"),
    "planned": ("list-check", "blue"),
    "confirmed": ("user-check", "blue"),
    "intended": ("hourglass", "amber"),
    "undone": ("history", "orange"),
    "replaced": ("refresh", "grey"),
    "superseded": ("refresh", "grey"),
    "draft": ("pencil", "grey"),
    "scheduled": ("clock", "grey"),
    "provisioning": ("hourglass", "amber"),
    "provision-failed": ("circle-x", "red"),
    "drifted": ("alert-triangle", "orange"),
    "suspended": ("player-pause", "orange"),
    "expiring": ("hourglass", "amber"),
    "revoking": ("hourglass", "amber"),
    "revoke-failed": ("circle-x", "red"),
    "recorded": ("note", "teal"),
    "fresh": ("circle-check", "green"),
    "failed": ("circle-x", "red"),
    "overdue": ("hourglass", "orange"),
    "fail": ("circle-x", "red"),
    "refused": ("circle-x", "red"),
    "denied": ("circle-x", "red"),
    "revoked": ("ban", "red"),
    "cancelled": ("player-stop", "grey"),
    "aborted": ("player-stop", "grey"),
    "abort": ("player-stop", "grey"),
    "withdrawn": ("arrow-left", "grey"),
    "lost": ("plug-connected", "orange"),
    "stale": ("history", "orange"),
    "expired": ("clock-pause", "grey"),
    "gone": ("archive", "grey"),
    "disabled": ("ban", "grey"),
}
"""State to icon and palette colour. Colour is never alone: the word is always there."""

NOTICES = {
    "info": ("info-circle", "blue"),
    "success": ("circle-check", "green"),
    "warning": ("alert-triangle", "amber"),
    "error": ("alert-circle", "red"),
    "note": ("bulb", "teal"),
}


def render(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    """A component's template with its values, in the page's own context (request, csrf_token)."""
    engine = context.template.engine  # type: ignore[union-attr]
    with context.push(**values):
        return engine.get_template(f"components/{name}.html").render(context)


def colour_of(colour: str) -> str:
    """A palette colour; one that is not of the palette is grey."""
    return colour if colour in COLOURS else "grey"


def _key(word: object) -> str:
    return str(getattr(word, "value", word)).strip().lower().replace("_", "-").replace(" ", "-")


@register.filter
def initials(name: str) -> str:
    """`Ada Lovelace -> AL`; one letter for one word."""
    words = [word for word in str(name).replace("-", " ").replace(".", " ").split() if word[0].isalnum()]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper()


@register.simple_tag(takes_context=True)
def nav_link(context: Context, url: str, label: str, exact: bool = False, count: int | None = None) -> SafeString:
    """A link of the main navigation, marked where the page is below it; nothing where `url` is empty."""
    if not url:
        return SafeString("")
    request = context.get("request")
    path = request.path if request is not None else ""
    here = path == url or (not exact and path.startswith(url))
    current = mark_safe(' aria-current="page"') if here else ""
    badge = format_html(' <span class="dc-count is-due">{}</span>', count) if count else ""
    return format_html('<a href="{}"{}>{}{}</a>', url, current, label, badge)


@register.simple_tag
def sends_mail() -> bool:
    """`{% sends_mail as mails %}`: whether this installation has a mail server. Pages that promise a message ask first."""
    return bool(settings.EMAIL_URL)


@register.inclusion_tag("components/crumbs.html")
def breadcrumbs(crumbs: Sequence[Crumb]) -> dict[str, Any]:
    """`{% breadcrumbs crumbs %}` in the block `breadcrumbs`; crumbs are `Crumb(label, href)`."""
    return {"crumbs": crumbs}


@register.simple_block_tag(takes_context=True)
def page_header(
    context: Context, content: str, title: str, subtitle: str = "", icon: str = "", name: bool = False
) -> str:
    """The page's h1 and its actions: `{% page_header "Sources" %}<a class="btn">…</a>{% endpage_header %}`.

    `name=True` sets the title as a technical name. A line of badges goes inside, as
    `{% head_meta %}…{% endhead_meta %}`.
    """
    meta, actions = _split_meta(content)
    values = {
        "title": title,
        "subtitle": subtitle,
        "head_icon": icon,
        "name": name,
        "meta": meta,
        "actions": actions,
    }
    return render(context, "page_header", values)


META_START, META_END = "<!--head-meta-->", "<!--/head-meta-->"


def _split_meta(content: str) -> tuple[SafeString, SafeString]:
    before, found, rest = content.partition(META_START)
    if not found:
        return SafeString(""), mark_safe(content.strip())  # noqa: S308 (rendered by the template engine)
    meta, _, after = rest.partition(META_END)
    return mark_safe(meta.strip()), mark_safe((before + after).strip())  # noqa: S308


@register.simple_block_tag
def head_meta(content: str) -> SafeString:
    """Badges and facts under a page's title; only inside `{% page_header %}`."""
    return mark_safe(f"{META_START}{content}{META_END}")  # noqa: S308


@register.inclusion_tag("components/tabs.html")
def tabs(items: Sequence[Tab], label: str = "Sections") -> dict[str, Any]:
    """`{% tabs tabs label="Dataset" %}`: real links, the current one with aria-current."""
    return {"items": items, "label": label}


@register.simple_block_tag(takes_context=True)
def card(
    context: Context,
    content: str,
    title: str = "",
    icon: str = "",
    flush: bool = False,
    level: int = 2,
    id: str = "",
) -> str:
    """`{% card "Owners" icon="users" %}…{% endcard %}`; `flush=True` for a table or list without padding."""
    values = {
        "title": title,
        "card_icon": icon,
        "flush": flush,
        "level": level,
        "card_id": id,
        "content": content,
    }
    return render(context, "card", values)


@register.simple_block_tag(takes_context=True)
def notice(context: Context, content: str, kind: str = "info", title: str = "") -> str:
    """`{% notice "warning" title="…" %}<p>…</p>{% endnotice %}`: info, success, warning, error or note."""
    mark, tone = NOTICES.get(kind, NOTICES["info"])
    values = {"mark": mark, "tone": tone, "title": title, "content": content, "urgent": kind == "error"}
    return render(context, "notice", values)


@register.simple_block_tag(takes_context=True)
def empty_state(context: Context, content: str, title: str, icon: str = "inbox", level: int = 2) -> str:
    """What to do next where nothing is: a sentence, and buttons inside `<div class="dc-empty-actions">`."""
    return render(context, "empty_state", {"title": title, "mark": icon, "content": content, "level": level})


@register.simple_block_tag
def facts(content: str) -> SafeString:
    """A description list: `{% facts %}{% fact "Platform" %}PostgreSQL{% endfact %}{% endfacts %}`."""
    return format_html('<dl class="dc-facts">{}</dl>', content)


@register.simple_block_tag
def fact(content: str, label: str) -> SafeString:
    return format_html("<div><dt>{}</dt><dd>{}</dd></div>", label, content)


@register.simple_tag
def figure(label: str, value: object, href: str = "", note: str = "") -> SafeString:
    """`{% figure "Datasets" total|compact href=browse_url note="12 new" %}`: a large number with its name."""
    name = format_html('<a href="{}">{}</a>', href, label) if href else label
    rest = format_html('<span class="dc-muted">{}</span>', note) if note else ""
    return format_html(
        '<div class="dc-figure"><span class="dc-figure-value">{}</span><span class="dc-figure-label">{}</span>{}</div>',
        value,
        name,
        rest,
    )


@register.simple_tag
def badge(text: str, colour: str = "grey", icon: str = "") -> SafeString:
    """`{% badge "Batch" colour="teal" icon="clock" %}`; the colour is one of the palette."""
    mark = icon_svg(icon) if icon else ""
    return format_html('<span class="dc-badge is-square tone-{}">{}{}</span>', colour_of(colour), mark, text)


@register.simple_tag
def state(value: object, label: str = "") -> SafeString:
    """`{% state run.status %}`: icon and word of a run's, request's or grant's state."""
    key = _key(value)
    mark, tone = STATES.get(key, ("circle-dashed", "grey"))
    words = label or key.replace("-", " ").capitalize()
    svg = icon_svg(mark, classes="dc-spin" if key == "running" else "")
    return format_html('<span class="dc-badge tone-{}">{}{}</span>', tone, svg, words)


@register.simple_tag
def level_badge(level: LevelLike | None, of: int = 4, none: str = "No level") -> SafeString:
    """`{% level_badge dataset.level %}`: name, and bars that rise with the rank; None is said in words."""
    if level is None:
        return format_html('<span class="dc-level is-none">{}</span>', none)
    bars = _bars(max(1, min(level.rank, of)), of)
    return format_html('<span class="dc-level tone-{}">{}{}</span>', colour_of(level.colour), bars, level.name)


@lru_cache(maxsize=64)
def _bars(on: int, of: int) -> SafeString:
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="3" height="{}" rx="0.8"{}></rect>',
        (
            (index * 4, 8 - index * 2.5, 3 + index * 2.5, mark_safe(' class="is-on"') if index < on else "")
            for index in range(of)
        ),
    )
    return format_html('<svg viewBox="0 0 15 11" aria-hidden="true" focusable="false">{}</svg>', bars)


def kind_of(kind: object) -> tuple[str, str]:
    key = _key(kind)
    return KINDS.get(key, ("box", key.replace("-", " ").capitalize()))


@register.simple_tag
def kind_icon(kind: object, bare: bool = False) -> SafeString:
    """`{% kind_icon dataset.kind %}`: icon and word; `bare=True` where the word stands elsewhere."""
    mark, words = kind_of(kind)
    if bare:
        return icon_svg(mark)
    return format_html('<span class="dc-kind">{}{}</span>', icon_svg(mark), words)


@register.simple_tag
def kind_label(kind: object) -> str:
    """The word of a kind: `materialized_view -> Materialized view`."""
    return kind_of(kind)[1]


@register.inclusion_tag("components/principal.html")
def principal_chip(principal: PrincipalLike | None, href: str = "", none: str = "Nobody") -> dict[str, Any]:
    """`{% principal_chip owner %}`: a person by initials, a service, a pipeline or the catalog by an icon."""
    marks = {"service": "server-2", "pipeline": "route", "system": "settings"}
    kind = _key(principal.kind) if principal is not None else ""
    return {"principal": principal, "kind": kind, "mark": marks.get(kind, ""), "href": href, "none": none}


@register.inclusion_tag("components/copy.html")
def copy_button(text: str, label: str = "Copy") -> dict[str, Any]:
    """`{% copy_button dataset.name label="Copy the name" %}`; only there with JavaScript."""
    return {"text": text, "label": label}


@register.simple_block_tag(takes_context=True)
def confirm(
    context: Context,
    content: str,
    id: str,
    url: str,
    button: str,
    title: str,
    confirm_label: str = "",
    danger: bool = False,
    icon: str = "",
    small: bool = False,
    back: str = "",
) -> str:
    """A button that asks before it POSTs to `url`: a dialog with the block's content, fields among it.

    Without JavaScript the button is a link: GET `url` answers components/confirm_page.html, which asks too. Either way
    `next` says `back`, where to go when it is done.
    """
    link = confirm_link("", id, url, button, danger=danger, icon=icon, small=small, back=back)
    return format_html(
        "{}\n{}", link, confirm_dialog(context, content, id, title, confirm_label or button, danger, url, back)
    )


@register.simple_block_tag
def confirm_link(
    content: str,
    id: str,
    url: str,
    button: str,
    danger: bool = False,
    icon: str = "",
    small: bool = False,
    back: str = "",
    about: str = "",
    **fields: object,
) -> SafeString:
    """One of several buttons that share a `confirm_dialog`: what is asked of it stands in the block, as plain text.

    `about` tells it from the others to whoever hears the buttons alone. `fields` are the values of the dialog's fields; that
    of a number is also the highest that it may have.
    """
    said = format_html(' data-said="{}"', content.strip()) if content.strip() else ""
    fill = format_html(' data-fill="{}"', json.dumps(fields)) if fields else ""
    name = format_html(' aria-label="{}: {}"', button, about) if about else ""
    return format_html(
        '<a class="{}" href="{}" data-behaviour="dialog-open" data-dialog="{}"{}{}{}>{}{}</a>',
        f"btn{' btn-danger' if danger else ''}{' btn-sm' if small else ''}",
        f"{url}?{urlencode({'next': back})}" if back else url,
        id,
        said,
        fill,
        name,
        icon_svg(icon) if icon else "",
        button,
    )


@register.simple_block_tag(takes_context=True)
def confirm_dialog(
    context: Context,
    content: str,
    id: str,
    title: str,
    confirm_label: str,
    danger: bool = False,
    url: str = "",
    back: str = "",
) -> SafeString:
    """The dialog that the buttons of a list share: it POSTs to where the one that was pressed leads.

    What is asked there replaces the text of the element marked `data-said`.
    """
    return format_html(
        _DIALOG,
        id=id,
        url=url,
        shared="" if url else mark_safe(" data-shared"),
        back=format_html('<input type="hidden" name="next" value="{}">', back) if back else "",
        token=CsrfTokenNode().render(context),
        title=title,
        content=content,
        tone=" btn-danger" if danger else " btn-primary",
        label=confirm_label,
    )


_DIALOG = """<dialog class="dc-dialog" id="{id}" aria-labelledby="{id}-title"{shared}>
  <form method="post" action="{url}">{token}{back}
    <h2 id="{id}-title">{title}</h2>
    {content}
    <div class="dc-form-actions"><button type="button" class="btn" data-close>Go back</button>\
<button class="btn{tone}">{label}</button></div>
  </form>
</dialog>
"""
