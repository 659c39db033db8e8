"""A private PostgreSQL: one data folder, shared by any number of processes, running while at least one of them holds it.

The server listens on a Unix socket only and trusts who reaches it: the folder of the socket admits its account and root. A small process
(embedded_keeper.py) starts it, waits until the last user of the data folder is gone, and stops it.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg.conninfo import make_conninfo

from pgsluice.db.embedded_folder import PORT, Folder, Postmaster, disk_errors, locked, open_folder, open_home, open_lock, try_lock
from pgsluice.db.embedded_programs import EmbeddedError, Found, clean_environment, find, programs, readable_by

__all__ = ["EmbeddedError", "Server", "default_data_dir", "programs", "start", "wait_until_stopped"]

DATABASE: Final = "pgsluice"
_KEEPER: Final = Path(__file__).with_name("embedded_keeper.py")
_STARTING_S: Final = 600.0  # recovery after a crash replays the log: seconds as a rule, minutes on a slow disk
_STOPPING_S: Final = 90.0  # longer than the keeper's patience
_ANSWER_S: Final = 15.0
_POLL_S: Final = 0.01


def default_data_dir() -> Path:
    """`/var/lib/pgsluice` for root, whose home is closed to the server's account; the XDG data folder for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/pgsluice")
    xdg = Path(os.environ.get("XDG_DATA_HOME", ""))
    if xdg.is_absolute():
        return xdg / "pgsluice"
    try:
        return Path.home() / ".local/share/pgsluice"
    except RuntimeError:
        raise EmbeddedError("this user has no home folder", code="SL404", hint="choose a folder with PGSLUICE_DATA_DIR") from None


def start(data_dir: Path, *, bin_dir: Path | None = None, durable: bool = True) -> Server:
    """Starts the server of `data_dir`, or joins the running one; makes the cluster and the database on first use (about 1 s).

    Safe for any number of processes at once. `bin_dir` names the programs to use instead of the ones found; `durable=False` is for tests (a
    crash of the machine may destroy the cluster) and has no say over a server that runs already.

    Removes libpq's PG* variables from this process's environment: PGHOSTADDR or PGSERVICE would lead a connection elsewhere.

    Raises EmbeddedError: SL404 when the folder is somebody else's or cannot be used, SL408 when there are no programs, no space, or the
    server refuses to start (details: its last words).
    """
    for name in [n for n in os.environ if n.startswith("PG") and not n.startswith("PGSLUICE")]:
        del os.environ[name]
    with disk_errors(data_dir):
        return Server(open_folder(data_dir), bin_dir, durable=durable)


def wait_until_stopped(data_dir: Path, timeout_s: float = _STOPPING_S) -> bool:
    """Waits for the server of `data_dir` to be gone: true when it is. Whoever still holds it keeps it up."""
    end = time.monotonic() + timeout_s
    while data_dir.exists():
        with locked(data_dir / "start.lock"):
            keeper = try_lock(data_dir / "keeper.lock")
        if keeper is not None:
            os.close(keeper)
            break
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True


class Server:
    """A hold on the running server of one data folder. The server stays up until the last hold is closed or its process has died."""

    def __init__(self, folder: Folder, bin_dir: Path | None, *, durable: bool) -> None:
        """See `start`, which makes it."""
        self._folder = folder
        self._given_bin_dir = bin_dir
        self._durable = durable
        self._address: Postmaster | None = None
        self._users = -1
        with locked(folder.root / "start.lock"):
            self._users = open_lock(folder.root / "users.lock")
            try:
                fcntl.flock(self._users, fcntl.LOCK_SH)  # waits for a server that is being stopped
                self._ensure()
            except BaseException:
                self.close()
                raise

    @property
    def data_dir(self) -> Path:
        return self._folder.root

    @property
    def conninfo(self) -> str:
        """Connection string for libpq and psycopg: a superuser, on the Unix socket."""
        return self._conninfo(DATABASE)

    @property
    def major(self) -> int:
        return self._folder.version() or self._found.major

    @property
    def bin_dir(self) -> Path:
        """Programs of the cluster's version that this process can run (`psql`, `pg_dump`)."""
        return self._found.bin_dir

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when there is none."""
        found = self._folder.postmaster()
        return found.pid if found and found.is_alive(self._folder.cluster) else None

    def is_alive(self) -> bool:
        return self.pid is not None

    def restart(self) -> None:
        """Brings the server back if it is gone; does nothing if it runs. Any number of processes may call it at once. Raises as `start`."""
        if self._users < 0:
            raise EmbeddedError("this hold on the embedded server is closed", hint="call start again")
        with disk_errors(self.data_dir), locked(self.data_dir / "start.lock"):
            self._ensure()

    def close(self) -> None:
        """Lets go. After the last one the server stops by itself, in the background; see `wait_until_stopped`."""
        if self._users >= 0:
            os.close(self._users)
            self._users = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @functools.cached_property
    def _found(self) -> Found:
        return find(self._given_bin_dir, self._folder.version())

    def _conninfo(self, database: str) -> str:
        assert self._address is not None
        return make_conninfo(host=self._address.socket_dir, port=self._address.port, dbname=database, user="postgres")

    def _ensure(self) -> None:
        """Finds the server running, or starts it. The starting lock is held, and so is our share of users.lock."""
        open_home(self._folder)
        end = time.monotonic() + _ANSWER_S
        while True:  # a server that is killed this very moment still looks alive: look again
            try:
                if ready := self._find_or_start():
                    self._address = ready
                    return self._create_database()
            except psycopg.OperationalError as exc:
                if time.monotonic() > end:
                    raise EmbeddedError("the embedded server runs, but does not answer", details=str(exc).strip()) from exc
            time.sleep(_POLL_S)

    def _find_or_start(self) -> Postmaster | None:
        """The server, ready for connections; None when it was found alive and is gone now."""
        log_size = self._folder.rotate_log()
        keeper, found = self._look()
        if keeper is not None:
            try:
                adoption = ["adopt", str(found.pid), str(self._folder.cluster)] if found else None
                self._spawn_keeper(keeper, adoption or self._server_command())
            finally:
                os.close(keeper)  # the keeper has inherited the lock by then
        ready = self._await_ready()
        if ready is None and found is None:
            raise EmbeddedError(
                "the embedded server does not start",
                details=self._folder.last_words(log_size),
                hint=f"its log: {self._folder.log}",
            )
        return ready

    def _look(self) -> tuple[int | None, Postmaster | None]:
        """The lock of a keeper, if none lives, and the living server, if one does. Waits while a server stops, or a keeper has not yet
        noticed that its server died."""
        end = time.monotonic() + _STOPPING_S
        while time.monotonic() < end:
            keeper = try_lock(self._folder.root / "keeper.lock")
            found = self._folder.postmaster()
            if found and not found.is_alive(self._folder.cluster):
                found = None
            if (keeper is not None or found) and not (found and found.status == "stopping"):
                return keeper, found
            if keeper is not None:
                os.close(keeper)
            time.sleep(_POLL_S)
        raise EmbeddedError("a server in this data folder neither runs nor stops", details=self._folder.last_words(0))

    def _server_command(self) -> list[str]:
        """Prepares the folder for a new server: the account's ids, program and arguments, as the keeper takes them."""
        folder = self._folder
        bin_dir = readable_by(folder.account, self._found.bin_dir, folder.root / "programs")
        # A restarted server comes back where those who lost it look for it, whatever TMPDIR is here.
        place = folder.socket_dir(Path(self._address.socket_dir) if self._address else None)
        folder.clear_leftovers(place)
        if folder.version() is None:
            folder.make_cluster(Found(bin_dir, self._found.major), durable=self._durable)
        uid = folder.account.uid if folder.account.drop else -1
        arguments = _arguments(folder.cluster, place, durable=self._durable)
        return [str(uid), str(folder.account.gid), str(bin_dir / "postgres"), *arguments]

    def _spawn_keeper(self, keeper: int, command: Sequence[str]) -> None:
        users = open_lock(self._folder.root / "users.lock")  # a lock of its own: ours is shared
        log = os.open(self._folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            # Neither our output (a reader of our pipe would wait for the server's end) nor our terminal's signals.
            subprocess.run(
                [sys.executable, "-I", "-S", str(_KEEPER), str(users), str(keeper), *command],
                pass_fds=(users, keeper), cwd="/", env=clean_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, check=True,
            )  # fmt: skip
        except subprocess.CalledProcessError as exc:
            raise EmbeddedError("the embedded server could not be started", details=self._folder.last_words(0)) from exc
        finally:
            os.close(users)
            os.close(log)

    def _await_ready(self) -> Postmaster | None:
        """The server, once it lives and postmaster.pid says so; None when it has gone, and its keeper with it."""
        end = time.monotonic() + _STARTING_S
        while time.monotonic() < end:
            found = self._folder.postmaster()
            if found and found.status == "ready" and found.is_alive(self._folder.cluster):
                return found
            keeper = try_lock(self._folder.root / "keeper.lock")
            if keeper is not None:
                os.close(keeper)
                return None
            time.sleep(_POLL_S)
        return None

    def _create_database(self) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as conn:
            if conn.execute("select from pg_catalog.pg_database where datname = %s", [DATABASE]).rowcount == 0:
                conn.execute(f"create database {DATABASE}")


def _arguments(cluster: Path, socket_dir: Path, *, durable: bool) -> list[str]:
    settings = {
        "port": str(PORT),
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket_dir}"',
        "unix_socket_permissions": "0700",
        "cluster_name": DATABASE,
    }
    if not durable:
        # Tests meet each plan once or twice: to compile one would take longer than all that it does.
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB", "jit": "off"}
        settings["max_connections"] = "300"  # several workers share it
    return ["-D", str(cluster), *(f"--{name}={value}" for name, value in settings.items())]
