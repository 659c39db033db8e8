"""Calls of the database that many turns make at the same moment, made as one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Together(Generic[Item, Answer]):
    """Collects what is asked within `pause` seconds and asks it in one call, `most` items at most, each with its own answer.

    `call` answers in the order of the items. What it raises, each of them raises. A call that is under way is not torn where one of those
    who wait for it is cancelled.
    """

    def __init__(self, call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], *, pause: float, most: int = 100) -> None:
        self._call = call
        self._pause = pause
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._calls: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if len(self._waiting) == 1:
            task = asyncio.ensure_future(self._answer())
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        return await answer

    async def _answer(self) -> None:
        await asyncio.sleep(self._pause)
        while self._waiting:
            asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                answers = await self._call([item for item, _ in asked])
            except BaseException as exc:
                _fail([answer for _, answer in asked], exc)
                if not isinstance(exc, Exception):
                    raise
                continue
            for (_, answer), said in zip(asked, answers, strict=True):
                if not answer.done():
                    answer.set_result(said)


def _fail(answers: Sequence[asyncio.Future[Answer]], exc: BaseException) -> None:
    for answer in answers:
        if answer.done():
            continue
        if isinstance(exc, Exception):
            answer.set_exception(exc)
        else:
            answer.cancel()
