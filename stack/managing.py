"""bin/manage: manage.py inside the environment, with the servers that bin/run has or with its own."""

import os
import signal
import subprocess
import sys
from types import FrameType

from stack import contract
from stack.layout import Layout


def main(arguments: list[str]) -> int:
    """Run a management command and answer with its exit status; the servers run as long as it does."""
    layout = Layout.of_checkout()
    outside = contract.Outside.from_environment()
    servers = outside.servers(layout)
    with servers.in_use():
        environment = contract.management(servers, outside)
        return run_command(arguments, environment)


def run_command(arguments: list[str], environment: dict[str, str]) -> int:
    """Run manage.py with these arguments as a child that gets our terminal and the signals sent to us."""
    command = [sys.executable, str(Layout.of_checkout().root / "manage.py"), *arguments]
    process = subprocess.Popen(command, env=environment)

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    # Ctrl-C reaches the child by the terminal; this process only has to outlive it, to stop the servers.
    previous = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN if os.isatty(0) else forward),
        signal.SIGTERM: signal.signal(signal.SIGTERM, forward),
    }
    try:
        status = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
