"""`max_ack_pending` 1: one message at a time over all lanes, in the order of the stream."""

from __future__ import annotations

import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from isolation.sessions import Session, World, obj
from psycopg.types.json import Jsonb


@pytest.fixture
def strict(world: World) -> Session:
    one = world.set_up(lanes=16, max_ack_pending=1)
    for i in range(30):
        one.push(f"o{i}")
    return one


def test_one_at_a_time_in_the_order_of_the_stream(strict: Session) -> None:
    got = strict.drain(10, ack=True)
    assert [m.upstream_id for m in got] == [f"o{i}" for i in range(30)]


def test_after_a_nack_and_an_expiry_the_same_one_comes_again(strict: Session) -> None:
    seen: list[str] = []
    for turn in range(90):
        (message,) = strict.next(10)
        if message.deliver_count == 1:
            seen.append(message.upstream_id)
        assert message.upstream_id == seen[-1]
        assert message.deliver_count == turn % 3 + 1
        if turn % 3 == 0:
            strict.nack([message])
        elif turn % 3 == 1:
            strict.age()
        else:
            assert strict.ack([message], strict=True) == (1, [])
    assert seen == [f"o{i}" for i in range(30)]
    assert strict.next() == []


def test_a_delay_holds_up_everything_behind_it(strict: Session) -> None:
    strict.nack(strict.next(), "1 hour")
    strict.age("59 minutes")
    assert strict.next() == []
    strict.age("2 minutes")
    assert [(m.upstream_id, m.deliver_count) for m in strict.next()] == [("o0", 2)]


def test_term_and_dead_letters_go_on_with_the_next(strict: Session) -> None:
    strict.term(strict.next())
    assert [m.upstream_id for m in strict.next()] == ["o1"]


def test_changes_move_to_the_end(strict: Session) -> None:
    (first,) = strict.next()
    strict.ingest(obj("o0", "newer"), obj("o3", "newer"))
    assert strict.next() == []
    strict.ack([first])
    got = strict.drain(ack=True)
    assert [m.updated_idx for m in got] == sorted(m.updated_idx for m in got)
    assert [m.upstream_id for m in got][-2:] == ["o0", "o3"]
    assert len(got) == 30


@pytest.mark.parametrize("end", ["nack", "age"])
def test_a_record_that_changed_and_was_given_back_goes_to_the_end_too(strict: Session, end: str) -> None:
    """Its newest version has a place behind the others: strict order by updated_idx."""
    held = strict.next()
    strict.ingest(obj("o0", "newer"))
    strict.nack(held) if end == "nack" else strict.age()
    got = strict.drain(ack=True)
    assert [m.updated_idx for m in got] == sorted(m.updated_idx for m in got)
    assert got[-1].upstream_id == "o0"
    assert len(got) == 30


def test_strict_after_a_seek(strict: Session) -> None:
    strict.drain(ack=True)
    strict.seek("start")
    assert [m.upstream_id for m in strict.drain(ack=True)] == [f"o{i}" for i in range(30)]


def test_strict_with_a_filter(strict: Session) -> None:
    strict.rows("select consumer_update('c', filter => %s)", Jsonb({"where": '$.of like_regex "[05]$"'}))
    assert [m.upstream_id for m in strict.drain(ack=True)] == ["o0", "o5", "o10", "o15", "o20", "o25"]


@pytest.mark.parametrize("seed", range(3))
def test_strict_under_many_workers_and_writers(world: World, seed: int) -> None:
    """The order in which acknowledged positions pass never goes back, whoever works."""
    one = world.set_up(lanes=16, max_ack_pending=1)
    done: list[int] = []
    guard = threading.Lock()

    def write(n: int) -> None:
        chance, session = random.Random(f"{seed}-{n}"), world.session()
        for turn in range(40):
            session.ingest(*(obj(f"w{n}-{chance.randrange(12)}", f"{n}-{turn}") for _ in range(2)))

    def work(n: int) -> None:
        chance, session = random.Random(f"{seed}-{n}"), world.session()
        for _ in range(150):
            for message in session.next(5):
                if chance.random() < 0.2:
                    session.nack([message])
                    continue
                with guard:
                    done.append(message.updated_idx)
                assert session.ack([message], strict=True) == (1, [])

    with ThreadPoolExecutor(6) as pool:
        for job in [pool.submit(write, n) for n in range(2)] + [pool.submit(work, 10 + n) for n in range(4)]:
            job.result(60)
    done += [m.updated_idx for m in one.drain(ack=True)]
    wrong = [(before, after) for before, after in itertools.pairwise(done) if after <= before]
    assert wrong == []
    assert set(done) >= {r.updated_idx for r in one.records().values()}


@pytest.mark.parametrize("kept", ["$ ? (@ < 2)", "$ == 0"])
def test_strict_where_the_first_is_filtered(world: World, kept: str) -> None:
    """Its lane has nothing to give, and the one behind it by number does not come next for that."""
    one = world.set_up(lanes=16, max_ack_pending=1, filter=Jsonb({"where": kept}))
    one.ingest({"upstream_id": "gone", "deleted": True}, *(obj(f"o{i}", i % 3) for i in range(40)))
    got = one.drain(ack=True)
    assert [m.updated_idx for m in got] == sorted(m.updated_idx for m in got)
    assert len(got) == (27 if "<" in kept else 14)
