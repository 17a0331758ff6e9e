"""What the supervisor runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised process: how to start it, under which account, and how to stop it."""

    name: str
    argv: tuple[str, ...]
    directory: str
    environment: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None
    gid: int | None = None
    pid_file: str | None = None
    """A pid file which the program refuses to start over; removed first when its process is gone."""
    priority: int = 100
    stop_signal: str = "TERM"
    stop_seconds: int = 10

    def specification(self) -> str:
        """What stack/launch.py reads."""
        return json.dumps(asdict(self), indent=1)

    def section(self) -> str:
        """The program's section of supervisord.conf.

        Nothing from outside is written into it: supervisor's configuration has characters that cannot be
        quoted, and a path may hold any of them. The digest makes supervisor see a changed specification.
        """
        digest = hashlib.sha256(self.specification().encode()).hexdigest()[:16]
        return (
            f"[program:{self.name}]\n"
            f"command=./python -I -S ./launch.py {self.name} {digest}\n"
            f"priority={self.priority}\nstopsignal={self.stop_signal}\nstopwaitsecs={self.stop_seconds}\n"
            "autorestart=true\nstartsecs=1\nstartretries=100\nkillasgroup=true\n"
            f"redirect_stderr=true\nstdout_logfile=./log/{self.name}.log\n"
            "stdout_logfile_maxbytes=5MB\nstdout_logfile_backups=1\n\n"
        )


def last_lines(log: Path, count: int = 8) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
