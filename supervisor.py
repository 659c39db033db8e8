"""`pgsluice up`: database, migrations, poller and HTTP in one process, kept running until a signal ends it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from pgsluice.db import embedded
from pgsluice.db.connect import waits
from pgsluice.db.embedded import Server
from pgsluice.db.embedded_folder import disk_errors, open_folder
from pgsluice.db.errors import AlreadyRunning, DatabaseUnavailable, SluiceError

if TYPE_CHECKING:  # half of what a command imports, and most need neither
    from pgsluice.poller.loop import Poller
    from pgsluice.server.run import Server as HttpServer

WATCH: Final = 0.5
# A poller that ran for so many seconds was sound; the pauses between restarts begin anew.
SOUND: Final = 60.0
LONGEST_PAUSE: Final = 30.0
# What is left of the ten seconds in which SIGTERM ends everything, once the poller is gone.
SERVER_STOP: Final = 3.0

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.up")


@contextmanager
def the_only_one(server: Server) -> Iterator[None]:
    """Holds the lock that makes this the one `up` of a data folder; the kernel frees it with the process. SL402 says who has it."""
    path = server.data_dir / "up.lock"
    with disk_errors(server.data_dir):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(lock):
            raise AlreadyRunning(
                f"pgsluice up runs on {server.data_dir} already",
                code="SL402",
                details=_noted(lock) or "it has only just begun",
                hint="use that one, or choose another folder with --data-dir",
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()}, database at {server.conninfo}".encode(), 0)
        yield
        os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def who_runs(data_dir: Path) -> str | None:
    """Process and address of the `up` on this folder; None if none runs."""
    try:
        lock = os.open(data_dir / "up.lock", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _taken(lock) else _noted(lock)
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _noted(lock: int) -> str:
    return os.pread(lock, 1000, 0).decode(errors="replace").strip()


async def run(make_poller: Callable[[], Poller], server: Server | None, http: HttpServer) -> None:
    """Keeps a poller and HTTP running, and the embedded server under them, until SIGTERM or SIGINT.

    A database that is away is waited for without end; a poller that dies of a mistake is started again, after longer and longer pauses.
    Raises what no waiting mends: a login that is refused, a schema that is not there, a port that is taken.
    """
    stopping = asyncio.Event()
    current: list[Poller] = []

    def stop() -> None:
        stopping.set()
        http.stop()
        for poller in current:
            poller.stop()

    with _handled(stop):
        await http.start()
        log.info("http ready", address=http.address)
        serving = asyncio.create_task(http.serve())
        guard = asyncio.create_task(_guard(server, stopping)) if server is not None else None
        pauses = _pauses()
        while not stopping.is_set():
            current[:] = [make_poller()]
            begun = time.monotonic()
            try:
                await current[0].run()
            except DatabaseUnavailable as exc:
                log.warning("database away", error=exc.message)
            except SluiceError:
                stop()
                await serving
                raise
            except Exception as exc:
                if time.monotonic() - begun > SOUND:
                    pauses = _pauses()
                pause = next(pauses)
                facts = {"error": type(exc).__name__, "again_in": round(pause, 1)}
                log.error("the poller died", **facts, exc_info=_wanted(exc))  # noqa: TRY400  the trace is for who asks for it
                await _at_most(pause, stopping)
        http.stop()
        await serving
        if guard is not None:
            await guard


def _pauses() -> Iterator[float]:
    return waits(float("inf"), longest=LONGEST_PAUSE)


def _wanted(exc: Exception) -> Exception | None:
    return exc if os.environ.get("PGSLUICE_TRACEBACK") else None


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def serve_until_signal(http: HttpServer, started: Callable[[], None]) -> None:
    """HTTP alone, ended by SIGTERM or SIGINT; `started` is called once it listens. SL403."""
    with _handled(http.stop):
        await http.start()
        started()
        await http.serve()


async def run_until_signal(poller: Poller, *, once: bool) -> None:
    """A poller alone, ended by SIGTERM or SIGINT after the page at hand."""
    with _handled(poller.stop):
        await (poller.run_once() if once else poller.run())


@contextmanager
def _handled(stop: Callable[[], None]) -> Iterator[None]:
    """Calls `stop` on SIGTERM and SIGINT, in the running event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _guard(server: Server, stopping: asyncio.Event) -> None:
    """Brings a killed server back."""
    while not stopping.is_set():
        if not await asyncio.to_thread(server.is_alive):
            log.warning("the embedded Postgres is gone, starting it again")
            try:
                await asyncio.to_thread(server.restart)
                log.info("the embedded Postgres runs again", pid=server.pid)
            except SluiceError as exc:
                log.error("the embedded Postgres does not start", **exc.as_dict())  # noqa: TRY400  a traceback would say no more
        await _at_most(WATCH, stopping)


def stop_server(server: Server) -> bool:
    """Lets go of the server and waits until it is gone; false if it goes on, because somebody else uses it."""
    server.close()
    folder = open_folder(server.data_dir)
    end = time.monotonic() + SERVER_STOP
    while not embedded.wait_until_stopped(server.data_dir, timeout_s=0.5):
        postmaster = folder.postmaster()
        if time.monotonic() > end or (postmaster is not None and postmaster.status == "ready"):
            return False
    return True
