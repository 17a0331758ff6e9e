"""dbt in an environment of its own, var/dbt-venv: its dependencies and the catalog's need not agree."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from stack.layout import ROOT
from stack.locks import exclusive

LOCK = ROOT / "requirements" / "dbt.txt"
ENVIRONMENT = ROOT / "var" / "dbt-venv"
_STAMP = ENVIRONMENT / "installed"


class CannotInstall(Exception):
    """The packages could not be had; the message is the installer's last line."""


def programs() -> Path:
    """The folder with `dbt` and `dbt-ol`, installed from the hashed lock when that has changed."""
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {ENVIRONMENT}"
    with exclusive(ROOT / "var" / "run" / "dbt-environment.lock"):
        if not _STAMP.exists() or _STAMP.read_text() != wanted:
            python = ENVIRONMENT / "bin" / "python"
            _uv("venv", "--clear", "--python", sys.executable, str(ENVIRONMENT))
            _uv("pip", "install", "--python", str(python), "--require-hashes", "-r", str(LOCK))
            _STAMP.write_text(wanted)
    return ENVIRONMENT / "bin"


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotInstall((done.stderr.strip().splitlines() or ["uv said nothing"])[-1])
