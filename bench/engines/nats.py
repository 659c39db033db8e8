"""NATS JetStream, where `nats-server` is installed: a server of its own with a file store, a pull consumer, explicit acks."""

from __future__ import annotations

import asyncio
import importlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from pgsluice.bench.engines.base import Connection, Engine, Steps, body


class Session:
    """A connection and the event loop that it lives in."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = self.wait(importlib.import_module("nats").connect(url))
        self.js = self.client.jetstream()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.wait(self.client.close())
        self.loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Nats(Engine):
    name: ClassVar[str] = "nats"
    modes: ClassVar[dict[str, str]] = {"fetch": "pull and ack: a message is written out minutes after it was accepted"}

    def connect(self, conninfo: str) -> Connection:
        session: Any = Session(conninfo)
        made: Connection = session
        return made

    def prepare(self, conn: Connection, queue: str, waiting: int) -> None:
        session: Any = conn
        session.wait(self._prepare(session, queue, waiting))

    async def _prepare(self, session: Session, queue: str, waiting: int) -> None:
        with suppress(Exception):  # there is none yet
            await session.js.delete_stream(queue)
        await session.js.add_stream(name=queue, subjects=[queue], retention="workqueue")
        for n in range(waiting):
            await session.client.publish(queue, body(n).encode())
            if n % 1000 == 999:
                await session.client.flush()
        await session.client.flush()
        while (await session.js.stream_info(queue)).state.messages < waiting:
            pass  # the server answers in turn, so this waits for it

    def consume(self, conn: Connection, queue: str, batch: int, mode: str) -> Steps:  # noqa: ARG002  # it has one way
        session: Any = conn
        subscription = session.wait(session.js.pull_subscribe(queue, "worker"))

        async def cycle() -> int:
            try:
                messages = await subscription.fetch(batch, timeout=0.5)
            except TimeoutError:
                return 0
            for message in messages:
                await message.ack()
            return len(messages)

        while True:
            yield session.wait(cycle())


@contextmanager
def nats_server() -> Iterator[str | None]:
    """The address of a new server on loopback; None where there is no program."""
    program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="pgsluice-bench-nats-") as folder:
        command = [program, "-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder, "-l", f"{folder}/log"]
        process = subprocess.Popen(command)
        try:
            yield _address(Path(folder))
        finally:
            process.terminate()
            process.wait(20)


def _address(folder: Path) -> str:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for path in folder.glob("*.ports"):
            with suppress(ValueError, LookupError):
                return str(json.loads(path.read_text())["nats"][0])
        time.sleep(0.05)
    raise TimeoutError("nats-server does not say where it listens")
