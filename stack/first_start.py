"""What happens once for a fresh catalog: the demo, or an administrator; and remembering their logins."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.layout import Layout
from stack.progress import note, step


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The first start of one state directory. Each part is done once and leaves a file that says so."""

    layout: Layout
    environment: Mapping[str, str]

    @property
    def demo(self) -> Path:
        """What load_demo answered, its logins among it."""
        return self.layout.state / "demo.json"

    @property
    def administrator(self) -> Path:
        """Marks that the catalog got an administrator; the password is printed once and not kept."""
        return self.layout.state / "administrator.json"

    def load_demo(self) -> None:
        """Load the demo against the running web server, unless this state has it or began without it."""
        if self.demo.exists() or self.administrator.exists():
            return
        with step("Loading the demo"):
            answer = self._ask("load_demo", "--json")
        with open(os.open(self.demo, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
            json.dump(answer, target, indent=1)

    def create_administrator(self) -> str | None:
        """Make sure there is an administrator; a sentence with the password when one was made just now."""
        if self.administrator.exists():
            return None
        with step("Creating an administrator"):
            answer = self._ask("create_administrator", "--json")
        self.administrator.write_text(json.dumps({"username": answer.get("username")}))
        if not answer.get("created"):
            return None
        return (
            f"Sign in as {answer['username']} with the password {answer['password']} (shown this once; "
            "`bin/manage changepassword` sets another)."
        )

    def logins(self) -> list[dict[str, str]]:
        """The demo's logins: username, password and role of each; empty without the demo."""
        try:
            kept = json.loads(self.demo.read_text())
        except (OSError, ValueError):
            return []
        return list(kept.get("logins", []))

    def _ask(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, str(self.layout.root / "manage.py"), *arguments]
        done = subprocess.run(
            command,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        answer = done.stdout.strip().splitlines()
        if done.returncode != 0 or not answer:
            note("")
            raise StackError(
                f"`bin/manage {arguments[0]}` failed:\n{done.stdout}{done.stderr}\n"
                "Start again to retry; with --no-demo the catalog starts without the demo."
            )
        decoded = json.loads(answer[-1])
        return decoded if isinstance(decoded, dict) else {}
