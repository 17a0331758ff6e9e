"""Explore 2,000 datasets in Chromium: the first layout in its worker, and frames while the picture is panned and zoomed.

A graph of 40 layers whose jobs each read three datasets of the layer before, shown from its middle as far as it goes, up to
the most that a picture shows. The layout is the worker's own time; "drawn" goes from asking for the page to the picture on
the screen, through granian. Frames are those that Chromium's trace says it presented (`PipelineReporter`) while the picture
is dragged and zoomed by its wheel, far away, where all of it is in view, and near, where it can be read: from the frame's
beginning to its presentation, dropped ones included.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import Page, sync_playwright

from accounts.models import User
from bench.harness import Figure, stopwatch
from bench.lineage_graph import _graph
from bench.serving import web
from tests.servers.plugin import chromium

_JOBS = 5_000
_NODES = 2_000
_SIZE = {"width": 1440, "height": 900}
_STEPS = 90


def run() -> list[Figure]:
    call_command("collectstatic", interactive=False, verbosity=0)
    focus = _graph(_JOBS)
    cookie = _session()
    with web() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport=_SIZE)
        base = f"http://127.0.0.1:{port}"
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": base}])
        page = context.new_page()
        with stopwatch() as watch:
            page.goto(f"{base}/datasets/{focus}/lineage/?depth=50")
            page.wait_for_function("() => 'drawn' in document.querySelector('#explorer').dataset", timeout=60_000)
        shown = page.evaluate("() => ({...document.querySelector('#explorer').dataset})")
        if int(shown["nodes"]) != _NODES:
            raise RuntimeError(f"The picture shows {shown['nodes']} datasets instead of {_NODES}.")
        page.get_by_role("button", name="Show everything").click()
        far = _frames(page, browser)
        page.locator(".dc-node-main").first.press("ArrowLeft")
        near = _frames(page, browser)
        browser.close()
    return [
        Figure("2,000 datasets, first layout in the worker", "ms", float(shown["layout"]), 3000),
        Figure("the same, from the request to the picture", "ms", watch.seconds * 1000),
        Figure("pan and zoom, all in view, frame p95", "ms", far, 33),
        Figure("pan and zoom, near, frame p95", "ms", near, 33),
    ]


def _session() -> str:
    name = f"bench-{uuid.uuid4().hex[:12]}"
    user = User.objects.create_user(name, f"{name}@example.org", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _frames(page: Page, browser: Any) -> float:
    """The 95th percentile of the frames' milliseconds while the picture is dragged about and zoomed in and out."""
    stage = page.locator(".dc-explorer-stage").bounding_box()
    assert stage is not None
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] * 0.9
    handle, name = tempfile.mkstemp(suffix=".json")
    os.close(handle)
    trace = Path(name)
    try:
        browser.start_tracing(page=page, path=trace, categories=["benchmark", "cc", "viz", "input"])
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(_STEPS):
            page.mouse.move(x + 260 * (1 - abs(1 - 2 * step / _STEPS)), y - 3 * min(step, _STEPS - step))
        page.mouse.up()
        page.keyboard.down("Control")
        for step in range(_STEPS):
            page.mouse.wheel(0, -12 if step < _STEPS / 2 else 12)
        page.keyboard.up("Control")
        browser.stop_tracing()
        return _p95(json.loads(trace.read_text()))
    finally:
        trace.unlink()


def _p95(trace: dict[str, Any]) -> float:
    """Of frames with something new to present: `PipelineReporter` spans, whose times are microseconds."""
    begun: dict[tuple[Any, Any], float] = {}
    times = []
    for event in trace["traceEvents"]:
        if event.get("name") != "PipelineReporter":
            continue
        key = event.get("pid"), event.get("id2", {}).get("local") or event.get("id")
        if event["ph"] == "b":
            begun[key] = event["ts"]
            state = event.get("args", {}).get("chrome_frame_reporter", {}).get("state", "")
            if state == "STATE_NO_UPDATE_DESIRED":
                del begun[key]
        elif event["ph"] == "e" and key in begun:
            times.append((event["ts"] - begun.pop(key)) / 1000)
    if len(times) < _STEPS / 2:
        raise RuntimeError(f"The trace has only {len(times)} frames.")
    return sorted(times)[int(len(times) * 0.95)]
