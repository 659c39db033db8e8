"""What a filter lets through; what becomes of what changes meanwhile is in test_filter_changes.py."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from isolation.sessions import Session, World, obj, refused
from psycopg.types.json import Jsonb


@pytest.fixture
def made(world: World) -> World:
    world.look.rows("select stream_create('s', 4)")
    world.look.rows("select sync_create('s', 'push', 'y')")
    return world


def filtered(world: World, what: Any, **options: Any) -> Session:
    world.consumer(filter=Jsonb(what), **{"ack_wait": "10 minutes"} | options)
    return world.session()


ACTIVE = {"where": '$.status == "active"'}
ON, OFF = {"status": "active"}, {"status": "gone"}

COLLECTIONS = [
    "push:o",
    "push:order",
    "push:order_item",
    "push:orderXitem",
    "push:O",
    "push:100%",
    "push:1000",
    "push:a\\b",
    "push:ab",
    "push:a.b",
]
WILDCARDS: list[tuple[Any, set[str]]] = [
    ("push:o", {"push:o"}),
    ("*", set(COLLECTIONS)),
    ("push:*", set(COLLECTIONS)),
    ("push:order*", {"push:order", "push:order_item", "push:orderXitem"}),
    ("push:order_item", {"push:order_item"}),
    ("push:order_*", {"push:order_item"}),
    ("*item", {"push:order_item", "push:orderXitem"}),
    ("*order*", {"push:order", "push:order_item", "push:orderXitem"}),
    ("push:100%", {"push:100%"}),
    ("push:1%", set()),
    ("%", set()),
    ("push:a\\b", {"push:a\\b"}),
    ("push:a\\*", {"push:a\\b"}),
    ("push:a.b", {"push:a.b"}),
    ("push:a*b", {"push:a\\b", "push:ab", "push:a.b"}),
    ("p*:*b", {"push:a\\b", "push:ab", "push:a.b"}),
    ("PUSH:*", set()),
    ("order", set()),
    ("push:order*item*", {"push:order_item", "push:orderXitem"}),
    ("push:**", set(COLLECTIONS)),
    ("push:?", set()),
    ("push:[oO]", set()),
    (["push:o", "push:O"], {"push:o", "push:O"}),
    (["push:order_*", "nothing", "push:100%"], {"push:order_item", "push:100%"}),
    (["nothing"], set()),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "expected"), WILDCARDS, ids=lambda v: str(v) if isinstance(v, (str, list)) else "")
def test_only_the_star_is_special(made: World, pattern: Any, expected: set[str]) -> None:
    one = filtered(made, {"collection_id": pattern})
    for collection in COLLECTIONS:
        one.ingest(obj("a"), collection=collection)
    assert {m.collection_id for m in one.drain()} == expected


SYNCS: list[tuple[Any, set[str]]] = [
    ({"sync_id": "y"}, {"y"}),
    ({"sync_id": "y_*"}, {"y_1"}),
    ({"sync_id": ["y", "z%"]}, {"y", "z%"}),
    ({"sync_id": "*1"}, {"y_1", "yx1"}),
    ({"provider": "push"}, {"y", "y_1", "yx1", "z%"}),
    ({"provider": "p*"}, {"y", "y_1", "yx1", "z%"}),
    ({"provider": ["stripe", "rest"]}, set()),
    ({"provider": "push", "sync_id": "y*", "collection_id": "*", "where": "$"}, {"y", "y_1", "yx1"}),
    ({"provider": "stripe", "sync_id": "y"}, set()),
    ({"sync_id": "y", "collection_id": "push:other"}, set()),
    ({"sync_id": ["y", "yx1"], "where": '$.of == "yx1"'}, {"yx1"}),
]


@pytest.mark.parametrize(("what", "expected"), SYNCS, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_syncs_and_providers_and_all_keys_must_match(made: World, what: Any, expected: set[str]) -> None:
    for sync in ("y_1", "yx1", "z%"):
        made.look.rows("select sync_create('s', 'push', %s)", sync)
    one = filtered(made, what)
    for sync in ("y", "y_1", "yx1", "z%"):
        one.ingest(obj(sync), sync=sync)
    assert {m.sync_id for m in one.drain()} == expected


DATA = {
    "active": {"status": "active", "lines": [{"price": 5}, {"price": 50}]},
    "cheap": {"status": "active", "lines": [{"price": 1}]},
    "gone": {"status": "gone", "lines": [], "n": None},
    "flag": {"on": True, "n": 0},
    "off": {"on": False, "n": "text"},
    "array": [1, 2, 3],
    "number": 7,
    "text": "active",
    "empty": {},
}
PATHS: list[tuple[str, set[str]]] = [
    ('$.status == "active"', {"active", "cheap"}),
    ("$.lines[*] ? (@.price > 10)", {"active"}),
    ("exists($.lines[*] ? (@.price > 10))", {"active"}),
    ("$.lines[*].price > 10", {"active"}),
    ("$.lines", {"active", "cheap", "gone"}),
    ("$.on", {"flag"}),  # false does not match
    ("$.n", {"flag", "off"}),  # null neither; 0 and text are there
    ("$.n > 1", set()),  # text against number: unknown
    ("$.missing", set()),
    ("strict $.missing.more", set()),  # an error inside is silent
    ("strict $.lines[7].price", set()),
    ("$.n / 0", set()),
    ('$.status.double() > 1', set()),
    ("$ == 7", {"number", "array"} & {"number"}),
    ("$[*] == 2", {"array"}),
    ('$ == "active"', {"text"}),
    ("true", set(DATA)),
    ("false", set()),
    ('$.status like_regex "^ACT" flag "i"', {"active", "cheap"}),
    ('$.status starts with "g"', {"gone"}),
    ('$.status == "active" && $.lines[*].price < 3', {"cheap"}),
    ("!exists($.status)", set(DATA) - {"active", "cheap", "gone"}),
    ('$.type() == "object"', {"active", "cheap", "gone", "flag", "off", "empty"}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "expected"), PATHS, ids=[path for path, _ in PATHS])
def test_both_kinds_of_jsonpath_and_errors_inside_them(made: World, path: str, expected: set[str]) -> None:
    one = filtered(made, {"where": path})
    one.ingest(*({"upstream_id": name, "data": data} for name, data in DATA.items()))
    assert {m.upstream_id for m in one.drain()} == expected
    assert one.info().num_filtered == len(DATA) - len(expected)
    assert one.info().num_pending == 0


def test_an_error_within_one_record_does_not_hold_up_the_others(made: World) -> None:
    one = filtered(made, {"where": "strict $.a.b > 1"})
    one.ingest(obj("bad", {"a": 1}), obj("worse", []), obj("good", {"a": {"b": 2}}), obj("bad2", "x"), obj("good2", {"a": {"b": 3}}))
    assert sorted(m.upstream_id for m in one.drain(1)) == ["good", "good2"]


def test_a_filter_is_for_one_consumer_only(made: World) -> None:
    one = filtered(made, ACTIVE)
    made.consumer("all")
    made.consumer("none", filter=Jsonb({}))
    one.ingest(obj("a", ON), obj("b", OFF))
    assert one.ids() == ["a"]
    assert one.ids(consumer="all") == one.ids(consumer="none") == ["a", "b"]
    assert (one.info("all").num_filtered, one.info("none").num_filtered) == (0, 0)


# ---------------------------------------------------------------- bad ones

BAD: list[tuple[Any, list[str]]] = [
    ([], ["filter"]),
    (["push:o"], ["filter"]),
    ("push:o", ["filter"]),
    (7, ["filter"]),
    (True, ["filter"]),
    ({"colection_id": "x"}, ["colection_id"]),
    ({"collection_id": "x", "": "y"}, ["filter"]),
    ({"Where": "$"}, ["Where"]),
    ({"upstream_id": "x"}, ["upstream_id"]),
    ({"collection_id": []}, ["collection_id"]),
    ({"collection_id": 7}, ["collection_id"]),
    ({"collection_id": None}, ["collection_id"]),
    ({"collection_id": {"a": "b"}}, ["collection_id"]),
    ({"collection_id": ["a", 7]}, ["collection_id"]),
    ({"collection_id": ["a", None]}, ["collection_id"]),
    ({"collection_id": [["a"]]}, ["collection_id"]),
    ({"sync_id": []}, ["sync_id"]),
    ({"sync_id": False}, ["sync_id"]),
    ({"provider": [1]}, ["provider"]),
    ({"provider": {}}, ["provider"]),
    ({"where": 7}, ["where"]),
    ({"where": None}, ["where"]),
    ({"where": ["$.a"]}, ["where"]),
    ({"where": ""}, ["where"]),
    ({"where": "$."}, ["where"]),
    ({"where": "status = 'active'"}, ["where"]),
    ({"where": "$.a ==="}, ["where"]),
    ({"where": "$.a ? (@ like_regex \"(\")"}, ["where"]),
    ({"where": "$; drop table records"}, ["where"]),
]  # fmt: skip


def test_consumer_create_refuses(made: World, subtests: pytest.Subtests) -> None:
    for what, culprits in BAD:
        with subtests.test(filter=what):
            with refused("SL001", *culprits):
                made.consumer(filter=Jsonb(what))
            assert made.look.rows("select * from consumers") == []


def test_consumer_update_refuses_and_changes_nothing(made: World, subtests: pytest.Subtests) -> None:
    one = filtered(made, ACTIVE)
    before = one.rows("select * from consumers")
    for what, culprits in BAD:
        with subtests.test(filter=what):
            with refused("SL001", *culprits):
                one.rows("select * from consumer_update('c', ack_wait => '3 seconds', filter => %s)", Jsonb(what))
            assert one.rows("select * from consumers") == before


@pytest.mark.parametrize("path", ["$.a == $b", "$.a ? ($b == 1)", "$b"])
def test_a_variable_in_a_path_stops_nobody(made: World, path: str) -> None:
    """There is nothing that it could stand for: refused, or never a match; the stream goes on either way."""
    try:
        one = filtered(made, {"where": path})
    except psycopg.Error as exc:
        assert exc.sqlstate == "SL001", exc  # noqa: PT017
    else:
        one.ingest(obj("a", {"a": 1}), obj("b", {}))
        assert one.drain() == []
