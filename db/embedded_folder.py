"""The data folder of a private PostgreSQL: what lies in it, whose it is, and what a killed server leaves behind.

    DATA_DIR/               0711 when root made it, so that the server's account can pass; 0700 for everybody else
      start.lock            held while somebody looks at the server, starts it or joins it
      users.lock            shared by everybody who uses the server; the keeper waits for the exclusive lock and then stops it
      keeper.lock           held by the keeper (embedded_keeper.py) for as long as it lives
      postgres.log
      programs/             a copy of PostgreSQL, only where the server's account cannot read the original
      postgres/             0700, of the server's account
        cluster/            PostgreSQL's own data folder; its PG_VERSION pins the major version
        run/                the socket, if the path is short enough, else a folder in the temporary directory

The locks are flocks: the kernel frees them when their holder dies of anything. Order: start.lock, users.lock, keeper.lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pgsluice.db.embedded_programs import Account, EmbeddedError, Found, choose_account, clean_environment, somebody_elses, user_name

PORT: Final = 5432  # only a part of the socket's name: nothing listens on TCP
# sun_path holds 108 bytes on Linux and 104 elsewhere, with the final zero.
_SOCKET_NAME: Final = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET: Final = 107 if sys.platform == "linux" else 103
# What goes into postmaster.pid (lines), unix_socket_directories (commas, quotes) and a connection string without a second thought.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./+@ -]+")
_LOG_BYTES: Final = 10_000_000
# Answers of the system that mean "this folder is not for you", where others mean "the disk is full or broken".
_NOT_OURS: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENOENT})


class Postmaster(NamedTuple):
    """What postmaster.pid says of a server, which may be long dead."""

    pid: int
    port: int
    socket_dir: str
    status: str  # starting, ready, stopping, standby; empty while the file is being written

    def is_alive(self, cluster: Path) -> bool:
        """Whether that process is still this cluster's server. Its number may be another process's by now (a restarted container), or a
        zombie's, so the number alone says nothing. Where /proc does not tell (another container, macOS), the socket does."""
        return _runs_postgres(self.pid, cluster) or _answers(Path(self.socket_dir, f".s.PGSQL.{self.port}"))


def _runs_postgres(pid: int, cluster: Path) -> bool:
    proc = Path("/proc", str(pid))
    try:  # a zombie has no program; of other users' processes nothing can be read, but the server is ours
        return (proc / "exe").readlink().name.startswith("postgres") and (proc / "cwd").samefile(cluster)
    except OSError:
        return False


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.setblocking(False)
            probe.connect(str(path))
        except BlockingIOError:  # its queue is full: busy, so alive
            return True
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Folder:
    """One data folder, and the account that its server runs as."""

    root: Path
    account: Account

    @property
    def home(self) -> Path:
        return self.root / "postgres"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    def version(self) -> int | None:
        """Major version that made the cluster; None while there is no cluster."""
        if not self.cluster.exists():
            return None
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except (OSError, ValueError) as exc:
            raise EmbeddedError(
                f"{self.cluster} is there, but it is no PostgreSQL cluster",
                code="SL404",
                details=f"PG_VERSION: {getattr(exc, 'strerror', None) or 'not a number'}",
                hint="choose another folder with PGSLUICE_DATA_DIR, or restore this one from a backup",
            ) from None

    def postmaster(self) -> Postmaster | None:
        """The server in postmaster.pid; its lines: pid, cluster, start time, port, socket folder, address, shared memory, status."""
        try:
            lines = os.fsdecode((self.cluster / "postmaster.pid").read_bytes()).splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        lines += [""] * 8
        return Postmaster(pid, int(lines[3] or PORT), lines[4], lines[7].strip())

    def socket_dir(self, earlier: Path | None = None) -> Path:
        """The folder for the socket, made if it is not there: 0700 and the account's, as everybody who enters is trusted."""
        for place in [earlier] if earlier else self._socket_dirs():
            if not os.path.lexists(place):
                make_folder(place, 0o700, self.account)
            info = place.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != self.account.uid or info.st_mode & 0o077:
                raise EmbeddedError(
                    f"the socket's folder {place} is not private to {self.account.name}",
                    code="SL404",
                    details=f"it belongs to {user_name(info.st_uid)}, mode {stat.S_IMODE(info.st_mode):04o}",
                    hint="remove it; pgsluice makes it again",
                )
            return place
        raise EmbeddedError("no folder for the socket: the paths are too long or closed", hint="choose a shorter data folder")

    def _socket_dirs(self) -> Iterator[Path]:
        inside = self.home / "run"
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        if _fits(inside):
            yield inside
        for folder in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108  TMPDIR may be long, or closed to the account
            place = Path(folder, f"pgsluice-{self.account.uid}-{digest}")
            if _fits(place) and self.account.can_enter(place.parent):
                yield place

    def make_cluster(self, found: Found, *, durable: bool) -> None:
        """Runs initdb into a scratch folder that is renamed: a cluster that is there is complete, whenever anybody is killed."""
        scratch = self.home / f"new-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            self._initdb(found, scratch, durable=durable)
            scratch.rename(self.cluster)
        except BaseException:
            _remove(scratch)
            raise

    def _initdb(self, found: Found, scratch: Path, *, durable: bool) -> None:
        command = [str(found.bin_dir / "initdb"), "-D", str(scratch), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-instructions"]
        command += [] if durable else ["--no-sync"]
        for locale in _locales(found.major):
            done = subprocess.run(
                [*command, *locale], cwd="/", env=clean_environment(), capture_output=True, text=True, check=False, **self.account.drop
            )
            if done.returncode == 0:
                return
            if "invalid locale name" not in done.stderr:
                break
        raise EmbeddedError("initdb failed", details=_last_lines(done.stderr), hint=f"is there space in {self.home}?")

    def clear_leftovers(self, socket_dir: Path) -> None:
        """Removes what makes a new server refuse to start after a kill -9: backends of the dead one, which hold its shared memory, and two
        files with its process id, a number that may be alive as another process. Only called under keeper.lock with no server alive."""
        for unfinished in self.home.glob("new-*"):
            _remove(unfinished)
        (socket_dir / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)
        if not (self.cluster / "postmaster.pid").exists():
            return
        for number in (signal.SIGQUIT, signal.SIGKILL):
            end = time.monotonic() + 5
            while (orphans := self._orphans(number)) and time.monotonic() < end:
                time.sleep(0.02)
            if not orphans:
                break
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _orphans(self, number: signal.Signals) -> list[int]:
        """Signals every process of a dead server, and names them."""
        pids = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _runs_postgres(int(p.name), self.cluster)]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def rotate_log(self) -> int:
        """Size of the log from which on it is about the server to be started."""
        try:
            size = self.log.stat().st_size
        except FileNotFoundError:
            return 0
        if size < _LOG_BYTES:
            return size
        self.log.replace(self.log.with_suffix(".log.1"))
        return 0

    def last_words(self, since: int) -> str:
        """What the server said from byte `since` of its log on: the errors, or else the last lines."""
        try:
            text = self.log.read_bytes()[since:].decode(errors="replace")
        except OSError:
            return ""
        return _last_lines(text)


def _remove(folder: Path) -> None:
    """Removes what initdb left, whose own processes may still be writing into it for a moment after it was killed."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.02)


def _fits(folder: Path) -> bool:
    return _PLAIN.fullmatch(str(folder)) is not None and len(os.fsencode(folder / _SOCKET_NAME)) <= _LONGEST_SOCKET


def _locales(major: int) -> list[list[str]]:
    """Unicode letters, but order by bytes: indexes then survive an upgrade of the C library. The built-in provider has it everywhere."""
    if major >= 17:
        return [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]


def _last_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [re.sub(r"^.*?(?=(FATAL|PANIC|error|HINT):)", "", s) for s in lines if re.search(r"(FATAL|PANIC|error|HINT):", s)]
    return "; ".join(telling[-4:] or lines[-2:])


def open_folder(data_dir: Path) -> Folder:
    """The data folder, made if it is not there. Permissions of a folder that is there are never changed.

    Raises EmbeddedError SL404 when it is somebody else's, no folder, or closed to the account that runs the server for root.
    """
    root = Path(os.path.realpath(os.path.expanduser(data_dir)))  # noqa: PTH111  pathlib raises where a link or a home is broken
    if re.search(r'["\n\r]', str(root)):
        raise EmbeddedError(
            "PostgreSQL's programs cannot cope with a double quote or a line break in the name of the data folder",
            code="SL404",
            details=repr(str(root)),
            hint="choose another folder with PGSLUICE_DATA_DIR",
        )
    _make_parents(root)
    if not root.exists():
        make_folder(root, 0o711 if os.geteuid() == 0 else 0o700)
    owner = root.stat().st_uid
    home = root / "postgres"
    account = choose_account(home.lstat().st_uid if os.path.lexists(home) else None)
    if owner not in (0, os.geteuid(), account.uid):
        raise somebody_elses(f"the data folder {root}", owner)
    if (root / "PG_VERSION").exists():
        raise EmbeddedError(
            f"{root} is itself the data folder of a PostgreSQL server", code="SL404", hint="choose another folder with PGSLUICE_DATA_DIR"
        )
    return Folder(root, account)


def open_home(folder: Folder) -> None:
    """Makes the account's own folder; the starting lock is held."""
    if not folder.home.exists():
        make_folder(folder.home, 0o700, folder.account)
    if not folder.account.can_enter(folder.home):
        closed = next((p for p in reversed(folder.home.parents) if not folder.account.can_enter(p)), folder.home)
        raise EmbeddedError(
            f"{closed} is closed to {folder.account.name}, which runs PostgreSQL for root",
            code="SL404",
            hint="choose a data folder below folders that everybody may enter, for example /var/lib/pgsluice",
        )


def _make_parents(root: Path) -> None:
    for parent in reversed(root.parents):
        if not parent.exists():
            make_folder(parent, 0o755 if os.geteuid() == 0 else 0o700)


def make_folder(path: Path, mode: int, account: Account | None = None) -> None:
    """Makes a folder of exactly this mode, whatever the umask, and this owner; complete or not at all. Another process may be first."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}-", dir=path.parent))
    scratch.chmod(mode)
    if account and account.drop:
        os.chown(scratch, account.uid, account.gid)
    try:
        scratch.rename(path)
    except OSError:
        scratch.rmdir()
        if not path.is_dir():
            raise


@contextlib.contextmanager
def disk_errors(data_dir: Path) -> Iterator[None]:
    """Turns what the system answers about the data folder into an error that says what to do."""
    try:
        yield
    except OSError as exc:
        mine = exc.errno in _NOT_OURS
        raise EmbeddedError(
            f"cannot use the data folder {data_dir}: {exc.strerror or exc}",
            code="SL404" if mine else "SL408",
            details=f"at {exc.filename}" if exc.filename else None,
            hint="choose a folder of your own with PGSLUICE_DATA_DIR" if mine else "check the disk: space, quota, read-only mounts",
        ) from exc


def open_lock(path: Path) -> int:
    """Descriptor of a lock file, closed to programs that this process runs."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the exclusive lock on `path`; waits for it."""
    fd = open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def try_lock(path: Path) -> int | None:
    """Descriptor that holds the exclusive lock on `path`, or None while somebody else does."""
    fd = open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd
