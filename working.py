"""`pgsluice consumer run`: a program of the user's as the worker of a consumer, one process a message."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import IO, Any, Final

import click
import structlog

from pgsluice import terminal
from pgsluice.calling import POSITIVE_SECONDS, Number, Seconds, json_option
from pgsluice.db.aconsume import AsyncConsume
from pgsluice.db.errors import SluiceError, make
from pgsluice.db.messages import LONGEST_REASON, Message
from pgsluice.db.taking import names
from pgsluice.db.waiting import first
from pgsluice.installation import Installation
from pgsluice.progress import configure_logs

# Seconds between SIGTERM and SIGKILL for a command that has to end.
KILL_AFTER: Final = 5.0
# Seconds between two looks at whether a command has to end.
LOOK: Final = 0.2
FOREVER: Final = 1e9
# How long what the command left running may keep its output open.
TAIL: Final = 1.0
CHUNK: Final = 65536
# What a handler of records has no use for, and must not leak.
SECRETS: Final = {"PGSLUICE_MASTER_KEY", "PGSLUICE_BOOTSTRAP_TOKEN"}

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.consumer")


class Command:
    """Runs the program for a message and decides by its exit status."""

    def __init__(self, consumer_id: str, argv: tuple[str, ...], *, timeout: float | None, grace: float, term_status: int) -> None:
        self._consumer_id = consumer_id
        self._argv = argv
        self._timeout = timeout
        self._grace = grace
        self._term_status = term_status
        self._asked = False
        self.tally: Counter[str] = Counter()
        self.error: SluiceError | None = None
        self.stopping: Callable[[], asyncio.Event]

    async def run(self, messages: AsyncConsume, workers: int) -> None:
        self.stopping = lambda: messages.stopping
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal, messages)
        try:
            await messages.run(self, workers=workers)
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)
        if self.error is not None:
            raise self.error

    def _on_signal(self, messages: AsyncConsume) -> None:
        if self._asked:
            self._grace = 0.0
        self._asked = True
        messages.stop()

    async def __call__(self, message: Message) -> None:
        begun = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                lambda: _Protocol(CHUNK, loop),
                *self._argv,
                env=self._environment(message),
                # Ctrl-C is for us: the command finishes its message.
                start_new_session=True,
            )
        except OSError as exc:
            # No fault of the message's: the next one would fare the same.
            words = exc.strerror or "the system refused"
            self.error = make(f"{self._argv[0]} cannot be run: {words}", code="SL406", hint="name a program after --")
            message.nack(0)
            self.stopping().set()
            return
        process = asyncio.subprocess.Process(transport, protocol, loop)
        try:
            why, last_line = await self._talk(process, protocol.exited, message)
        finally:
            if process.returncode is None:
                _signal(process, signal.SIGKILL)
            transport.close()
        self._decide(message, process.returncode or 0, why, last_line, time.monotonic() - begun)

    def _environment(self, message: Message) -> dict[str, str]:
        facts = ("sync_id", "collection_id", "upstream_id", "updated_idx", "deliver_count")
        return {
            **{name: value for name, value in os.environ.items() if name not in SECRETS},
            "PGSLUICE_CONSUMER_ID": self._consumer_id,
            **{f"PGSLUICE_{name.upper()}": str(message[name]) for name in facts},
            "PGSLUICE_DELETED": "true" if message.deleted else "false",
        }

    async def _talk(self, process: asyncio.subprocess.Process, exited: asyncio.Event, message: Message) -> tuple[str | None, str]:
        """Until it has ended: why it had to, and the last line of its standard error."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        document = f"{terminal.message(message.row)['record']}\n".encode()
        feeding = asyncio.create_task(_feed(process.stdin, document))
        out, err = _PassedOn(sys.stdout), _PassedOn(sys.stderr)
        passing = [asyncio.create_task(out.read(process.stdout)), asyncio.create_task(err.read(process.stderr))]
        try:
            why = await self._ended(process, exited, message)
            await asyncio.wait(passing, timeout=TAIL)
        finally:
            for task in (feeding, *passing):
                task.cancel()
            await asyncio.gather(feeding, *passing, return_exceptions=True)
        return why, err.last_line

    async def _ended(self, process: asyncio.subprocess.Process, exited: asyncio.Event, message: Message) -> str | None:
        """Waits for its end, and brings it about where it must be; answers why."""
        must = asyncio.Event()
        watching = asyncio.ensure_future(self._must_end(message))
        watching.add_done_callback(lambda _: must.set())
        try:
            await first(FOREVER, exited, must)
            if exited.is_set():
                return None
            _signal(process, signal.SIGTERM)
            await first(KILL_AFTER, exited)
            # Whatever it started as well.
            _signal(process, signal.SIGKILL)
            await exited.wait()
            return watching.result()
        finally:
            watching.cancel()

    async def _must_end(self, message: Message) -> str:
        begun = time.monotonic()
        stopped: float | None = None
        while True:
            now = time.monotonic()
            if self.stopping().is_set() and stopped is None:
                stopped = now
            if message.lost:
                return "lost"
            if self._timeout is not None and now - begun >= self._timeout:
                return "timed out"
            if stopped is not None and now - stopped >= self._grace:
                return "given back"
            await asyncio.sleep(LOOK)

    def _decide(self, message: Message, status: int, why: str | None, last_line: str, seconds: float) -> None:
        facts = {"consumer_id": self._consumer_id, **names(message), "status": status, "seconds": round(seconds, 3)}
        if why in {"lost", "given back"}:
            outcome = str(why)
            message.nack(0)
        elif why is None and status == 0:
            outcome = "acked"
            message.ack()
        elif why is None and status == self._term_status:
            outcome = "terminated"
            facts["reason"] = last_line.replace("\0", "").encode()[:LONGEST_REASON].decode(errors="ignore")
            message.term(facts["reason"] or None)
        else:
            outcome = why or "failed"
            facts["error"] = last_line
            message.nack()
        self.tally[outcome] += 1
        (log.info if outcome == "acked" else log.warning)(outcome, **facts)


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Knows when the command has exited: `Process.wait` may wait for whatever else holds its output open."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


async def _feed(pipe: asyncio.StreamWriter, document: bytes) -> None:
    """Hands the document over; a command need not read it."""
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(document)
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()


class _PassedOn:
    """What a command prints, passed on in whole lines, so that those of two commands do not mix."""

    def __init__(self, to: IO[str]) -> None:
        self._to = to
        self._last = b""

    @property
    def last_line(self) -> str:
        return self._last.decode(errors="replace").strip()

    async def read(self, pipe: asyncio.StreamReader) -> None:
        rest = b""
        try:
            while chunk := await pipe.read(CHUNK):
                lines = (rest + chunk).splitlines(keepends=True)
                rest = lines.pop() if not lines[-1].endswith(b"\n") and len(lines[-1]) < CHUNK else b""
                self._pass_on(lines)
        finally:
            self._pass_on([rest + b"\n"] if rest else [])

    def _pass_on(self, lines: list[bytes]) -> None:
        _print(b"".join(lines), self._to)
        self._last = next((line for line in reversed(lines) if line.strip()), self._last)


def _print(data: bytes, to: IO[str]) -> None:
    if data:
        to.write(data.decode(errors="replace"))
        to.flush()


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    """To the command and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@click.command("run")
@click.argument("consumer_id")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--batch-size", type=Number(1, 1000), default=10, show_default=True, help="Messages that are taken at once.")
@click.option("--workers", type=Number(1, 1000), default=1, show_default=True, help="Commands that run at the same time.")
@click.option("--timeout", type=POSITIVE_SECONDS, help="Seconds that a command may take.  [no limit]")
@click.option(
    "--grace", type=Seconds(min=0, max=1e6), default=30.0, show_default=True, help="Seconds that it may still take after SIGTERM."
)
@click.option("--term-status", type=Number(1, 255), default=99, show_default=True, help="Exit status that gives a message up.")
@click.option("--once", is_flag=True, help="End when nothing is there: exit status 1 if a message failed.")
@json_option
@click.pass_context
def run(ctx: click.Context, /, *, consumer_id: str, command: tuple[str, ...], **options: Any) -> None:
    """Run COMMAND for each message, the record as JSON on its standard input: pgsluice consumer run billing -- ./handle.sh

    Exit status 0 acknowledges the message. 99 (--term-status) gives it up: a dead letter, with the last line of standard error as its
    reason. Any other gives it back, for a pause that grows with each delivery. While a command runs, its message stays leased.
    PGSLUICE_CONSUMER_ID, _SYNC_ID, _COLLECTION_ID, _UPSTREAM_ID, _UPDATED_IDX, _DELIVER_COUNT and _DELETED are in its environment.

    SIGTERM and SIGINT let commands finish, give back the rest and end; a second one ends the commands too.
    """
    if shutil.which(command[0]) is None:
        raise make(f"there is no program {command[0]}", code="SL406", hint="name one after --; for a line of shell: -- sh -c '…'")
    installation: Installation = ctx.obj
    as_json, once = options["as_json"], options["once"]
    configure_logs("json" if as_json else ctx.meta["log_format"], logging.INFO if as_json else logging.WARNING)
    worker = Command(consumer_id, command, timeout=options["timeout"], grace=options["grace"], term_status=options["term_status"])
    asyncio.run(_run(installation.conninfo, worker, consumer_id, once=once, workers=options["workers"], batch_size=options["batch_size"]))
    if as_json:
        log.info("ended", consumer_id=consumer_id, **{name.replace(" ", "_"): count for name, count in worker.tally.items()})
    else:
        terminal.note(", ".join(f"{count} {name}" for name, count in sorted(worker.tally.items())) or "no message")
    ctx.exit(1 if once and worker.tally.keys() & {"failed", "timed out"} else 0)


def _run(conninfo: str, worker: Command, consumer_id: str, *, once: bool, workers: int, batch_size: int) -> Coroutine[Any, Any, None]:
    messages = AsyncConsume(conninfo, consumer_id, batch_size=batch_size, once=once, raw_json=True, say=log.warning)
    return worker.run(messages, workers)
