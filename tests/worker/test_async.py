"""The same promises for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from isolation.sessions import until
from worker.desk import Desk, said_to

from pgsluice.db import taking
from pgsluice.db.aclient import AsyncClient
from pgsluice.db.aconsume import AsyncConsume
from pgsluice.db.errors import NotFound
from pgsluice.db.messages import Message

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(db: str) -> AsyncIterator[AsyncClient]:
    async with await AsyncClient.connect(db) as made:
        yield made


async def until_async(look, what: str) -> None:
    await asyncio.to_thread(until, look, what)


async def test_the_functions(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    a, b, c = (row["ack_token"] for row in await client.consumer_next("c"))
    assert (await client.consumer_info("c"))["num_ack_pending"] == 3
    assert await client.consumer_ack("c", [a]) == {"accepted": 1, "rejected": []}
    assert await client.consumer_nack("c", [b], delay="1 hour") == {"accepted": 1, "rejected": []}
    assert await client.consumer_extend("c", [c, a]) == {"accepted": 1, "rejected": [a]}
    assert await client.consumer_term("c", [c], "no") == {"accepted": 1, "rejected": []}
    assert list(desk.out()) == ["b"]


async def test_what_the_loop_went_on_from_is_acknowledged(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", "b", "c")
    assert sorted([message.upstream_id async for message in client.consume("c", once=True)]) == ["a", "b", "c"]
    assert desk.out() == {}


async def test_break_gives_back(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    async for message in client.consume("c"):
        if message.upstream_id == "b":
            break
    await until_async(lambda: {name: row.leased for name, row in desk.out().items()} == {"b": False, "c": False}, "given back")
    assert {row["upstream_id"] for row in await client.consumer_next("c")} == {"b", "c"}


async def fail_inside_with(messages: AsyncConsume, upstream_id: str) -> None:
    async with messages:
        async for message in messages:
            if message.upstream_id == upstream_id:
                raise ZeroDivisionError


@pytest.mark.usefixtures("hundredfold")
async def test_an_exception_inside_with_delays_the_message_at_hand_alone(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    with pytest.raises(ZeroDivisionError):
        await fail_inside_with(client.consume("c"), "b")
    assert set(desk.out()) == {"b", "c"}
    assert desk.delay("c") <= 0
    assert 40 < desk.delay("b") <= 100


async def test_a_cancelled_task_gives_back(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", lanes=1)
    at_hand = asyncio.Event()

    async def handle(_: Message) -> None:
        at_hand.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(client.run("c", handle, signals=False))
    await at_hand.wait()
    assert desk.out()["a"].leased
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not desk.out()["a"].leased
    assert desk.delay("a") <= 0


async def test_a_task_cancelled_while_it_waits(desk: Desk, client: AsyncClient) -> None:
    session = desk.set_up()
    task = asyncio.create_task(client.run("c", print, signals=False))
    await asyncio.to_thread(desk.until_waiting)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    session.push("a")
    assert session.ids() == ["a"]


async def test_run_with_workers_side_by_side(desk: Desk, client: AsyncClient, said: list) -> None:
    desk.set_up(*(f"o{n}" for n in range(12)))
    together = asyncio.Barrier(4)
    done: list[str] = []

    async def handle(message: Message) -> None:
        async with asyncio.timeout(20):
            await together.wait()
        if message.upstream_id == "o5":
            raise ValueError("not today")
        done.append(message.upstream_id)

    await client.run("c", handle, workers=4, batch_size=3, once=True, say=said_to(said))
    assert sorted(done) == sorted(f"o{n}" for n in range(12) if n != 5)
    assert [facts["upstream_id"] for _, facts in said] == ["o5"]
    assert list(desk.out()) == ["o5"]


async def test_stop_while_it_waits_and_while_it_works(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a", "b", lanes=1)
    stop = asyncio.Event()
    async for message in client.consume("c", stop=stop):
        assert message.upstream_id == "a"
        stop.set()
    await until_async(lambda: {name: row.leased for name, row in desk.out().items()} == {"b": False}, "the rest")
    stop = asyncio.Event()
    task = asyncio.create_task(client.run("c", lambda _: asyncio.sleep(0), stop=stop))
    await asyncio.to_thread(desk.until_waiting)
    stop.set()
    async with asyncio.timeout(10):
        await task
    assert desk.out() == {}


async def test_transactions(desk: Desk, client: AsyncClient, said: list) -> None:
    session = desk.set_up("a", "b", "d", "c", lanes=1)
    desk.look.rows("create table public.effects (upstream_id text)")

    async def handle(message: Message) -> None:
        await message.conn.execute("insert into public.effects values (%s)", [message.upstream_id])
        if message.upstream_id == "a":
            raise ValueError
        if message.upstream_id == "b":
            message.nack(60)
        if message.upstream_id == "c":
            session.age()
            assert "c" in {other.upstream_id for other in session.drain()}

    await client.run("c", handle, transaction=True, batch_size=1, once=True, say=said_to(said))
    assert [row[0] for row in desk.look.rows("select upstream_id from public.effects")] == ["d"]
    assert ("lost a message", "c") in [(event, facts["upstream_id"]) for event, facts in said]


async def test_break_in_a_transaction_rolls_back(desk: Desk, client: AsyncClient) -> None:
    desk.set_up("a")
    desk.look.rows("create table public.effects (upstream_id text)")
    async with client.consume("c", transaction=True) as messages:
        async for message in messages:
            await message.conn.execute("insert into public.effects values ('a')")
            break
    assert desk.look.rows("select upstream_id from public.effects") == []
    assert not desk.out()["a"].leased


async def test_a_consumer_that_is_not_there(desk: Desk, client: AsyncClient) -> None:
    desk.set_up()
    with pytest.raises(NotFound):
        await client.run("d", print)


async def test_what_failed_here_wakes_the_slot_that_waits(desk: Desk, client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session is not notified of what it does itself."""
    monkeypatch.setattr(taking, "LOOK_AGAIN", 600.0)
    desk.set_up("a")
    stop = asyncio.Event()
    counts: list[int] = []

    async def handle(message: Message) -> None:
        counts.append(message.deliver_count)
        if message.deliver_count == 1:
            await asyncio.to_thread(desk.until_waiting)
            raise ValueError
        stop.set()

    async with asyncio.timeout(30):
        await client.run("c", handle, workers=2, stop=stop)
    assert counts == [1, 2]
