"""Entry of the launchers in bin/: `python stack COMMAND ...`, first with any Python, then with var/venv's."""

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack import environment  # noqa: E402
from stack.errors import StackError  # noqa: E402
from stack.progress import note  # noqa: E402

INSIDE = "--inside-environment"
COMMANDS = {"run": "run", "manage": "run", "bench": "test", "test": "test"}


def main(arguments: list[str]) -> int:
    """Make the environment, go on inside it, and run the command; the exit status is the command's."""
    command, *rest = arguments
    if rest[:1] != [INSIDE]:
        python = environment.ensure(COMMANDS[command])
        os.execv(python, [str(python), str(Path(__file__).parent), command, INSIDE, *rest])
    rest = rest[1:]
    if command == "run":
        from stack.running import main as run
    elif command == "manage":
        from stack.managing import main as run
    elif command == "bench":
        from stack.benching import main as run
    else:
        from stack.testing import main as run
    return run(rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        note(f"\n{error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
