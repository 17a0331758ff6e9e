"""Where things are: the checkout, its state in var/, and a directory short enough for Unix sockets."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

ROOT = Path(__file__).resolve().parent.parent

# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included; the longest name put into
# the directory is "postgres/.s.PGSQL.65535".
LONGEST_SOCKET_DIRECTORY = 103 - len("/postgres/.s.PGSQL.65535")


def private_directory(path: Path, mode: int = 0o700) -> Path:
    """Make the directory if it is missing, with exactly this mode; refuse one of someone else's."""
    path.mkdir(parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StackError(f"{path} belongs to another user or is no directory. Remove it, or run as its owner.")
    path.chmod(mode)
    return path


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of one set of servers. `state` holds all that lasts; deleting it starts over."""

    root: Path
    state: Path

    @classmethod
    def of_checkout(cls, part: str | None = None) -> "Layout":
        """The checkout's own servers (var/), or a separate set below it (var/test, var/bench)."""
        state = ROOT / "var"
        return cls(root=ROOT, state=state / part if part else state)

    @property
    def virtual_environment(self) -> Path:
        return self.root / "var" / "venv"

    @property
    def run(self) -> Path:
        """Locks and small facts about running servers."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def sockets(self) -> Path:
        """The run directory, or one below the system's temporary directory when its path is too long."""
        if len(os.fsencode(self.run)) <= LONGEST_SOCKET_DIRECTORY:
            return self.run
        digest = hashlib.sha256(os.fsencode(self.state)).hexdigest()[:12]
        short = Path("/tmp") if len(tempfile.gettempdir()) > 40 else Path(tempfile.gettempdir())
        return short / f"catalog-{os.geteuid()}-{digest}"

    def prepare(self) -> None:
        """Make the directories that every command needs."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(exist_ok=True)
        self.log.mkdir(exist_ok=True)
        private_directory(self.secrets)
        # As root PostgreSQL runs under another account, which must be able to pass through to its own socket.
        private_directory(self.sockets, 0o711 if os.geteuid() == 0 else 0o700)
        link = self.sockets / "log"
        if not link.is_symlink():
            link.symlink_to(self.log)
        elif link.readlink() != self.log:
            link.unlink()
            link.symlink_to(self.log)
