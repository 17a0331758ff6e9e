"""Become a supervised program: read its specification beside the supervisor's socket and exec it.

Run by supervisord as `./python -I -S ./launch.py NAME DIGEST`; imports nothing but the standard library.
"""

import json
import os
import sys


def forget_dead_owner(pid_file: str) -> None:
    """Remove a pid file whose process is gone, or whose number now belongs to a program of another name.

    After a crash of the machine the number may belong to anyone, and PostgreSQL would then refuse to start.
    """
    try:
        with open(pid_file, encoding="utf-8") as lines:
            pid = int(lines.readline())
    except (OSError, ValueError):
        return
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/cmdline", "rb") as command:
            alive = b"postgres" in command.read()
    except ProcessLookupError:
        alive = False
    except OSError:
        alive = True
    if not alive:
        os.unlink(pid_file)


def main(name: str) -> None:
    """Take the account, the directory and the environment of the specification, then exec it."""
    with open(f"{name}.program.json", encoding="utf-8") as source:
        program = json.load(source)
    if program["pid_file"]:
        forget_dead_owner(program["pid_file"])
    if program["uid"] is not None:
        os.setgroups([])
        os.setgid(program["gid"])
        os.setuid(program["uid"])
    os.chdir(program["directory"])
    os.execve(program["argv"][0], program["argv"], program["environment"])


if __name__ == "__main__":
    main(sys.argv[1])
