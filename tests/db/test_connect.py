from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgsluice.db.connect import complete, connect, connect_async, describe, forget_plans, retry_while_away, retry_while_away_async, waits
from pgsluice.db.errors import DatabaseUnavailable, SettingsInvalid, SluiceError, make


def test_an_ordinary_connection(db: str) -> None:
    with connect(db) as conn:
        assert conn.autocommit
        assert conn.execute("show application_name").fetchone() == ("pgsluice",)
    with connect(make_conninfo(db, application_name="mine")) as conn:
        assert conn.execute("show application_name").fetchone() == ("mine",)


def test_an_ordinary_async_connection(db: str) -> None:
    async def ask() -> object:
        async with await connect_async(db) as conn:
            return await (await conn.execute("select 1")).fetchone()

    assert asyncio.run(ask()) == (1,)


def test_given_words_win() -> None:
    assert "connect_timeout=3" in complete("host=x connect_timeout=3")
    assert "connect_timeout=10" in complete("host=x")


@pytest.mark.parametrize(
    ("conninfo", "words"),
    [
        ("postgresql://me:sesame@db.example:5433/shop", "database shop on db.example:5433"),
        ("dbname=shop password=sesame", "database shop on the local socket"),
        ("user=me", "database me on the local socket"),
        ("", "database default on the local socket"),
    ],
)
def test_describe_never_tells_the_password(conninfo: str, words: str) -> None:
    assert describe(conninfo) == words


@pytest.mark.parametrize("conninfo", ["host=x pasword=sesame", "postgresql://me:sesame@[broken/", "sesame"])
def test_a_broken_connection_string(conninfo: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        connect(conninfo)
    assert "sesame" not in str(caught.value.as_dict())
    assert caught.value.__cause__ is None
    assert caught.value.hint


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        connect(f"host={tmp_path} user=me password=sesame dbname=x")
    assert "sesame" not in str(caught.value.as_dict())
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(connect_async("host=127.0.0.1 port=1 user=me dbname=x"))


@pytest.mark.parametrize("words", [{"dbname": "unheard_of"}, {"user": "unheard_of"}])
def test_a_refused_login_is_a_wrong_setting(db: str, words: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        connect(make_conninfo(db, **words))
    assert "unheard_of" in caught.value.message


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_waits_double_and_end_with_the_window() -> None:
    clock = Clock()
    for seconds in waits(30, clock=clock, jitter=lambda: 1.0):
        clock.sleep(seconds)
    assert clock.slept[:7] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0])
    assert sum(clock.slept) == pytest.approx(30)
    assert next(waits(30, clock=clock, jitter=lambda: 0.0)) == pytest.approx(0.05)


def failing(times: int, error: SluiceError) -> Iterator[int]:
    for _ in range(times):
        yield 0
        raise error


def away() -> SluiceError:
    return make("gone", code="SL401")


def test_it_comes_back() -> None:
    clock, told = Clock(), []
    attempts = iter([away(), away(), "back"])

    def action() -> str:
        result = next(attempts)
        if isinstance(result, SluiceError):
            raise result
        return result

    answer = retry_while_away(action, window=60, on_wait=lambda error, seconds: told.append(error.code), clock=clock, sleep=clock.sleep)
    assert (answer, told, len(clock.slept)) == ("back", ["SL401", "SL401"], 2)


def test_it_stays_away() -> None:
    clock = Clock()

    def action() -> None:
        raise away()

    with pytest.raises(DatabaseUnavailable):
        retry_while_away(action, window=60, clock=clock, sleep=clock.sleep)
    assert sum(clock.slept) == pytest.approx(60)


def test_other_errors_are_not_waited_for() -> None:
    clock = Clock()

    def action() -> None:
        raise make("wrong password", code="SL406")

    with pytest.raises(SettingsInvalid):
        retry_while_away(action, window=60, clock=clock, sleep=clock.sleep)
    assert clock.slept == []


def test_the_same_for_asyncio() -> None:
    clock = Clock()
    attempts = iter([away(), "back"])

    async def action() -> str:
        result = next(attempts)
        if isinstance(result, SluiceError):
            raise result
        return result

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    assert asyncio.run(retry_while_away_async(action, window=60, clock=clock, sleep=sleep)) == "back"


def test_a_stale_plan_is_told_apart(db: str) -> None:
    with connect(db) as conn, connect(db) as other:
        conn.execute("create table public.plans (n int)")
        conn.execute("select * from public.plans", prepare=True)
        other.execute("alter table public.plans add m int")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            conn.execute("select * from public.plans", prepare=True)
        assert forget_plans(conn, caught.value)
        assert conn.prepare_threshold is None
        with pytest.raises(psycopg.Error) as other_error:
            conn.execute("select 1 / 0")
        assert not forget_plans(conn, other_error.value)
