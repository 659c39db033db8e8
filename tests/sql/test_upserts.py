"""Writes that find their object by a field, and those that are meant for one version of it."""

from __future__ import annotations

import json
from typing import Any

from isolation.sessions import Session, World, refused
from sql.test_mutations import claim, complete, made, one

__all__ = ["made", "one"]  # fixtures

MATCHING = """
    create or replace view provider_collections as
    select
        c.provider collate "C" as provider, c.collection_id collate "C" as collection_id, array['create', 'update', 'upsert', 'delete'] as mutations, c.description,
        '{email,address.city}'::text[] as match_on, true as if_match
    from sluice_internal._builtin_collections as c
"""


def upsert(session: Session, *data: Any, match_on: str = "email") -> str:
    query = "select mutation_id from mutation_run('upsert', 'y', 'stripe:customer', %s::jsonb, %s)"
    return session.value(query, json.dumps(data), match_on)


def test_upserts_of_one_object_go_in_order(one: Session) -> None:
    one.rows(MATCHING)
    upsert(one, {"email": "a", "n": 1}, {"email": "b"}, {"email": "a", "n": 2})
    upsert(one, {"email": "a", "n": 3}, {"address": {"city": "x"}, "email": "c"})
    first = claim(one)
    assert [(item.item_no, item.data["email"], item.match_on) for item in first] == [
        (1, "a", "email"),
        (2, "b", "email"),
        (2, "c", "email"),
    ]
    complete(one, first[0], upstream_id="cus_1")
    (second,) = claim(one)
    assert second.data["n"] == 2


def test_an_upsert_that_commits_late_waits_for_the_one_under_way(made: World) -> None:
    made.look.rows(MATCHING)
    one, other = made.sessions(2)
    one.begin()
    upsert(one, {"email": "a", "n": 1})
    upsert(other, {"email": "a", "n": 2})
    (taken,) = claim(other)
    one.commit()
    assert claim(other) == []
    complete(other, taken, upstream_id="cus_1")
    assert [item.data["n"] for item in claim(other)] == [1]


def test_an_upsert_by_a_field_inside(one: Session) -> None:
    one.rows(MATCHING)
    upsert(one, {"address": {"city": "x"}}, {"address": {"city": "x"}}, match_on="address.city")
    assert len(claim(one)) == 1
    with refused("SL001", "address.city"):
        upsert(one, {"address": {}}, match_on="address.city")


def test_if_match_is_for_one_object(one: Session) -> None:
    one.rows(MATCHING)
    run_it = "select mutation_run('update', 'y', 'stripe:customer', %s::jsonb, if_match => 'v1')"
    one.rows(run_it, '[{"upstream_id": "cus_1", "data": {}}]')
    assert claim(one)[0].if_match == "v1"
    with refused("SL001", "if_match"):
        one.rows(run_it, '[{"upstream_id": "cus_1", "data": {}}, {"upstream_id": "cus_2", "data": {}}]')
