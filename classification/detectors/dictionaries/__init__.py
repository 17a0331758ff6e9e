"""The words that the detectors know, as files that people read and review; this reads them."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def read_table(name: str) -> dict[str, Any]:
    """A dictionary kept as TOML."""
    return tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))


def read_lines(name: str) -> list[str]:
    """A dictionary kept as lines, without its comments (`#`) and empty lines."""
    lines = files(__name__).joinpath(name).read_text(encoding="utf-8").splitlines()
    return [stripped for line in lines if (stripped := line.strip()) and not stripped.startswith("#")]
