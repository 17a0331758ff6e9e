"""Real Chromium for tests: open a page as a persona, examine it with axe, photograph it by theme and width.

A page is opened in its own context: `with launched(path) as chromium, browsing(chromium, live_server.url) as session`, then
`page = session.page(theme="dark", width=390, cookies={"session": key})`, `page.goto(session.url("/"))` and
`assert violations(page) == []`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"wide": 1440, "narrow": 390}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

DRAWN = """() => {
  if (!document.documentElement.classList.contains("js")) return true;
  const hosts = document.querySelectorAll('[data-behaviour="plot"], [data-behaviour="lineage-explorer"]');
  return [...hosts].every((host) => "drawn" in host.dataset);
}"""

Theme = Literal["light", "dark"]


@dataclass(slots=True)
class Session:
    """A browser aimed at one server; `faults` collects what pages complain of: scripts, policies, files."""

    chromium: Chromium
    base: str
    faults: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.base.rstrip('/')}{path}"

    def page(
        self,
        *,
        theme: Theme = "light",
        width: int = WIDTHS["wide"],
        height: int = 900,
        javascript: bool = True,
        cookies: dict[str, str] | None = None,
    ) -> Page:
        """A page of its own context. `cookies` are a persona's, as of a Django test client's login."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
            bypass_csp=False,
        )
        self._contexts.append(context)
        if cookies:
            context.add_cookies([{"name": name, "value": value, "url": self.base} for name, value in cookies.items()])
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda line: self.faults.append(f"{page.url}: {line.text}") if line.type == "error" else None,
        )
        return page

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


@contextmanager
def launched(path: str) -> Iterator[Chromium]:
    """The Chromium at `path`, closed at the end. Its driver keeps an event loop in this thread, so that there is one at a time,
    and Django has to be told by DJANGO_ALLOW_ASYNC_UNSAFE that nothing of it runs in the loop.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def browsing(chromium: Chromium, base: str) -> Iterator[Session]:
    """A session for the server at `base`, whose pages are closed at the end."""
    session = Session(chromium, base)
    try:
        yield session
    finally:
        session.close()


def violations(page: Page, *, within: str | None = None) -> list[str]:
    """What axe finds (WCAG 2.2 A and AA, best practice): a line for each rule and element; empty is good.

    axe is run through the debugger, so the page's content security policy stays in force.
    """
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text())
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate(
        "([within, options]) => axe.run(within || document, options)", [within, options]
    )
    return [
        f"{rule['id']}: {node['target'][0]}: {' '.join(node['failureSummary'].split())}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def settled(page: Page) -> Page:
    """Waits until fonts are loaded and every picture that the page draws is drawn."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
    page.wait_for_function(DRAWN)
    return page


def photograph(page: Page, path: Path, *, whole: bool = True) -> Path:
    """A PNG of the page as it stands; `whole` beyond the window."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settled(page).screenshot(path=path, full_page=whole)
    return path
