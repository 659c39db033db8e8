from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World, obj, refused, tokens


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


COLUMNS = (
    "ack_token sync_id collection_id upstream_id updated_idx upstream_created_at upstream_updated_at deleted deliver_count "
    "external_id sync_metadata data"
)


def test_a_message(world: World) -> None:
    world.look.rows("select stream_create('s')")
    world.look.rows("select sync_create('s', 'push', 'y', metadata => '{\"tenant\": 7}', external_id => 'e')")
    world.consumer()
    world.look.ingest(obj("a", {"k": 1}, "2026-01-01T00:00:00Z", upstream_created_at="2025-01-01T00:00:00Z"))
    (message,) = world.look.rows("select * from consumer_next('c')")
    assert message._fields == tuple(COLUMNS.split())
    record = world.look.records()["a"]
    assert (message.sync_id, message.collection_id, message.upstream_id) == ("y", "push:o", "a")
    assert (message.updated_idx, message.upstream_created_at) == (record.updated_idx, record.upstream_created_at)
    assert (message.upstream_updated_at, message.deleted, message.data) == (record.upstream_updated_at, False, {"k": 1})
    assert (message.deliver_count, message.external_id, message.sync_metadata) == (1, "e", {"tenant": 7})
    assert len(message.ack_token) >= 16


def test_the_default_batch_is_10(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(25)))
    assert len(one.rows("select * from consumer_next('c')")) == 10
    assert len(one.rows("select * from consumer_next(consumer_id => 'c')")) == 10
    assert len(one.rows("select * from consumer_next('c')")) == 5
    assert one.rows("select * from consumer_next('c')") == []


@pytest.mark.parametrize("size", [1, 2, 7, 999, 1000])
def test_never_more_than_asked_for_and_nothing_twice(one: Session, size: int) -> None:
    one.push(*(f"o{i}" for i in range(60)))
    seen: list[str] = []
    while batch := one.ids(size):
        assert len(batch) <= size
        seen += batch
    assert sorted(seen) == sorted(f"o{i}" for i in range(60))


def test_a_full_batch_while_there_is_enough(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(2000)))
    assert [len(one.next(1000)) for _ in range(2)] == [1000, 1000]


@pytest.mark.parametrize("size", [0, -1, 1001, 1_000_000_000, -2_147_483_648, None])
def test_a_bad_batch_size_changes_nothing(one: Session, size: int | None) -> None:
    one.push("a", "b")
    (held, *_) = one.next(1)
    with refused("SL001", "batch_size"):
        one.rows("select * from consumer_next('c', %s::int, %s)", size, [held.ack_token])
    assert one.in_flight() == [held.upstream_id]
    assert one.ack([held]) == (1, [])
    assert len(one.ids()) == 1


def test_a_batch_size_beyond_int_is_an_error_too(one: Session) -> None:
    with pytest.raises(Exception, match="out of range|does not exist"):  # noqa: RUF043
        one.rows("select * from consumer_next('c', 10000000000)")


def test_tokens_of_earlier_messages_are_acked(one: Session) -> None:
    one.push("a", "b", "c")
    first = one.next(2)
    rest = one.next(5, [m.ack_token for m in first])
    assert len(rest) == 1
    assert one.in_flight() == [rest[0].upstream_id]
    assert one.next(5, [rest[0].ack_token]) == []
    one.age()
    assert one.next() == []


def test_stale_tokens_given_to_next_do_no_harm(one: Session) -> None:
    one.push("a", "b")
    (held,) = one.next(1)
    assert one.ack([held]) == (1, [])
    (other,) = one.next(1, [held.ack_token, "garbage", ""])
    assert one.in_flight() == [other.upstream_id]


def test_empty_tokens_given_to_next(one: Session) -> None:
    one.push("a")
    assert len(one.next(1, [])) == 1


def test_null_within_the_tokens_given_to_next(one: Session) -> None:
    one.push("a")
    with refused("SL001", "ack_tokens"):
        one.rows("select * from consumer_next('c', 1, array[null::text])")
    assert one.in_flight() == []


def test_ack_and_next_of_the_same_changed_record(one: Session) -> None:
    one.ingest(obj("a", 1))
    (old,) = one.next()
    one.ingest(obj("a", 2))
    assert one.next() == []
    got = one.next(5, [old.ack_token]) or one.next()
    assert [(m.data, m.deliver_count) for m in got] == [(2, 1)]


def test_each_consumer_sees_everything(world: World) -> None:
    one = world.set_up()
    for n in range(5):
        world.consumer(f"c{n}")
    one.push("a", "b", "c")
    for n in range(5):
        assert one.ids(consumer=f"c{n}") == ["a", "b", "c"]
    assert one.ids() == ["a", "b", "c"]


def test_a_consumer_sees_only_its_stream(world: World) -> None:
    one = world.set_up()
    one.rows("select stream_create('t', 1)")
    one.rows("select sync_create('t', 'push', 'z')")
    world.consumer("d", "t")
    one.push("a")
    one.push("b", sync="z")
    assert (one.ids(), one.ids(consumer="d")) == (["a"], ["b"])


def test_never_more_than_32_megabytes(one: Session) -> None:
    one.rows("""
        select record_ingest('y', 'push:o', jsonb_agg(jsonb_build_object('upstream_id', 'o' || i, 'data', repeat(chr(97 + i % 26), 4000000))))
        from generate_series(1, 20) as i
    """)
    seen: list[str] = []
    while got := one.rows("select upstream_id, length(data #>> '{}') from consumer_next('c', 1000)"):
        assert sum(size for _, size in got) <= 32 << 20
        seen += [name for name, _ in got]
    assert sorted(seen) == sorted(f"o{i}" for i in range(1, 21))


def test_never_more_than_32_megabytes_from_several_lanes(world: World) -> None:
    """Some lanes begin with more replaced entries than a batch has messages, so what is taken together does not fill it."""
    one = world.set_up(lanes=16)
    for name in [f"o{n}" for n in range(16)] + [f"o{n}" for n in range(3) for _ in range(12)]:
        one.rows(f"select record_ingest('y', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', '{name}', 'data', random())))")
    one.rows("""
        select record_ingest('y', 'push:o', jsonb_agg(jsonb_build_object('upstream_id', 'o' || i, 'data', repeat(chr(97 + i), 4000000))))
        from generate_series(0, 15) as i
    """)
    for n in range(12):
        one.rows(f"select consumer_create('c{n}', 's')")
        seen = 0
        while got := one.rows(f"select length(data #>> '{{}}') from consumer_next('c{n}', 10)"):
            assert sum(size for (size,) in got) <= 32 << 20
            seen += len(got)
        assert seen == 16


def test_one_message_of_more_than_32_megabytes_comes_alone(one: Session) -> None:
    one.push("a", "b")
    one.rows(
        """select record_ingest('y', 'push:o', jsonb_build_array(jsonb_build_object('upstream_id', 'big', 'data', repeat('x', 40000000))))"""
    )
    one.push("c", "d")
    seen: list[str] = []
    while got := one.rows("select upstream_id, length(data::text) from consumer_next('c', 10)"):
        names = [name for name, _ in got]
        assert "big" not in names or names == ["big"]
        seen += names
    assert sorted(seen) == ["a", "b", "big", "c", "d"]


def test_metadata_and_external_id_are_the_syncs_own(world: World) -> None:
    one = world.set_up()
    one.rows("select sync_create('s', 'push', 'z', metadata => '{\"z\": 1}', external_id => 'ez')")
    one.push("a")
    one.push("b", sync="z")
    assert sorted((m.sync_id, json.dumps(m.sync_metadata), m.external_id) for m in one.drain()) == [
        ("y", "{}", None),
        ("z", '{"z": 1}', "ez"),
    ]


def test_within_one_lane_messages_come_in_the_order_of_the_stream(world: World) -> None:
    one = world.set_up(lanes=1)
    one.push(*(f"o{i}" for i in range(30)))
    got = one.drain(7)
    assert [m.updated_idx for m in got] == sorted(m.updated_idx for m in got)


def test_limit_and_where_around_the_call_do_not_lose_what_was_leased(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(10)))
    shown = one.rows("select * from consumer_next('c', 10) limit 3")
    assert len(shown) == 3
    assert len(one.in_flight()) == 10


def test_next_in_a_function_of_the_users(one: Session) -> None:
    one.rows("""create function public.work() returns int language plpgsql as $$
        declare n int := 0; m sluice.message;
        begin
            for m in select * from sluice.consumer_next('c', 4) loop
                perform sluice.consumer_ack('c', array[m.ack_token], strict => true);
                n := n + 1;
            end loop;
            return n;
        end $$""")
    one.push(*(f"o{i}" for i in range(10)))
    done = 0
    while count := one.value("select public.work()"):
        done += count
    assert done == 10
    one.age()
    assert one.next() == []


def test_two_calls_in_one_statement_share_nothing(one: Session) -> None:
    one.push(*(f"o{i}" for i in range(20)))
    got = one.rows("select upstream_id from consumer_next('c', 5) union all select upstream_id from consumer_next('c', 5)")
    assert len({name for (name,) in got}) == len(got) == 10


@pytest.mark.parametrize("size", [1, 2, 10])
@pytest.mark.parametrize("held", [1, 2, 5, 40])
def test_an_empty_answer_means_that_there_is_nothing(world: World, size: int, held: int) -> None:
    """Entries whose record is in flight are stepped over in the same call: who gets nothing goes to sleep."""
    one = world.set_up(lanes=1)
    one.push(*(f"held{i}" for i in range(held)))
    assert len(one.drain(100)) == held
    one.ingest(*(obj(f"held{i}", "changed") for i in range(held)))
    one.push("free")
    assert one.ids(size) == ["free"]
    assert one.next(size) == []


@pytest.mark.parametrize("lanes", [1, 2, 16])
@pytest.mark.parametrize("size", [2, 3, 10, 100])
def test_what_is_there_comes_as_far_as_it_fits(world: World, lanes: int, size: int) -> None:
    """One message, a few in one lane or in several, with entries in between that a newer version replaced."""
    one = world.set_up(lanes=lanes)
    one.rows("set pgsluice.autocommit = on")
    taken: list[Any] = []
    for turn in range(1, 17):
        names = [f"{turn}-{n}" for n in range(turn)]
        one.push(*names)
        one.push(*names[turn % 2 : turn // 3], data="changed")
        found: list[str] = []
        while len(found) < turn:
            taken = one.next(size, tokens(taken))
            assert len(taken) == min(size, turn - len(found))
            found += [message.upstream_id for message in taken]
        assert sorted(found) == sorted(names)
        if turn % 4 == 0:
            taken = one.next(size, tokens(taken))
            assert taken == []


@pytest.mark.parametrize("lanes", [1, 2, 3, 16])
def test_an_empty_answer_means_that_nothing_has_expired_in_any_lane(world: World, lanes: int) -> None:
    one = world.set_up(lanes=lanes)
    for turn in range(12):
        one.push(f"a{turn}")
        (first,) = one.next(1)
        one.push(f"b{turn}")
        assert [m.upstream_id for m in one.next(1, [first.ack_token])] == [f"b{turn}"]
        one.age("1 day")
        assert [(m.upstream_id, m.deliver_count) for m in one.next(10)] == [(f"b{turn}", 2)]
        one.age("1 day")
        (again,) = one.next(10)
        assert one.nack([again]) == (1, [])
        (again,) = one.next(10)
        assert one.ack([again]) == (1, [])


@pytest.mark.parametrize("lanes", [2, 16])
@pytest.mark.parametrize("size", [1, 2, 10])
@pytest.mark.parametrize("flow", [1, 3, 40])
@pytest.mark.parametrize("how", ["nack", "expiry"])
def test_what_is_due_comes_although_there_is_always_something_new(world: World, lanes: int, size: int, flow: int, how: str) -> None:
    """By lot: a call looks at one lane first. 400 calls that all miss one of 16 lanes have a chance of 10^-11."""
    one = world.set_up(lanes=lanes)
    one.rows("set pgsluice.autocommit = on")
    one.push(*(f"o{n}" for n in range(100)))
    first, *rest = sorted(one.drain(1000), key=lambda message: message.upstream_id != "o0")
    one.ack(rest)
    if how == "nack":
        one.nack([first])
    else:
        one.age("1 day")
    elsewhere = [message.upstream_id for message in rest if message.ack_token.split(".")[0] != first.ack_token.split(".")[0]]
    taken: list[Any] = []
    for turn in range(400):
        one.push(*elsewhere[:flow], data=turn)
        taken = one.next(size, tokens(taken))
        if again := [message.deliver_count for message in taken if message.upstream_id == "o0"]:
            assert again == [2]
            return
    raise AssertionError("never delivered again")


@pytest.mark.parametrize("size", [1, 10])
def test_what_is_given_back_at_once_again_and_again_does_not_hold_up_the_rest_of_its_lane(world: World, size: int) -> None:
    """As many as a batch holds, in one lane. One time in four that lane's new ones come first."""
    one = world.set_up(lanes=16)
    one.rows("set pgsluice.autocommit = on")
    others = {f"o{n}" for n in range(600)}
    one.push(*others)
    poison: set[str] = set()
    lane = None
    for _ in range(3000):
        batch = one.next(size)
        lane = lane or batch[0].ack_token.split(".")[0]
        poison |= set([message.upstream_id for message in batch if message.ack_token.split(".")[0] == lane][: size - len(poison)])
        one.nack([message for message in batch if message.upstream_id in poison])
        one.ack([message for message in batch if message.upstream_id not in poison])
        others -= {message.upstream_id for message in batch}
        if not others:
            assert len(poison) == size
            return
    raise AssertionError(f"never delivered: {others}")


def test_a_session_that_commits_at_once_may_say_so_and_takes_from_every_lane(world: World) -> None:
    """Parameters sent apart from the statement make each call look like one in an open transaction: it takes from half the lanes."""
    one = world.set_up(lanes=16)
    one.push(*(f"o{i}" for i in range(100)))
    query = "select upstream_id from sluice.consumer_next(%s, %s)"
    in_half = one.conn.execute(query, ("c", 1000)).fetchall()
    one.rows("set pgsluice.autocommit = on")
    rest = one.conn.execute(query, ("c", 1000)).fetchall()
    assert 0 < len(in_half) < 100
    assert len(in_half) + len(rest) == 100
