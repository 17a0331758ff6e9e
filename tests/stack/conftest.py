"""Copies of the checkout elsewhere, and servers of their own, for the tests of the stack."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from stack.layout import ROOT, Layout
from stack.running import failing
from stack.servers import Servers
from stack.supervision import wait_until
from tests.servers import plugin

LEFT_OUT = {"var", "node_modules", "dist", ".git", "__pycache__", "docs", ".mypy_cache", ".ruff_cache"}
INSTALLED = {"venv", "frontend.json"}
"""What takes a minute to make and is the same for every catalog of a checkout."""
ORDINARY = "nobody"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers in a directory of their own, not started; stopped afterwards whatever the test left."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    servers = Servers(Layout(root=ROOT, state=tmp_path / "state"))
    yield servers
    servers.supervisor.shutdown()
    servers.supervisor.clear_up()


def copy_checkout(target: Path) -> Path:
    """Copy what a person would clone."""
    shutil.copytree(ROOT, target, ignore=lambda _, names: LEFT_OUT & set(names), symlinks=True)
    return target


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Checkout:
    """A copy of the checkout, used by an ordinary person with an empty home."""

    place: Path
    home: Path
    options: dict[str, Any]
    port: int = field(default_factory=free_port)

    def environment(self, **more: str) -> dict[str, str]:
        """A newcomer's environment, with the way to the package registries that this machine has."""
        kept = ("PIP_", "SSL_", "REQUESTS_", "NODE_", "HTTP_", "HTTPS_", "NO_PROXY", "UV_")
        passed = {
            name: value
            for name, value in os.environ.items()
            if name.upper().startswith(kept) and not name.startswith("UV_CACHE")
        }
        return passed | {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.home), "PORT": str(self.port)} | more

    def start(self, *arguments: str, **more: str) -> "Running":
        """bin/run in the background."""
        log = self.home / "run.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bin/run", *arguments],
                cwd=self.place,
                env=self.environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self.options,
            )
        return Running(process, log, self.port)

    def ask(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the checkout to its end."""
        return subprocess.run(
            command,
            cwd=self.place,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            **self.options,
        )

    def servers(self) -> Servers:
        """The servers of the copy, seen from here."""
        return Servers(Layout(root=self.place, state=self.place / "var"))


class Visit:
    """What a browser keeps between the pages of one person: cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def page(self, path: str, typed: bytes | None = None) -> str:
        """The page behind the path, after what it redirects to; raises HTTPError where it is refused."""
        with self._opener.open(self.url + path, typed, timeout=30) as answer:
            return str(answer.read().decode())


@dataclass
class Running:
    """A bin/run in the background."""

    process: "subprocess.Popen[bytes]"
    log: Path
    port: int

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        """Wait for the line with the address; fail with all it said when it ends instead."""
        ready = wait_until(
            lambda: "Ready after" in self.said() or self.process.poll() is not None, seconds=300, interval=0.2
        )
        assert ready and self.process.poll() is None, self.said()

    def is_alive(self) -> bool:
        """Whether the web server answers /healthz."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def failing(self) -> list[str]:
        """The parts that /readyz finds wanting; none where it answers 200."""
        return failing(self.port)

    def sign_in(self, username: str, password: str) -> "Visit":
        """A browser's session of a person who has signed in on the page for it."""
        visit = Visit(f"http://127.0.0.1:{self.port}")
        form = visit.page("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token, form
        typed = {"csrfmiddlewaretoken": token[1], "login": username, "password": password}
        visit.page("/accounts/login/", urllib.parse.urlencode(typed).encode())
        assert any(cookie.name == "session" for cookie in visit.cookies), f"{username} was not signed in."
        return visit

    def stop(self) -> int:
        """Ask for the end as a service manager does, and give the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=90)


@pytest.fixture(scope="session")
def clone() -> Iterator[Checkout]:
    """A clone with a space in its path, in a home of mode 0700, of an unprivileged person if we are root."""
    base = Path("/tmp") / f"catalog-home-{os.getpid()}"
    home = base / "a person"
    home.mkdir(parents=True)
    place = copy_checkout(home / "data catalog")
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(base, ORDINARY)
        for folder, _, files in os.walk(home):
            shutil.chown(folder, ORDINARY)
            for name in files:
                shutil.chown(Path(folder, name), ORDINARY)
        options = {"user": ORDINARY, "extra_groups": []}
    home.chmod(0o700)
    found = subprocess.run(
        ["python3", "-c", "import sys; assert sys.version_info >= (3, 11)"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        check=False,
        **options,
    )
    if found.returncode != 0 and os.geteuid() == 0:
        plugin.lacking(
            f"Python 3.11 for the account {ORDINARY}", f"Install one outside root's home: {sys.executable} is root's."
        )
    yield Checkout(place, home, options)
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def checkout(clone: Checkout) -> Checkout:
    """The clone as it came, but for the packages that the first start has installed."""
    state = clone.place / "var"
    for found in state.iterdir() if state.exists() else ():
        if found.name not in INSTALLED:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
    return clone


@pytest.fixture(scope="module")
def running(checkout: Checkout) -> Iterator[Running]:
    """A started catalog without the demo."""
    running = checkout.start("--no-demo")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        checkout.servers().supervisor.clear_up()


@pytest.fixture
def stopped(running: Running) -> Running:
    """The same after its end, which a test before may have brought about."""
    running.stop()
    return running
