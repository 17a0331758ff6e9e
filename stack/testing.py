"""bin/test: lint, types and import contracts, beside every test on real servers."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from stack import contract, frontend
from stack.layout import ROOT, Layout
from stack.progress import note, step
from stack.servers import Servers

# What each check is called, and its command after Python's path.
CHECKS = {
    "ruff check": ("-m", "ruff", "check", "--quiet", "."),
    "ruff format": ("-m", "ruff", "format", "--quiet", "--check", "."),
    "mypy": ("-m", "mypy", "."),
    "import contracts": ("-c", "from importlinter.cli import lint_imports_command as run; run()"),
}
# Only the programs: the packages with services of their own would start them.
DEBIAN_PACKAGES = {
    "mariadbd": ("mariadb-server-core",),
    "my_print_defaults": ("mariadb-client-core",),  # mariadb-install-db calls it
    "chromium": ("chromium",),
    "/usr/lib/postgresql/15/bin/pg_ctl": ("postgresql-15",),  # of Debian 12
}
APT_LISTS = Path("/var/lib/apt/lists")
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
"""Says that the package of PostgreSQL makes no cluster and starts none; the tests make their own."""


def main(arguments: list[str]) -> int:
    """Run the checks beside pytest, and print last what they found; the status is not 0 when anything failed."""
    parser = argparse.ArgumentParser(prog="bin/test", description="Run every check and test.", add_help=False)
    parser.add_argument("--all", action="store_true", help="the long proofs too")
    options, rest = parser.parse_known_args(arguments)
    install_missing_programs()
    frontend.ensure()
    chosen = [argument for argument in rest if not argument.startswith("-")]
    checking = None if chosen else Checking()
    status = subprocess.run(pytest_command(options.all, rest), cwd=ROOT, check=False).returncode
    failed = checking.finish() if checking else []
    return status or (1 if failed else 0)


def pytest_command(everything: bool, rest: list[str]) -> list[str]:
    """pytest with the arguments given; all tests on two processes when none were named."""
    command = [sys.executable, "-m", "pytest"]
    if not everything:
        command += ["-m", "not long"]
    if not any(argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in rest):
        command += ["-n", str(min(2, os.cpu_count() or 1)), "--dist", "worksteal"]
    return command + rest


class Checking:
    """The checks, one after another, while the tests run: those wait for their servers often enough to leave room."""

    def __init__(self) -> None:
        servers = Servers(Layout.of_checkout("test"), throwaway=True)
        # mypy's Django plugin reads the settings, which want to know their servers but do not call them.
        self._environment = contract.without_settings(os.environ) | contract.testing(servers)
        self._found: list[tuple[str, subprocess.CompletedProcess[str], float]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> list[str]:
        """Wait for them and print what they found; the names of those that failed."""
        self._thread.join()
        for name, done, seconds in self._found:
            if done.returncode != 0:
                note(f"\n{done.stdout}")
            note(f"{name}: {'passed' if done.returncode == 0 else 'FAILED'} after {seconds:.1f} s")
        return [name for name, done, _ in self._found if done.returncode != 0]

    def _run(self) -> None:
        for name, command in CHECKS.items():
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=self._environment,
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self._found.append((name, done, time.monotonic() - began))


def install_missing_programs() -> None:
    """Install the programs of `DEBIAN_PACKAGES` on Debian as root; elsewhere, and where the release has no such package, their
    tests are skipped.
    """
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin"
    missing = [name for name in DEBIAN_PACKAGES if shutil.which(name, path=path) is None]
    if not missing or os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return
    if not any(APT_LISTS.glob("*_Packages*")):
        _apt_get("update")
    missing = [name for name in missing if apt_knows(DEBIAN_PACKAGES[name])]
    if not missing:
        return
    if not CLUSTERS.exists():
        CLUSTERS.parent.mkdir(exist_ok=True)
        CLUSTERS.write_text("create_main_cluster = false\n")
    # What is known may be a version that the archive has replaced since.
    _apt_get("update")
    for name in missing:
        packages = DEBIAN_PACKAGES[name]
        with step(f"Installing {' and '.join(packages)}"):
            done = _apt_get(
                "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", *packages
            )
        if done.returncode != 0:
            note(f"apt-get could not install {', '.join(packages)}; their tests are skipped.\n{done.stderr[-500:]}")


def apt_knows(packages: Sequence[str]) -> bool:
    """Whether apt has a version of each package to install. Reads its lists as they are, without the network."""
    policy = subprocess.run(
        ["apt-cache", "policy", *packages],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LC_ALL": "C"},
    )
    candidates = re.findall(r"^  Candidate: (.+)$", policy.stdout, flags=re.MULTILINE)
    return len(candidates) == len(packages) and "(none)" not in candidates


def _apt_get(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        ["apt-get", command, "-q", *arguments], capture_output=True, text=True, check=False, env=environment
    )
