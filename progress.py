"""Progress and logs on the terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self, TextIO, cast

import structlog
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.rows import Row
from pgsluice.poller.tally import Tally
from pgsluice.terminal import ERR, note

LOOK: Final = 0.3  # seconds between two looks at a sync that somebody else reads


def configure_logs(log_format: str, level: int = logging.INFO) -> None:
    """One line an event on standard error, for people or as JSON."""
    # Said of every call in a pipeline that the database refuses; the refusal itself is answered.
    logging.getLogger("psycopg").addFilter(lambda record: not record.getMessage().startswith("error ignored terminating"))
    for_people = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer() if log_format == "json" else for_people,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Stderr())),
    )


class _Stderr:
    """Standard error as it is when the line is written: progress bars and tests put another one in its place."""

    def write(self, text: str) -> Any:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def counted(what: str, *, shown: bool) -> Callable[[int, int], None]:
    """How many are done, of how many: a line on standard error a second, and the last one."""
    said = [0.0]

    def step(done: int, count: int) -> None:
        if shown and count and (done == count or time.monotonic() > said[0] + 1.0):
            said[0] = time.monotonic()
            note(f"{done:,} of {count:,} {what}")

    return step


class Progress:
    """What is being read: a moving line for each sync on a terminal, elsewhere a plain line for each list that a sync begins."""

    def __init__(self, *, shown: bool) -> None:
        self._moving = shown and ERR.is_terminal
        self._plain = shown and not ERR.is_terminal
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.completed:,.0f} records"),
            TimeElapsedColumn(),
            console=ERR,
            disable=not self._moving,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._feeds: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def update(self, tally: Tally) -> None:
        self.show(tally.sync_id, tally.feed, tally.new + tally.changed + tally.unchanged)

    def show(self, sync_id: str, feed: str, records: int) -> None:
        if self._plain and feed and (sync_id, feed) not in self._feeds:
            note(f"{sync_id}: {feed}, {records} records so far")
            self._feeds.add((sync_id, feed))
        if self._moving:
            if sync_id not in self._tasks:
                self._tasks[sync_id] = self._bars.add_task(sync_id, total=None)
            self._bars.update(self._tasks[sync_id], description=f"{sync_id} {feed}", completed=records)


def wait_until_read(client: Client, sync_id: str, *, shown: bool) -> Row:
    """The sync, once pollers have read its account in full. Raises what stopped it; SL001 if it is paused or deleted meanwhile."""
    if not _pollers(client):
        note("no poller runs yet; start one: pgsluice up")
    with Progress(shown=shown) as progress:
        while (row := client.sync_info(sync_id))["backfill_completed_at"] is None:
            if row["status"] == "error":
                raise make(**row["error"])
            if row["status"] == "paused" or row["provider"] == "push":
                raise make(f"sync {sync_id} is not being read", code="SL001", hint=f"pgsluice sync resume {sync_id}")
            collections = client.collections(sync_id=sync_id)
            reading = next((each["collection_id"] for each in collections if not each["backfilled"]), "")
            progress.show(sync_id, reading, sum(each["records"] for each in collections))
            time.sleep(LOOK)
    return row


def _pollers(client: Client) -> int:
    """How many run; many, where this login may not know."""
    try:
        return client.pollers_alive()
    except SluiceError:
        return 1
