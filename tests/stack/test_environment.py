"""What bin/run says on a machine that lacks something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.layout import ROOT

# A Debian Python without its venv package has the module venv, but no ensurepip.
WITHOUT_ENSUREPIP = """
import sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = staticmethod(lambda name, *rest: None if name == "ensurepip" else find(name, *rest))
"""


@pytest.fixture
def bare_checkout(tmp_path: Path) -> Path:
    """The launchers and the stack alone, without an environment."""
    for folder in ("bin", "stack", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / "bare" / folder)
    return tmp_path / "bare"


@pytest.fixture
def without_ensurepip(tmp_path: Path) -> str:
    """A Python that cannot make an environment, with which a start ends soon."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_ENSUREPIP)
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"\n')
    shim.chmod(0o755)
    return str(shim)


def compiled(folder: Path) -> set[Path]:
    return set(folder.rglob("*.pyc"))


def run(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [checkout / "bin" / "run"],
        env={"PATH": os.defpath, "HOME": str(checkout)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_without_ensurepip_names_the_package(bare_checkout: Path, without_ensurepip: str) -> None:
    done = run(bare_checkout, CATALOG_PYTHON=without_ensurepip)
    assert done.returncode == 1
    assert f"apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_python_compiles_is_kept_in_var_where_it_may_not_lie_beside_the_sources(
    bare_checkout: Path, without_ensurepip: str
) -> None:
    before = compiled(bare_checkout)
    run(bare_checkout, CATALOG_PYTHON=without_ensurepip, PYTHONDONTWRITEBYTECODE="1")
    kept = compiled(bare_checkout / "var" / "pycache")
    assert "environment" in {path.name.split(".")[0] for path in kept}
    assert compiled(bare_checkout) - kept == before


def test_without_a_suitable_python_it_says_what_to_install(bare_checkout: Path, tmp_path: Path) -> None:
    # A PATH with nothing but what the launcher itself needs.
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "dirname"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    launcher = (bare_checkout / "bin" / "_python").read_text().replace("/usr/bin/python3", "")
    (bare_checkout / "bin" / "_python").write_text(launcher)
    done = run(bare_checkout, PATH=str(tools))
    assert done.returncode == 1
    assert "No Python 3.11 or newer was found" in done.stderr


def test_an_unreachable_package_index_is_a_sentence(bare_checkout: Path) -> None:
    done = run(
        bare_checkout,
        CATALOG_PYTHON=sys.executable,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
        PIP_NO_CACHE_DIR="1",
    )
    assert done.returncode == 1
    assert "Check the network connection" in done.stderr
    assert "Traceback" not in done.stderr
