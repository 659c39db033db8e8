"""Who renews a token, whose answer counts, and what a new secret mends."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, refused


@pytest.fixture
def one(world: World) -> Session:
    look = world.look
    look.rows("select stream_create('s')")
    put(look, "k", account="acct")
    look.rows("select sync_create('s', 'stripe', 'y', collection_ids => '{stripe:customer}', credential_id => 'k')")
    for poller in ("p1", "p2"):
        look.rows("select sluice_internal._poller_heartbeat(%s, 'host', 1)", poller)
    return look


def put(one: Session, credential_id: str, account: str | None = None) -> None:
    query = (
        "select sluice_internal._credential_put(%s, 'stripe', 'api_key', null, '\\xc0ffee', 1, null, '{}', %s, now() + interval '1 hour')"
    )
    one.rows(query, credential_id, account)


def claim(one: Session, poller: str = "p1", version: int = 1, *, renew: bool = True) -> Any:
    return one.one("select * from sluice_internal._renewal_claim('k', %s, %s, %s)", poller, version, renew)


def store(one: Session, version: int = 1, expires_in: str = "10 minutes") -> int | None:
    return one.value("select sluice_internal._renewal_store('k', %s, '\\xbeef', 1, %s::interval, null)", version, expires_in)


def end(one: Session, error: str | None = None, poller: str = "p1", version: int = 1) -> None:
    one.rows("select sluice_internal._renewal_end('k', %s, %s, %s::jsonb)", poller, version, error)


def silence(one: Session, poller: str) -> None:
    one.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 s' where poller_id = %s", poller)


def begun(one: Session, ago: str) -> None:
    one.rows("update sluice_internal.credential_renewals set begun_at = clock_timestamp() - %s::interval", ago)


def test_one_renews_and_the_others_take_its_answer(one: Session) -> None:
    assert claim(one).state == "yours"
    assert claim(one, "p2").state == "busy"
    assert claim(one).state == "busy", "another sync in the same process"
    assert store(one) == 2
    newer = claim(one, "p2")
    assert (newer.state, newer.version, bytes(newer.sealed)) == ("newer", 2, b"\xbe\xef")
    assert one.value("select %s - %s between interval '59 s' and interval '61 s'", newer.expires_at, newer.renew_at)
    assert claim(one, "p2", 2).state == "yours"


def test_a_short_life_is_renewed_in_its_last_fifth(one: Session) -> None:
    claim(one)
    store(one, expires_in="50 seconds")
    newer = claim(one, version=1)
    assert one.value("select %s - %s between interval '9.99 seconds' and interval '10.01 seconds'", newer.expires_at, newer.renew_at)


def test_a_dead_pollers_renewal_is_taken_over_and_its_late_answer_still_counts(one: Session) -> None:
    claim(one)
    silence(one, "p1")
    # It may only have lost the database: as long as the vendor's answer may still come to it, nobody else asks.
    begun(one, "39 seconds")
    assert claim(one, "p2").state == "busy"
    begun(one, "41 seconds")
    assert claim(one, "p2").state == "yours"
    # The paused one wakes up with what may be the only pair that is good.
    assert store(one) == 2
    assert store(one) is None


def test_a_refusal_is_for_everybody_for_a_minute(one: Session) -> None:
    claim(one)
    end(one, '{"code": "SL201", "message": "gone"}')
    found = claim(one, "p2")
    assert (found.state, found.error["message"]) == ("refused", "gone")
    one.rows("update sluice_internal.credential_renewals set failed_at = failed_at - interval '61 s'")
    assert claim(one, "p2").state == "yours"


def test_what_failed_for_now_may_be_tried_by_the_next(one: Session) -> None:
    claim(one)
    end(one)
    assert claim(one, "p2").state == "yours"
    end(one, poller="p1")
    assert claim(one).state == "busy"


def test_a_new_secret_mends_its_syncs_and_a_late_answer_does_not_undo_it(one: Session) -> None:
    claim(one)
    one.rows("update sluice_internal.sync_runs set next_attempt_at = now() + interval '1 hour'")
    one.rows("select mutation_run('create', 'y', 'stripe:customer', '[{}]')")
    one.rows("update sluice_internal.mutation_items set next_attempt_at = now() + interval '1 hour'")
    one.rows("select sluice_internal._credential_replace('k', 'api_key', '\\xfeed', 1, null)")
    assert store(one) is None
    assert bytes(one.value("select sealed from sluice_internal.credentials")) == b"\xfe\xed"
    assert one.value("select max(next_attempt_at) <= clock_timestamp() from sluice_internal.sync_runs")
    assert one.value("select max(next_attempt_at) <= clock_timestamp() from sluice_internal.mutation_items")
    assert one.value("select account from credentials") == "acct"


def test_an_account_has_one_credential(one: Session) -> None:
    assert one.value("select sluice_internal._credential_known('stripe', 'acct')") == "k"
    assert one.value("select sluice_internal._credential_known('stripe', 'other')") is None
    with refused("SL110", "acct"):
        put(one, "second", "acct")
    put(one, "second", "other")
    put(one, "third")
    put(one, "fourth")


def test_a_secret_is_sealed_anew_only_where_it_is_the_same(one: Session) -> None:
    reseal = "select sluice_internal._credential_reseal('k', %s, %s, '\\xabcd', 2)"
    assert not one.value(reseal, 2, 1)
    assert not one.value(reseal, 1, 5)
    assert one.value(reseal, 1, 1)
    assert one.one("select version, key_version from credentials") == (1, 2)
