"""What moves or is drawn: progress, polled regions, logs, plots and the lineage graph.

Each is whole without JavaScript.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.components import LogLine
from common.templatetags.formats import duration, number
from common.templatetags.ui import render

register = template.Library()


@register.inclusion_tag("components/progress.html")
def progress(
    value: float | None,
    max: float | None = None,
    label: str = "",
    noun: str = "",
    eta: dt.timedelta | float | None = None,
    rate: float | None = None,
    elapsed: dt.timedelta | float | None = None,
) -> dict[str, Any]:
    """`{% progress run.done run.total label="sales.public" noun="tables" eta=run.eta rate=12.5 %}`.

    `eta` and `elapsed` are lengths of time, `rate` is per second. Without `max` the bar moves but promises nothing.
    """
    known = value is not None and bool(max)
    said = f"{number(value)} of {number(max)}" if known else number(value) if value is not None else ""
    rest = []
    if rate:
        rest.append(f"{number(round(rate, 1))}/s")
    if eta is not None:
        rest.append(f"about {duration(eta)} left")
    if elapsed is not None:
        rest.append(f"{duration(elapsed)} so far")
    return {
        "value": value,
        "max": max,
        "known": known,
        "label": label,
        "said": f"{said} {noun}".strip(),
        "rest": " · ".join(rest),
    }


@register.simple_block_tag(takes_context=True)
def live(context: Context, content: str, id: str, url: str, active: bool, announce: str = "", every: str = "1s") -> str:
    """A region that refreshes itself while `active`.

    `{% live id="run" url=run_url active=run.is_active announce=run.sentence %}…{% endlive %}`

    `url` answers this same block (`_run.html`), so the region replaces itself and stops when `active` is
    false. `announce` is read to screen readers when it changes, at most every ten seconds and at the end.
    """
    values = {
        "region_id": id,
        "url": url,
        "active": active,
        "announce": announce,
        "every": every,
        "content": content,
    }
    return render(context, "live", values)


@register.inclusion_tag("components/log.html")
def log(lines: Sequence[LogLine], id: str = "log", label: str = "Log") -> dict[str, Any]:
    """`{% log lines %}`: newest last, kept at its end unless the reader scrolls up."""
    return {"lines": lines, "log_id": id, "label": label}


@register.simple_block_tag(takes_context=True)
def plot(context: Context, content: str, title: str, kind: str = "lines", unit: str = "", open: bool = False) -> str:
    """Draws the table inside it: `{% plot "Duration" kind="bars" unit="s" %}<table>…</table>{% endplot %}`.

    First column: a label, or `<time datetime="…">`; further columns: numbers, in `<td data-value="…">` or as
    text. The table stays below the picture, folded; it is what screen readers and pages without JavaScript
    show.
    """
    values = {"title": title, "kind": kind, "unit": unit, "open": open, "content": content}
    return render(context, "plot", values)


@register.simple_tag
def sparkline(values: Sequence[float], label: str) -> SafeString:
    """`{% sparkline durations label="Last 20 runs, 3 s to 9 s" %}`: a line; `label` says it in words."""
    if len(values) < 2:
        return format_html('<span class="dc-muted">{}</span>', label)
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = 96 / (len(values) - 1)
    points = " ".join(f"{index * step:.1f},{22 - (value - low) / span * 20:.1f}" for index, value in enumerate(values))
    return format_html(
        '<svg class="dc-sparkline" viewBox="0 0 96 24" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polyline points="{}"></polyline></svg>',
        label,
        points,
    )


@register.simple_tag
def percent(share: float | None) -> str:
    """`{% percent 0.25 %}`: 25 %. What is not quite nothing or all is never shown as such."""
    if share is None:
        return "–"
    if 0 < share < 0.01:
        return "< 1 %"
    if 0.99 < share < 1:
        return "> 99 %"
    return f"{100 * share:.0f} %"


@register.simple_tag
def share_bar(share: float | None) -> SafeString | str:
    """`{% share_bar 0.25 %}`: a short bar that is filled so far. Write the number beside it: the bar is for the eye alone."""
    if share is None:
        return ""
    return format_html(
        '<svg class="dc-share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="8"></rect></svg>',
        f"{100 * min(max(share, 0.0), 1.0):.1f}",
    )
