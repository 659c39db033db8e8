from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pgsluice.poller.together import Together


def test_what_is_asked_at_one_moment_is_one_call() -> None:
    calls: list[list[int]] = []

    async def call(items: Sequence[int]) -> list[int]:
        calls.append(list(items))
        return [10 * item for item in items]

    async def main() -> list[int]:
        many = Together(call, pause=0.0, most=3)
        first = await asyncio.gather(*(many.ask(item) for item in range(5)))
        return [*first, await many.ask(5)]

    assert asyncio.run(main()) == [0, 10, 20, 30, 40, 50]
    assert calls == [[0, 1, 2], [3, 4], [5]]


def test_an_error_is_everybodys_and_the_next_call_is_made_all_the_same() -> None:
    async def call(items: Sequence[int]) -> list[int]:
        if 0 in items:
            raise LookupError
        return list(items)

    async def main() -> list[int | BaseException]:
        many = Together(call, pause=0.0, most=2)
        return await asyncio.gather(*(many.ask(item) for item in range(4)), return_exceptions=True)

    one, two, *rest = asyncio.run(main())
    assert isinstance(one, LookupError)
    assert isinstance(two, LookupError)
    assert rest == [2, 3]


def test_one_who_gives_up_tears_nobody_elses_call() -> None:
    under_way = asyncio.Event()

    async def call(items: Sequence[int]) -> list[int]:
        under_way.set()
        await asyncio.sleep(0.01)
        return list(items)

    async def main() -> int:
        many = Together(call, pause=0.0)
        impatient, patient = asyncio.ensure_future(many.ask(1)), asyncio.ensure_future(many.ask(2))
        await under_way.wait()
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        return await patient

    assert asyncio.run(main()) == 2
