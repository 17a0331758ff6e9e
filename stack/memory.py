"""What the running catalog takes: `var/venv/bin/python -m stack.memory` prints the PSS of every process.

PSS counts a page that n processes share as 1/n of a page in each, so the sum is what would be free without
them. Linux only; ask as the one who started the catalog, or as root: others may not read its processes.
"""

import json
from contextlib import suppress

import psutil

from stack.layout import Layout
from stack.supervision import Supervisor


def measure(layout: Layout) -> dict[str, int]:
    """Bytes of PSS by what they are spent on; empty when nothing runs."""
    supervisor = Supervisor(layout.sockets)
    pid = supervisor.pid()
    if pid is None:
        return {}
    found = {"supervisor": _pss([psutil.Process(pid)])}
    for name, state in supervisor.states().items():
        if state.pid:
            parent = psutil.Process(state.pid)
            found[name] = _pss([parent, *parent.children(recursive=True)])
    facts = layout.run / "run.json"
    if facts.exists():
        found["bin/run"] = _pss([psutil.Process(json.loads(facts.read_text())["pid"])])
    return found


def _pss(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # one that has ended since takes nothing
            total += process.memory_full_info().pss
    return total


def main() -> None:
    found = measure(Layout.of_checkout())
    for name, size in found.items():
        print(f"{name:<16} {size / 1e6:7.1f} MB")
    print(f"{'all':<16} {sum(found.values()) / 1e6:7.1f} MB")


if __name__ == "__main__":
    main()
