"""The virtual environment in var/venv, made and kept in step with the hashed lock. Standard library only."""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from stack.errors import StackError
from stack.layout import ROOT
from stack.locks import exclusive
from stack.progress import step
from stack.stamps import read_stamp

ENVIRONMENT = ROOT / "var" / "venv"
REQUIREMENTS = ROOT / "requirements"
STAMP = ENVIRONMENT / "installed.json"


def _digest(lock: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{lock}.txt").read_bytes()).hexdigest()


def interpreter() -> Path:
    """The environment's Python."""
    return ENVIRONMENT / "bin" / "python"


def ensure(lock: str) -> Path:
    """Bring var/venv in step with requirements/`lock`.txt ("run" or "test") and return its Python.

    Nothing is installed when the lock has not changed since the last time. The test lock contains the other.
    """
    wanted = _digest(lock)
    if _in_step(lock, wanted):
        return interpreter()
    with exclusive(ROOT / "var" / "run" / "environment.lock"):
        if not _in_step(lock, wanted):
            _make(lock)
    return interpreter()


def _in_step(lock: str, wanted: str) -> bool:
    stamp = read_stamp(STAMP)
    return stamp.get(lock) == wanted and stamp.get("place") == str(ENVIRONMENT) and interpreter().exists()


def _make(lock: str) -> None:
    stamp = read_stamp(STAMP)
    if stamp.get("place") != str(ENVIRONMENT) or not _works(interpreter()):
        moved = "place" in stamp and stamp["place"] != str(ENVIRONMENT)
        with step("Making the Python environment"):
            _create(clear=moved or (ENVIRONMENT.exists() and not _works(interpreter())))
        stamp = {}
    # Once the test packages are there they stay in step too, or the two commands would undo each other.
    locks = ["run", "test"] if lock == "test" or "test" in stamp else ["run"]
    with step("Installing Python packages"):
        _pip_install("uv")
        _uv_install(locks[-1])
    STAMP.write_text(json.dumps({"place": str(ENVIRONMENT)} | {name: _digest(name) for name in locks}))


def _works(python: Path) -> bool:
    check = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(check, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _create(*, clear: bool) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise StackError(missing_venv_sentence())
    base = getattr(sys, "_base_executable", None) or sys.executable
    command = [base, "-m", "venv", *(["--clear"] if clear else []), str(ENVIRONMENT)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        if "ensurepip" in made.stdout + made.stderr:
            raise StackError(missing_venv_sentence())
        raise StackError(f"Python could not make {ENVIRONMENT}: {_last_lines(made.stdout + made.stderr)}")


def missing_venv_sentence() -> str:
    """What to install where the distribution keeps venv and ensurepip in a package of their own."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    become_root = "" if os.geteuid() == 0 else "sudo "
    return (
        f"This Python {version} ({sys.executable}) cannot make virtual environments: ensurepip is missing. "
        f"On Debian and Ubuntu run `{become_root}apt-get install python{version}-venv`, then start again."
    )


def _pip_install(name: str) -> None:
    command = [str(interpreter()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "-r", str(REQUIREMENTS / f"{name}.txt")]
    _install(command)


def _uv_install(lock: str) -> None:
    command = [str(interpreter()), "-m", "uv", "pip", "install", "--quiet", "--python", str(interpreter())]
    command += ["--require-hashes", "-r", str(REQUIREMENTS / f"{lock}.txt")]
    _install(command)


def _install(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(
            f"The Python packages could not be installed: {_last_lines(done.stdout + done.stderr)}\n"
            "Check the network connection (or the index that pip and uv are set to), then start again."
        )


def _last_lines(text: str, count: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
