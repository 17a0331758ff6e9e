"""Generated secrets in var/secrets, each in a file that only its owner can read."""

import base64
import os
import secrets
from pathlib import Path

from stack.errors import StackError


def _kept(path: Path, fresh: str) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with open(descriptor, "w") as target:
        target.write(f"{fresh}\n")
    return fresh


def password(directory: Path, name: str, *, must_exist: bool = False) -> str:
    """The kept password of this name, made on first use; `must_exist` says that a server already knows it."""
    path = directory / name
    if must_exist and not path.exists():
        raise StackError(
            f"{path} is missing, and the database in var/ knows no other password. Put the file back, or "
            "delete var/ to start over with an empty catalog."
        )
    return _kept(path, secrets.token_hex(24))


def signing_key(directory: Path) -> str:
    """Django's SECRET_KEY."""
    return _kept(directory / "secret_key", secrets.token_urlsafe(60))


def encryption_keys(directory: Path) -> str:
    """Fernet keys for stored credentials, newest first, separated by commas."""
    fresh = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return ",".join(_kept(directory / "encryption_keys", fresh).replace(",", " ").split())
