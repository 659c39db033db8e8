"""`quarantine_retry` and `quarantine_purge`."""

from __future__ import annotations

from isolation.sessions import Session, World, refused


def keep(one: Session, name: str | None, raw: bytes, *, collection: str = "push:o", sync: str = "y") -> int:
    return one.value(
        "insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason) values (%s, %s, %s, %s, 'why')"
        " returning quarantine_id",
        sync, collection, name, raw,
    )  # fmt: skip


def retry(one: Session, **which: object) -> tuple[int, int, int]:
    named = ", ".join(f"{name} => %s" for name in which)
    return tuple(one.one(f"select * from quarantine_retry({named})", *which.values()))


def test_quarantine_retry_stores_what_can_be_stored(world: World) -> None:
    one = world.set_up()
    keep(one, "a", b'{"n": 1.10}')
    keep(one, "bad", b'{"n": "\\u0000"}')
    keep(one, "cut", b'{"n": ')
    keep(one, "bytes", b"\xff\xfe\x00")
    keep(one, None, b'{"n": 2}')
    keep(one, "list", b"[1]")
    assert retry(one) == (1, 5, 0)
    assert one.value("select data::text from records") == '{"n": 1.10}'
    assert [m.upstream_id for m in one.drain()] == ["a"]
    assert one.value("select count(*) from quarantine") == 5
    assert one.value("select reason from quarantine where upstream_id = 'list'") == "it is JSON, but not an object"


def test_quarantine_retry_does_not_go_back_in_time(world: World) -> None:
    one = world.set_up()
    keep(one, "a", b'{"n": 1}')
    one.rows("update sluice_internal.quarantine set created_at = created_at - interval '1 hour'")
    one.rows('select sluice_internal._record_store(\'y\', \'push:o\', \'[{"upstream_id": "a", "data": {"n": 2}}]\', now())')
    retry(one)
    assert one.value("select data from records") == {"n": 2}


def test_selecting(world: World) -> None:
    one = world.set_up()
    one.rows("select sync_create('s', 'push', 'z')")
    first = keep(one, "a", b"{}")
    keep(one, "b", b"{}", collection="push:p")
    keep(one, "c", b"{}", sync="z")
    assert retry(one, sync_id="nobody") == (0, 0, 0)
    assert retry(one, quarantine_id=first) == (1, 0, 0)
    assert retry(one, sync_id="y", collection_id="push:p", upstream_id="b") == (1, 0, 0)
    assert retry(one) == (1, 0, 0)


def test_what_has_an_id_is_wanted_from_the_vendor(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("update sluice_internal.sync_runs set next_attempt_at = now() + interval '1 hour'")
    keep(one, "a", b'{"n": "\\u0000"}', collection="stripe:customer")
    keep(one, None, b"{", collection="stripe:customer")
    assert retry(one, sync_id="y") == (0, 2, 1)
    assert one.rows("select collection_id, upstream_id from sluice_internal.wanted_objects") == [("stripe:customer", "a")]
    assert one.value("select next_attempt_at <= clock_timestamp() from syncs")
    assert retry(one, sync_id="y") == (0, 2, 0)


def test_quarantine_purge(world: World) -> None:
    one = world.set_up()
    first = keep(one, "a", b"{")
    keep(one, "b", b"{")
    keep(one, "b", b"{", collection="push:p")
    with refused("SL001", "sync"):
        one.rows("select quarantine_purge()")
    assert one.value("select quarantine_purge(quarantine_id => %s)", first) == 1
    assert one.value("select quarantine_purge('y', 'push:p')") == 1
    assert one.value("select quarantine_purge('y', upstream_id => 'nothing')") == 0
    assert one.value("select quarantine_purge('y')") == 1
    assert one.rows("select * from quarantine") == []


def test_notices(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    one.rows("listen sluice_notices")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    one.rows("select sluice_internal._sync_fail('y', 'p1', %s, 'error', '{\"code\": \"SL203\", \"message\": \"no\"}', '0')", held.epoch)
    assert one.value("select health ->> 'reason' from syncs") == "no"
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    one.rows("select sluice_internal._sync_finish('y', 'p1', %s, '1 second')", held.epoch)
    assert [k for (k,) in one.rows("select kind from notices order by notice_id")] == ["broken", "recovered"]
    assert [n.payload for n in one.conn.notifies(timeout=1, stop_after=2)] == ["y", "y"]


def test_notices_of_one_collection(world: World) -> None:
    one = world.look
    one.rows("select stream_create('s')")
    one.rows("select sluice_internal._credential_put('k', 'stripe', 'api_key', 'shown', '\\xc0ffee', 1, 'http://x', '{}')")
    one.rows("select sync_create('s', 'stripe', 'y', null, array['stripe:customer'], 'k')")
    one.rows("select sluice_internal._poller_heartbeat('p1', 'host', 1)")
    (held,) = one.rows("select * from sluice_internal._sync_claim('p1', 1)")
    for code in ("SL205", "SL202", "SL202"):
        one.rows(
            "select sluice_internal._feed_fail('y', 'p1', %s, 'stripe:customer', jsonb_build_object('code', %s::text, 'message', 'no'), '0')",
            held.epoch, code,
        )  # fmt: skip
    assert one.one("select state, last_error ->> 'code' as code from collections") == ("error", "SL202")
    assert "no" in one.value("select health ->> 'reason' from syncs")
    for _ in range(2):
        one.rows(
            "select sluice_internal._page_commit(sync_id => 'y', poller_id => 'p1', epoch => %s, feed => 'stripe:customer', cursor => null,"
            " done => true, records => '[]', quarantine => '[]', read_from => now())",
            held.epoch,
        )
    found = one.rows("select kind, collection_id from notices order by notice_id")
    assert found == [("collection_broken", "stripe:customer"), ("collection_recovered", "stripe:customer")]
