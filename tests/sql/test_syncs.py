from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from isolation.sessions import World, refused


@pytest.fixture
def made(world: World) -> World:
    world.look.rows("select stream_create('s')")
    return world


def credential(world: World, credential_id: str, provider: str = "stripe") -> None:
    world.look.rows(
        "select sluice_internal._credential_put(%s, %s, 'api_key', 'shown', '\\xc0ffee', 1, null, '{}')", credential_id, provider
    )


def test_sync_create_push(made: World) -> None:
    sync = made.look.one("select * from sync_create('s', 'push')")
    assert str(uuid.UUID(sync.sync_id)) == sync.sync_id
    assert (sync.stream_id, sync.provider, sync.metadata, sync.paused) == ("s", "push", {}, False)
    assert (sync.credential_id, sync.external_id, sync.error, sync.name) == (None, None, None, None)
    assert made.look.rows("select * from syncs") == [sync]


def test_sync_create_with_everything_by_name(made: World) -> None:
    credential(made, "k")
    sync = made.look.one("""
        select * from sync_create(
            stream_id => 's', provider => 'stripe', sync_id => 'y', name => 'Shop ☃', collection_ids => array['stripe:customer', 'stripe:plan'],
            credential_id => 'k', rate_limit => null, metadata => '{"tenant": 7}', external_id => 'e', max_age_days => 30,
            sync_frequency => '90 seconds')
    """)
    assert (sync.sync_id, sync.name, sync.credential_id, sync.external_id, sync.max_age_days) == ("y", "Shop ☃", "k", "e", 30)
    assert sorted(sync.collection_ids) == ["stripe:customer", "stripe:plan"]
    assert (sync.metadata, sync.sync_frequency, sync.status) == ({"tenant": 7}, timedelta(seconds=90), "pending")


def test_sync_create_keeps_each_collection_once(made: World) -> None:
    credential(made, "k")
    ids = "array['stripe:plan', 'stripe:customer', 'stripe:plan', 'stripe:customer']"
    sync = made.look.one(f"select * from sync_create('s', 'stripe', 'y', collection_ids => {ids}, credential_id => 'k')")
    assert sync.collection_ids == ["stripe:plan", "stripe:customer"]


def test_sync_create_by_position(made: World) -> None:
    sync = made.look.one("select * from sync_create('s', 'push', 'y', 'n', null, null, null, '{\"a\": 1}', 'e', null, null)")
    assert (sync.sync_id, sync.name, sync.metadata, sync.external_id) == ("y", "n", {"a": 1}, "e")


def test_sync_create_of_a_vendor_wants_collections(made: World) -> None:
    credential(made, "k")
    for collections in ("null", "'{}'"):
        with refused("SL001", "collection_ids"):
            made.look.rows(f"select sync_create('s', 'stripe', 'y', null, {collections}, 'k')")
    assert made.look.rows("select * from syncs") == []


BAD: list[tuple[str, dict[str, Any], list[str]]] = [
    ("SL101", {"stream_id": "nope"}, ["nope"]),
    ("SL105", {"provider": "nosuch"}, ["nosuch"]),
    ("SL105", {"provider": ""}, []),
    ("SL105", {"provider": "Stripe"}, ["Stripe"]),
    ("SL001", {"sync_id": ""}, ["sync_id"]),
    ("SL001", {"sync_id": "x" * 201}, ["sync_id"]),
    ("SL110", {"sync_id": "taken"}, ["taken"]),
    ("SL001", {"provider": "stripe", "collection_ids": ["stripe:plan"]}, ["stripe", "credential"]),
    ("SL104", {"provider": "stripe", "credential_id": "lost", "collection_ids": ["stripe:plan"]}, ["lost"]),
    ("SL106", {"provider": "stripe", "credential_id": "k", "collection_ids": ["stripe:customer", "stripe:nosuch"]}, ["stripe:nosuch"]),
    ("SL106", {"provider": "stripe", "credential_id": "k", "collection_ids": ["push:o"]}, ["push:o"]),
    ("SL106", {"provider": "stripe", "credential_id": "k", "collection_ids": ["customer"]}, ["customer"]),
    ("SL001", {"rate_limit": psycopg.types.json.Jsonb({"allowed_requests": 1})}, ["rate_limit"]),
    ("SL001", {"max_age_days": 1}, ["max_age_days"]),
    ("SL001", {"max_age_days": 0}, ["max_age_days"]),
    ("SL001", {"metadata": psycopg.types.json.Jsonb([1])}, ["metadata"]),
    ("SL001", {"metadata": psycopg.types.json.Jsonb("x")}, ["metadata"]),
    ("SL001", {"sync_frequency": "-1 second"}, ["sync_frequency"]),
    ("SL001", {"sync_frequency": "0"}, ["sync_frequency"]),
]


def test_sync_create_refuses(made: World, subtests: pytest.Subtests) -> None:
    credential(made, "k")
    made.look.rows("select sync_create('s', 'push', 'taken')")
    for code, options, culprits in BAD:
        with subtests.test(str(options)):
            named = {"stream_id": "s", "provider": "push", "sync_id": "y"} | options
            values = ", ".join(f"{name} => %({name})s" + ("::interval" if name == "sync_frequency" else "") for name in named)
            with refused(code, *culprits):
                made.look.conn.execute(f"select sync_create({values})", named)
            assert [r.sync_id for r in made.look.rows("select * from syncs")] == ["taken"]


@pytest.mark.parametrize("argument", ["stream_id", "provider"])
def test_sync_create_with_a_null(made: World, argument: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        made.look.conn.execute("select sync_create(%(stream_id)s, %(provider)s)", {"stream_id": "s", "provider": "push"} | {argument: None})
    assert str(caught.value.sqlstate).startswith("SL"), caught.value


def test_a_taken_id_says_nothing_about_whose_it_is(made: World) -> None:
    made.look.rows("select stream_create('elsewhere', 2)")
    made.look.rows("select sync_create('elsewhere', 'push', 'taken')")
    with refused("SL110", "taken") as caught:
        made.look.rows("select sync_create('s', 'push', 'taken')")
    assert "elsewhere" not in str(caught.value.diag.message_primary) + str(caught.value.diag.message_detail) + str(
        caught.value.diag.message_hint
    )


def test_a_credential_of_another_provider_is_refused(made: World) -> None:
    credential(made, "k")
    with refused("SL001", "credential"):
        made.look.rows("select sync_create('s', 'push', 'y', credential_id => 'k')")


def test_pause_and_resume(made: World) -> None:
    credential(made, "k")
    made.look.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:plan'], 'k')")
    paused = made.look.one("select * from sync_pause('y')")
    assert (paused.sync_id, paused.paused, paused.status, paused.next_attempt_at) == ("y", True, "paused", None)
    assert made.look.one("select * from sync_pause(sync_id => 'y')") == paused
    resumed = made.look.one("select * from sync_resume('y')")
    assert (resumed.paused, resumed.status) == (False, "pending")
    assert resumed.next_attempt_at is not None
    assert made.look.one("select * from sync_info('y')") == made.look.one("select * from syncs")


def test_a_paused_push_sync_still_takes_what_is_pushed_or_says_why_not(made: World) -> None:
    made.look.rows("select sync_create('s', 'push', 'y')")
    made.look.rows("select sync_pause('y')")
    made.consumer()
    made.look.push("a")  # pausing stops the poller; a push sync has none
    assert made.look.ids() == ["a"]


@pytest.mark.parametrize("call", ["sync_info", "sync_pause", "sync_resume"])
def test_an_unknown_sync(made: World, call: str) -> None:
    made.look.rows("select sync_create('s', 'push', 'y')")
    for sync_id in ("nope", "", "Y", "s"):
        with refused("SL102", sync_id):
            made.look.rows(f"select {call}(%s)", sync_id)
    assert made.look.value("select paused from syncs") is False


def test_credential_delete(made: World) -> None:
    credential(made, "k")
    credential(made, "free")
    made.look.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:plan'], 'k')")
    with refused("SL111", "k"):
        made.look.rows("select credential_delete('k')")
    made.look.rows("select credential_delete(credential_id => 'free')")
    with refused("SL104", "free"):
        made.look.rows("select credential_delete('free')")
    assert [r.credential_id for r in made.look.rows("select * from credentials")] == ["k"]


def test_a_credential_is_not_deleted_beneath_a_sync_that_is_being_made(made: World) -> None:
    credential(made, "k")
    maker, remover = made.sessions(2)
    maker.begin().rows("select sync_create('s', 'stripe', 'y', null, array['stripe:plan'], 'k')")
    removal = remover.start(lambda: remover.rows("select credential_delete('k')"))
    made.look.await_blocked(remover, by=maker)
    maker.commit()
    with refused("SL111", "k"):
        removal.result(10)


def test_a_sync_is_not_made_with_a_credential_that_is_being_deleted(made: World) -> None:
    credential(made, "k")
    maker, remover = made.sessions(2)
    remover.begin().rows("select credential_delete('k')")
    making = maker.start(lambda: maker.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:plan'], 'k')"))
    made.look.await_blocked(maker, by=remover)
    remover.commit()
    with refused("SL104", "k"):
        making.result(10)


def test_views_never_show_a_secret(made: World) -> None:
    credential(made, "k")
    columns = made.look.rows("select column_name from information_schema.columns where table_schema = 'sluice'")
    assert not {c for (c,) in columns} & {"sealed", "secret", "ack_token", "token"}
    assert "c0ffee" not in str(made.look.rows("select c::text from credentials as c"))
