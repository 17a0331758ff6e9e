"""What bin/test does around the tests: what it installs, held against an apt that writes down its questions, and checks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.layout import ROOT
from stack.testing import apt_knows

needs_apt = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("apt-cache") is None, reason="only root on Debian installs what tests need"
)

# Says what `apt-cache policy` says on a release that has only the packages named in KNOWN.
APT_CACHE = """#!/bin/sh
shift
for package in "$@"; do
    case " $KNOWN " in
    *" $package "*) version=1.0 ;;
    *) version='(none)' ;;
    esac
    printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n  Version table:\\n' "$package" "$version"
done
"""
APT_GET = """#!/bin/sh
echo "$*" >> "$ASKED"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with an apt alone, and its lists: every program of the tests is missing."""
    (tmp_path / "release_main_Packages").touch()
    for name, script in (("apt-cache", APT_CACHE), ("apt-get", APT_GET)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def asked(tools: Path, known: str) -> list[str]:
    """What apt-get was asked, first and last word, where everything is missing and apt knows only some packages."""
    code = (
        "from pathlib import Path; from stack import testing\n"
        f"testing.CLUSTERS = Path({str(tools)!r}) / 'createcluster.conf'; testing.APT_LISTS = Path({str(tools)!r})\n"
        "testing.DEBIAN_PACKAGES = {f'no-program-{name}': (name,) for name in ('chromium', 'postgresql-15')}\n"
        "testing.install_missing_programs()"
    )
    log = tools / "asked"
    log.write_text("")
    environment = {"PATH": str(tools), "ASKED": str(log), "KNOWN": known}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    return [" ".join((line.split()[0], line.split()[-1])) for line in log.read_text().splitlines()]


@needs_apt
def test_apt_is_asked_only_for_what_it_knows(tools: Path) -> None:
    assert asked(tools, "") == []
    assert asked(tools, "chromium") == ["update -q", "install chromium"]
    assert asked(tools, "chromium postgresql-15") == ["update -q", "install chromium", "install postgresql-15"]


@needs_apt
def test_a_package_that_no_release_has_is_not_known() -> None:
    assert apt_knows(("dpkg",))
    assert not apt_knows(("dpkg", "no-package-of-any-release"))


def test_a_failed_check_is_shown_with_what_it_said_and_no_other_is_left_out() -> None:
    code = (
        "from stack import testing\n"
        "testing.CHECKS = {'bad': ('-c', 'print(6 * 7); raise SystemExit(3)'), 'good': ('-c', 'print(6 * 9)')}\n"
        "print(testing.Checking().finish())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "['bad']"
    assert "42" in done.stderr and "bad: FAILED after" in done.stderr
    assert "54" not in done.stderr and "good: passed after" in done.stderr
