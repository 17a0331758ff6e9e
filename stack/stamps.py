"""Notes of what was last installed or built, so that it is done again only when something changed. Standard library only."""

import json
from pathlib import Path


def read_stamp(path: Path) -> dict[str, str]:
    """What the stamp says; nothing where it is missing or broken, so that the work is done anew."""
    try:
        stamp = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}
