"""A token names one delivery (rule 3.3): what is accepted, what is named as rejected, and that nothing else is."""

from __future__ import annotations

import random
import re
from typing import Any

import psycopg
import pytest
from isolation.sessions import Session, World, obj, refused, tokens


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


@pytest.fixture(params=["ack", "nack"])
def settle(one: Session, request: pytest.FixtureRequest) -> Any:
    return getattr(one, request.param)


def test_columns_and_names(one: Session) -> None:
    one.push("a", "b")
    first, second = tokens(one.next())
    row = one.one("select * from consumer_ack(strict => false, ack_tokens => array[%s], consumer_id => 'c')", first)
    assert (row._fields, tuple(row)) == (("accepted", "rejected"), (1, []))
    row = one.one("select * from consumer_nack(delay => '0', ack_tokens => array[%s], consumer_id => 'c')", second)
    assert (row._fields, tuple(row)) == (("accepted", "rejected"), (1, []))


def test_an_acked_message_never_comes_back(one: Session) -> None:
    one.push(*"abc")
    got = one.next()
    assert one.ack(got) == (3, [])
    one.age()
    assert one.next() == []
    assert one.in_flight() == []


def test_tokens_are_text_without_a_need_to_escape_and_all_different(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(500)))
    found = tokens(one.drain(100))
    assert len(set(found)) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_.:~-]{16,100}", t) for t in found)


def test_tokens_cannot_be_guessed_from_their_neighbours(one: Session) -> None:
    """64 random bits in each delivery: batches of one message share no long piece."""
    one.push(*(f"o{i}" for i in range(200)))
    found = [tokens(one.next(1))[0] for _ in range(200)]
    tails = {t[-8:] for t in found}
    assert len(tails) > 190
    ones = [int(c, 16).bit_count() for t in found for c in re.sub(r"[^0-9a-f]", "", t[-16:])]
    assert 1.7 < sum(ones) / len(ones) < 2.3


GARBAGE = ["", " ", "x", "0", "-1", "null", "1-1-1-1", "a" * 100_000, "'; drop table records; --", "ß☃🙂", "\n", "%", "1.1.1.ffffffffffffffff", "0x10",
           "99999999999999999999-1-1-1", "-1--1--1--1", "1" * 40, "NaN", "{}", "\u202e"]  # fmt: skip


def test_garbage(one: Session, settle: Any, subtests: pytest.Subtests) -> None:
    one.push("a")
    one.next()
    for garbage in GARBAGE:
        with subtests.test(garbage=garbage[:40]):
            assert settle([garbage]) == (0, [garbage])
            assert one.in_flight() == ["a"]


def test_a_token_altered_at_every_position(one: Session, settle: Any) -> None:
    one.push(*(f"o{i}" for i in range(30)))
    got = one.drain(7)
    token = got[11].ack_token
    forged = {token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in "0123456789abcdefABCDEF-._ xz" if c != token[i]}
    forged |= {token[:i] + token[i + 1 :] for i in range(len(token))}
    forged |= {token[:i] + c + token[i:] for i in range(len(token) + 1) for c in "0- \n"}
    forged |= {
        token.upper(),
        f" {token}",
        f"{token} ",
        f"{token}\n",
        f"0{token}",
        f"+{token}",
        token * 2,
        token[::-1],
        token.replace("-", ""),
    }
    forged |= {re.sub(r"\d+", lambda m: "0" + m[0], token), re.sub(r"\b0+\B", "", token)}
    forged -= set(tokens(got))
    accepted, rejected = settle(sorted(forged))
    assert accepted == 0
    assert sorted(rejected) == sorted(forged)
    assert len(one.in_flight()) == 30
    for fake in random.Random(1).sample(sorted(forged), 40):  # one by one takes another path
        assert settle([fake]) == (0, [fake])
    assert settle([token]) == (1, [])


def test_pieces_of_two_tokens(one: Session, settle: Any) -> None:
    one.push(*(f"o{i}" for i in range(20)))
    got = tokens(one.next(5) + one.next(5))
    mixed = {a[:i] + b[i:] for a in got for b in got if a != b for i in range(1, min(len(a), len(b)))} - set(got)
    accepted, rejected = settle(sorted(mixed))
    assert (accepted, sorted(rejected)) == (0, sorted(mixed))


def test_null_and_empty(one: Session, settle: Any) -> None:
    assert settle([]) == (0, [])
    name = settle.__name__
    with refused("SL001", "ack_tokens"):
        one.rows(f"select consumer_{name}('c', null)")
    one.push("a")
    (held,) = one.next()
    with refused("SL001", "ack_tokens"):
        one.rows(f"select consumer_{name}('c', %s)", [held.ack_token, None])
    assert one.in_flight() == ["a"]


@pytest.mark.parametrize("bounds", ["[0:2]", "[5:7]", "[-3:-1]"])
@pytest.mark.parametrize("batches", [1, 3])
def test_arrays_that_do_not_begin_at_one(world: World, bounds: str, batches: int) -> None:
    one = world.set_up(lanes=1)
    one.push("a", "b", "c")
    a, b, c = tokens(one.drain(3 // batches))
    assert tuple(one.one(f"select * from consumer_ack('c', ('{bounds}={{{a},{b},{c}}}')::text[])")) == (3, [])
    assert one.in_flight() == []


@pytest.mark.parametrize("batches", [1, 2])
def test_arrays_of_arrays(world: World, batches: int) -> None:
    """Read as one list, or refused; never half."""
    one = world.set_up(lanes=1)
    one.push("a", "b")
    a, b = tokens(one.drain(2 // batches))
    try:
        assert tuple(one.one("select * from consumer_ack('c', array[array[%s], array[%s]])", a, b)) == (2, [])
    except psycopg.Error as exc:
        assert exc.sqlstate == "SL001", exc  # noqa: PT017


def test_anothers_token(world: World, one: Session, settle: Any) -> None:
    world.consumer("d")
    one.push("a")
    (mine,) = one.next()
    (others,) = one.next(consumer="d")
    assert settle([others]) == (0, [others.ack_token])
    assert one.in_flight("d") == one.in_flight("c") == ["a"]
    assert settle([mine]) == (1, [])


def test_a_repeated_token(one: Session, settle: Any) -> None:
    one.push("a", "b")
    got = one.next()
    token = got[0].ack_token
    assert settle([token, token]) == (1, [token])
    assert settle([token]) == (0, [token])
    assert len(one.in_flight()) == 1


def test_a_whole_batch_with_one_repeated(one: Session, settle: Any) -> None:
    one.push(*"abcde")
    got = tokens(one.drain(5))
    assert settle([*got, got[2]]) == (5, [got[2]])
    assert settle(got)[0] == 0


@pytest.mark.parametrize("mix", ["reversed", "shuffled", "two batches", "interleaved", "with garbage", "halves", "one by one"])
def test_every_arrangement_of_good_tokens_is_accepted(world: World, settle: Any, one: Session, mix: str) -> None:
    one.push(*(f"o{i}" for i in range(40)))
    a, b = tokens(one.next(10)), tokens(one.next(10))
    shuffled = random.Random(7).sample(a + b, 20)
    calls = {
        "reversed": [a[::-1], b[::-1]],
        "shuffled": [shuffled],
        "two batches": [a + b],
        "interleaved": [[t for pair in zip(a, b, strict=True) for t in pair]],
        "with garbage": [["zzz", *a, "zzz", *b, ""]],
        "halves": [a[:5], b[5:], a[5:] + b[:5]],
        "one by one": [[t] for t in shuffled],
    }[mix]
    for call in calls:
        accepted, rejected = settle(call)
        good = [t for t in call if len(t) > 3]
        assert (accepted, set(rejected)) == (len(good), {t for t in call if len(t) <= 3})
    assert one.in_flight() == []
    for call in calls:
        accepted, rejected = settle(call)
        assert (accepted, set(rejected)) == (0, set(call))


@pytest.mark.parametrize("seed", range(20))
def test_small_leases_mixed_with_what_names_nothing(world: World, seed: int) -> None:
    """Tokens of many leases of one to three messages: shuffled, repeated, spent, altered, some left out."""
    chance = random.Random(seed)
    one = world.set_up(lanes=16)
    one.push(*(f"o{i}" for i in range(40)))
    spent = one.next(5)
    assert one.ack(spent) == (5, [])
    owner = {m.ack_token: m.upstream_id for m in one.next(20)}
    held = list(owner)
    assert len(held) > 10
    kept = set(chance.sample(held, chance.randint(0, 3)))
    given = [t for t in held if t not in kept]
    bad = [*tokens(spent)[: chance.randint(0, 3)], *(t[:-1] + ("0" if t[-1] != "0" else "1") for t in kept)]
    repeated = chance.sample(given, chance.randint(0, 2))
    mixed = [*given, *bad, *repeated]
    if chance.random() < 0.7:
        chance.shuffle(mixed)
    accepted, rejected = one.ack(mixed)
    assert accepted == len(given)
    # a token that stands in the call twice is good once
    assert sorted(rejected) == sorted([*bad, *repeated])
    assert one.in_flight() == sorted(owner[t] for t in kept)


def test_rejected_ones_are_named_among_accepted_ones(one: Session) -> None:
    one.push(*"abcdef")
    got = tokens(one.drain(6))
    one.ack(got[1:3])
    accepted, rejected = one.ack(got)
    assert (accepted, sorted(rejected)) == (4, sorted(got[1:3]))


def test_a_redelivered_message_has_another_token(one: Session, settle: Any) -> None:
    one.push("a")
    (old,) = one.next()
    one.age()
    (new,) = one.next()
    assert (new.upstream_id, new.deliver_count) == ("a", 2)
    assert new.ack_token != old.ack_token
    assert settle([old]) == (0, [old.ack_token])
    assert one.in_flight() == ["a"]
    assert settle([new]) == (1, [])


def test_a_late_token_is_good_while_nobody_else_holds_the_message(one: Session) -> None:
    one.push("a")
    (late,) = one.next()
    one.age()
    assert one.ack([late], strict=True) == (1, [])
    assert one.next() == []


def test_a_late_token_of_a_record_that_changed(one: Session) -> None:
    one.ingest(obj("a", 1))
    (late,) = one.next()
    one.ingest(obj("a", 2))
    one.age()
    assert one.ack([late], strict=True) == (1, [])
    assert [(m.data, m.deliver_count) for m in one.next()] == [(2, 1)]


def test_a_late_token_of_a_record_that_changed_while_others_were_redelivered(world: World) -> None:
    """Nobody holds the record: neither the version that the token names, nor the newer one, which still waits."""
    one = world.set_up(lanes=1)
    one.push("a", "b")
    (a,), (b,) = one.next(1), one.next(1)
    one.ingest(obj("a", "newer"))
    one.age()
    got = one.next(1)
    late = {"a": a, "b": b}[({"a", "b"} - {got[0].upstream_id}).pop()]
    assert one.ack([late], strict=True) == (1, [])
    rest = one.drain()
    assert [(m.upstream_id, m.data) for m in got + rest if m.upstream_id == "a"] == [("a", "newer")]


def test_a_nacked_token_is_spent(one: Session) -> None:
    one.push("a")
    (held,) = one.next()
    assert one.nack([held]) == (1, [])
    (again,) = one.next()
    assert again.deliver_count == 2
    assert one.ack([held]) == (0, [held.ack_token])
    assert one.nack([held]) == (0, [held.ack_token])
    assert one.ack([again]) == (1, [])


def test_a_token_given_back_and_not_yet_redelivered_is_settled_once(one: Session) -> None:
    one.push("a")
    (held,) = one.next()
    one.nack([held], "1 hour")
    assert one.nack([held]) == (0, [held.ack_token])
    assert one.next() == []


# ---------------------------------------------------------------- strict


@pytest.fixture
def business(one: Session) -> Session:
    one.rows("create table public.done (id text)")
    return one


def test_strict_raises_and_the_callers_writes_roll_back(business: Session) -> None:
    business.push("a")
    (old,) = business.next()
    business.age()
    (new,) = business.next()
    with refused("SL120", old.ack_token):
        business.rows("""
            with w as (insert into public.done values ('a') returning 1)
            select * from w, consumer_ack('c', array[%s], strict => true)
        """, old.ack_token)  # fmt: skip
    assert business.rows("select * from public.done") == []
    business.begin().rows("insert into public.done values ('a')")
    with refused("SL120", old.ack_token):
        business.ack([old], strict=True)
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        business.rows("select 1")
    business.rollback()
    assert business.rows("select * from public.done") == []
    assert business.ack([new], strict=True) == (1, [])


def test_strict_with_one_stale_among_good_ones_acks_none(business: Session) -> None:
    business.push(*"abc")
    got = tokens(business.drain(3))
    business.ack(got[:1])
    with refused("SL120", got[0]):
        business.ack(got, strict=True)
    assert len(business.in_flight()) == 2
    assert business.ack(got[1:], strict=True) == (2, [])


def test_strict_with_a_repeated_token(business: Session) -> None:
    business.push("a")
    (held,) = business.next()
    with refused("SL120", held.ack_token):
        business.ack([held, held], strict=True)
    assert business.in_flight() == ["a"]


def test_strict_with_nothing(business: Session) -> None:
    assert business.ack([], strict=True) == (0, [])


def test_strict_null_is_not_strict_or_refused(business: Session) -> None:
    try:
        assert tuple(business.one("select * from consumer_ack('c', array['x'], null)")) == (0, ["x"])
    except psycopg.Error as exc:
        assert exc.sqlstate in {"SL001", "SL120"}  # noqa: PT017


def test_write_and_ack_together(business: Session) -> None:
    business.push("a", "b")
    a, b = business.next()
    business.begin().rows("insert into public.done values ('a')")
    business.ack([a], strict=True)
    business.commit()
    business.begin().rows("insert into public.done values ('b')")
    business.ack([b], strict=True)
    business.rollback()
    assert business.rows("select * from public.done") == [("a",)]
    assert business.in_flight() == [b.upstream_id]
    assert business.ack([b], strict=True) == (1, [])


def test_an_ack_in_a_rolled_back_savepoint_did_not_happen(business: Session) -> None:
    business.push("a")
    (held,) = business.next()
    business.begin().rows("savepoint p")
    assert business.ack([held]) == (1, [])
    assert business.ack([held]) == (0, [held.ack_token])
    business.rows("rollback to p")
    assert business.ack([held], strict=True) == (1, [])
    business.commit()
    assert business.in_flight() == []
