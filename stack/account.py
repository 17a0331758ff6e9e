"""The operating-system account that PostgreSQL runs under, and places that account can reach.

PostgreSQL refuses to run as root. As root it is started under an unprivileged account; where that account
cannot reach the checkout (a home with mode 0700), program and data are put where it can. No permission of an
existing directory is ever widened.
"""

import os
import pwd
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError

REACHABLE_BASE = Path("/var/lib/datacatalog")


@dataclass(frozen=True, slots=True)
class Account:
    """An account to run a server under; `uid` None means the account of this process."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Give the path to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def process_options(self) -> dict[str, Any]:
        """Keyword arguments for subprocess which run a command under the account."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, directory: Path) -> bool:
        """Whether the account can enter the directory."""
        command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)]
        run = subprocess.run(command, cwd="/", capture_output=True, check=False, **self.process_options())
        return bool(run.returncode == 0)


def for_postgres(existing: Path | None) -> Account:
    """This process's own account, or, for root, the owner of existing data, `postgres`, or `nobody`."""
    if os.geteuid() != 0:
        return Account()
    if existing is not None and existing.exists() and existing.stat().st_uid != 0:
        owner = existing.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in (os.environ.get("CATALOG_POSTGRES_ACCOUNT"), "postgres", "nobody"):
        if name:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return Account(entry.pw_uid, entry.pw_gid)
    raise StackError(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it under. "
        "Name an unprivileged account in CATALOG_POSTGRES_ACCOUNT, or start the catalog as an ordinary user."
    )


def reachable_home(state: Path, account: Account) -> Path:
    """The directory for PostgreSQL's data: state/postgres, or one outside that the account can reach.

    A directory outside is remembered in state/postgres.place, so deleting the state starts over; directories
    whose state is gone are removed.
    """
    place = state / "postgres.place"
    if place.exists():
        return Path(place.read_text().strip())
    home = state / "postgres"
    if not home.exists():
        home.mkdir(mode=0o700)
        account.own(home)
    if account.reaches(home):
        return home
    _remove_forsaken()
    home.rmdir()
    outside = REACHABLE_BASE / uuid.uuid4().hex[:12]
    outside.mkdir(parents=True, mode=0o711)
    (outside / "origin").write_text(str(place))
    (outside / "postgres").mkdir(mode=0o700)
    account.own(outside / "postgres")
    place.write_text(f"{outside / 'postgres'}\n")
    return outside / "postgres"


def _remove_forsaken() -> None:
    for origin in REACHABLE_BASE.glob("*/origin"):
        place = Path(origin.read_text())
        if not place.exists() or Path(place.read_text().strip()).parent != origin.parent:
            shutil.rmtree(origin.parent)


def reachable_program(package: Path, version: str, account: Account) -> Path:
    """PostgreSQL's installation directory: inside its package, or a copy that the account can reach.

    The copy keeps the package's shape, because its programs find their libraries by a relative path.
    """
    installation = package / "pginstall"
    if account.reaches(installation / "bin"):
        return installation
    copy = REACHABLE_BASE / f"postgresql-{version}"
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.getpid()}")
        (unfinished / package.name).mkdir(parents=True, mode=0o755)
        shutil.copytree(installation, unfinished / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        unfinished.rename(copy)
    return copy / package.name / "pginstall"
