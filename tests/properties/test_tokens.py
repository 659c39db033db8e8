"""Whatever tokens are put into one call, in whatever order: each good one is accepted once, each bad one is named, nothing else happens."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from isolation.sessions import World

_numbers = itertools.count()


@pytest.fixture(scope="module")
def world(shared_db: str) -> Any:
    made = World(shared_db)
    yield made
    made.close()


@settings(max_examples=60)
@given(
    lanes=st.sampled_from([1, 3, 16]),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    calls=st.lists(
        st.tuples(st.lists(st.integers(0, 80), max_size=25), st.sampled_from(["ack", "ack", "nack", "next"])), min_size=1, max_size=5
    ),
)
def test_any_arrangement_of_tokens(world: World, lanes: int, sizes: list[int], calls: list[tuple[list[int], str]]) -> None:
    one, tag = world.look, f"t{next(_numbers)}"
    one.rows("select stream_create(%s, %s)", tag, lanes)
    one.rows("select sync_create(%s, 'push', %s)", tag, tag)
    one.rows("select consumer_create(%s, %s, 'all', '1 day')", tag, tag)
    one.push(*(f"o{i}" for i in range(40)), sync=tag)
    messages = [m for size in sizes for m in one.next(size, consumer=tag)]
    alive = {m.ack_token: m.upstream_id for m in messages}
    everything = [m.ack_token for m in messages] + ["", "forged", messages[0].ack_token[:-1], messages[0].ack_token + "0"]
    for places, act in calls:
        chosen = [everything[place % len(everything)] for place in places]
        good = set(chosen) & set(alive)
        if act == "next":
            taken = one.next(1, chosen, consumer=tag)
            everything += [m.ack_token for m in taken]
        else:
            accepted, rejected = getattr(one, act)(chosen, consumer=tag)
            assert accepted == len(good)
            repeated = {token for token in good if chosen.count(token) > 1}
            assert set(rejected) == set(chosen) - good | repeated
        for token in good:
            del alive[token]
        if act == "next":
            alive |= {m.ack_token: m.upstream_id for m in taken}
        assert one.in_flight(tag) == sorted(alive.values())
