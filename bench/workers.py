"""Workers are processes of their own, so that Python's lock is nobody's limit. They keep their connections, and so their plans, from slice
to slice, like a worker in real life.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from typing import Any

from pgsluice.bench.engines import ENGINES
from pgsluice.bench.engines.base import Connection, Steps

LONG = 5.0
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Job:
    """What one worker does from `start` on, until the time is over, nothing is left, or it has moved `most` messages."""

    engine: str
    conninfo: str
    action: str  # consume, produce, both in one loop; commit: produce one message every 10 ms; wait: for messages to come
    queue: str  # to consume: one, or several that are read one after the other, each to its end or `most`
    batch: int
    mode: str = ""
    seconds: float = 1.0
    first: int = 0  # number of the first message that it makes
    most: int = 1 << 60  # messages of one queue
    again: bool = False  # produce what was produced before, in a round that is not measured
    start: float = 0.0


@dataclass
class Done:
    """What came of it. A cycle is one call, or the calls of one mode; `times` are the cycles' ends after the start, in seconds. Of `commit`
    and `wait`, `counts` are the numbers of the messages.
    """

    messages: int
    took: float
    counts: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def both(produced: Steps, consumed: Steps) -> Steps:
    for _ in produced:
        yield next(consumed)


def drain(job: Job, conn: Connection) -> Steps:
    for queue in job.queue.split(","):
        left = job.most
        for count in ENGINES[job.engine].consume(conn, queue, job.batch, job.mode):
            yield count
            left -= count
            if left <= 0 or not count:
                break


def paced(produced: Steps, start: float, first: int) -> Steps:
    """One every 10 ms; answers its number instead of a count."""
    for turn, _ in enumerate(produced):
        yield first + turn
        time.sleep(max(0.0, start + (turn + 1) * 0.01 - time.monotonic()))


def _made(job: Job) -> Iterable[Any]:
    # As many as the fastest could take in the time.
    count = int(min(job.most, job.seconds * (60_000 if job.batch > 1 else 6_000)) // job.batch) + 1
    made = ENGINES[job.engine].payloads(job.batch, count, job.first)
    # Made before the clock runs. A long run makes them as it goes, a few microseconds each.
    return made if job.seconds > LONG else list(made)


def _steps(job: Job, conn: Connection) -> Steps:
    engine = ENGINES[job.engine]
    if job.action == "consume":
        return drain(job, conn)
    if job.action == "wait":
        return (number for numbers in engine.wait(conn, job.queue) for number in numbers or [-1])
    made = _made(job)
    if job.again:
        for _ in engine.produce(conn, job.queue, made):
            pass
    produced = engine.produce(conn, job.queue, made)
    if job.action == "commit":
        return paced(produced, time.monotonic(), job.first)
    return produced if job.action == "produce" else both(produced, engine.consume(conn, job.queue, job.batch, job.mode))


def _run(steps: Steps, job: Job) -> Done:
    done = Done(0, 0.0)
    time.sleep(max(0.0, job.start - time.monotonic()))
    start, now = job.start, time.monotonic()
    for count in steps:
        now = time.monotonic()
        done.counts.append(count)
        done.times.append(now - start)
        done.messages += count
        if now - start >= job.seconds or (done.messages >= job.most and job.action == "produce"):
            break
    done.took = now - start
    return done


def _serve(pipe: Pipe) -> None:
    connections: dict[tuple[str, str], Connection] = {}
    while (job := pipe.recv()) is not None:
        key = (job.engine, job.conninfo)
        if key not in connections:
            connections[key] = ENGINES[job.engine].connect(job.conninfo)
        steps = _steps(job, connections[key])
        pipe.send(None)  # ready
        pipe.send(_run(steps, pipe.recv()))
    for conn in connections.values():
        conn.close()


class Pool:
    """So many worker processes."""

    def __init__(self, size: int) -> None:
        pairs = [_SPAWN.Pipe() for _ in range(size)]
        self._pipes: list[Pipe] = [mine for mine, _ in pairs]
        self._processes: list[SpawnProcess] = [_SPAWN.Process(target=_serve, args=(theirs,), daemon=True) for _, theirs in pairs]
        for process in self._processes:
            process.start()
        for _, theirs in pairs:
            theirs.close()  # so that a worker's death ends our waiting for it

    def run(self, jobs: Sequence[Job]) -> list[Done]:
        """All at once, from the same moment, when all are ready. Raises EOFError if a worker died: its words are on standard error."""
        pipes = self._pipes[: len(jobs)]
        for pipe, job in zip(pipes, jobs, strict=True):
            pipe.send(job)
        for pipe in pipes:
            pipe.recv()
        start = time.monotonic() + 0.01
        for pipe, job in zip(pipes, jobs, strict=True):
            pipe.send(replace(job, start=start))
        return [pipe.recv() for pipe in pipes]

    def forget(self) -> None:
        """Ends the workers and their connections."""
        for pipe in self._pipes:
            pipe.send(None)
        self.close()

    def close(self) -> None:
        for process in self._processes:
            process.join(2)
            if process.is_alive():
                process.terminate()
                process.join(5)


@contextmanager
def pool(size: int) -> Iterator[Pool]:
    """Ended whatever happens: by word when all is well, by signal otherwise."""
    workers = Pool(size)
    try:
        yield workers
        workers.forget()
    finally:
        workers.close()


def rate(done: Sequence[Done]) -> float:
    """Messages a second, until the last one was done."""
    return sum(d.messages for d in done) / max(1e-9, *(d.took for d in done))
