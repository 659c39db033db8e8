"""Limits and tokens over several pollers, against a vendor that counts what arrives, takes each token once, and refuses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.polling import KEY, KEY_TEXT, NEWEST, poller, positions, read_once, until
from fakes.acme import AcmeFake, install
from psycopg.types.json import Jsonb

from pgsluice.db.client import Client
from pgsluice.providers import registry

THINGS = "stripe:customer"
pytestmark = NEWEST


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[AcmeFake]:
    monkeypatch.setattr(registry, "_PROVIDERS", dict(registry._PROVIDERS))
    install()
    made = AcmeFake()
    yield made
    made.close()


def connect(db: str, fake: AcmeFake, *sync_ids: str, **limit: Any) -> None:
    """Syncs of one credential."""
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        client.credential_create("stripe", "k", "acme", secret=fake.secret, base_url=fake.url)
        for sync_id in sync_ids:
            client.sync_create("s", "stripe", sync_id, collection_ids=[THINGS], credential_id="k", rate_limit=limit or None)


def ask(db: str, kind: str, data: Sequence[Any], sync_id: str = "y", **options: str) -> str:
    named = "".join(f", {name} => %({name})s" for name in options)
    with psycopg.connect(db) as conn:
        query = f"select mutation_id from sluice.mutation_run(%(kind)s, %(sync)s, %(things)s, %(data)s{named})"
        row = conn.execute(query, {"kind": kind, "sync": sync_id, "things": THINGS, "data": Jsonb(list(data)), **options}).fetchone()
        assert row is not None
        return str(row[0])


def items(db: str, mutation_id: str) -> list[Any]:
    with psycopg.connect(db) as conn:
        query = "select status, upstream_id, error from sluice.mutation_result(%s) order by item_no"
        return conn.execute(query, [mutation_id]).fetchall()


def one(db: str, query: str, *values: Any) -> Any:
    with psycopg.connect(db) as conn:
        row = conn.execute(query, values).fetchone()
        assert row is not None
        return row[0]


@contextmanager
def process(db: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A poller of its own, to which Acme is a provider."""
    settings = {
        "PGSLUICE_DATABASE_URL": db,
        "PGSLUICE_MASTER_KEY": KEY_TEXT,
        "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "fakes.acme", "poll", *arguments],
        env={**os.environ, **settings, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def test_pollers_together_keep_a_credentials_budget_even_when_one_is_killed(db: str, fake: AcmeFake) -> None:
    fake.pages = None
    connect(db, fake, *(f"y{number}" for number in range(6)))
    budget = {"ACME_BUDGET": "30/3600"}
    with process(db, **budget) as first, process(db, **budget), process(db, **budget):
        until(lambda: len(fake.arrivals) >= 10, 60)
        first.kill()
        # 27 of 30: the rest is for writes. What the killed one had drawn is not given out again.
        until(lambda: one(db, "select bool_and(status = 'rate_limited' or status = 'backfilling') from sluice.syncs"), 60)
        until(lambda: one(db, "select count(*) from sluice.syncs where status = 'rate_limited'") >= 5, 60)
        assert 20 <= len(fake.arrivals) <= 27
        ask(db, "create", [{"n": 1}], "y0")
        until(lambda: fake.batches, 30)
        assert len(fake.arrivals) <= 28


def test_no_window_has_more_than_the_budget(db: str, fake: AcmeFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_BUDGET", "20/2")
    fake.pages = 25
    connect(db, fake, "a", "b", "c")

    async def main() -> None:
        await asyncio.gather(*(poller(db).run_once() for _ in range(2)))

    for _ in range(3):
        if one(db, "select count(*) from sluice.records") < 75:
            asyncio.run(main())
    assert one(db, "select count(*) from sluice.records") == 75
    # A second of slack for a machine that is busy; evenly spaced requests would not reach a burst.
    assert 15 <= fake.most_within(1.0) <= 20


def test_no_more_under_way_than_the_sync_allows_reads_and_writes_together(db: str, fake: AcmeFake) -> None:
    fake.pages, fake.pause = 15, 0.03
    connect(db, fake, "y", max_concurrent_requests=1)
    made = [ask(db, "create", [{"n": number}]) for number in range(5)] + [ask(db, "delete", [{"upstream_id": f"x{n}"} for n in range(3)])]

    async def main() -> None:
        pollers = [poller(db), poller(db)]
        running = [asyncio.ensure_future(each.run()) for each in pollers]
        done = "select count(*) from sluice.mutation_items where status = 'succeeded'"
        await asyncio.to_thread(until, lambda: one(db, done) == 8 and one(db, "select count(*) from sluice.records") >= 20, 60)
        for each in pollers:
            each.stop()
        await asyncio.gather(*running)

    asyncio.run(main())
    assert {status for mutation_id in made for status, *_ in items(db, mutation_id)} == {"succeeded"}
    assert fake.most_at_once == 1
    assert one(db, "select count(*) from sluice_internal.rate_holds") == 0


def test_a_refused_sync_gives_its_lease_back_and_the_others_of_the_credential_wait(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "a", "b")
    fake.refused_until = float("inf")
    fake.headers = lambda: {"Retry-After": "600"}
    tallies = read_once(db)
    assert {tally.outcome for tally in tallies.values()} == {"rate_limited"}
    assert fake.refusals <= 2
    before = len(fake.arrivals)
    assert {tally.outcome for tally in read_once(db).values()} == {"rate_limited"}
    assert len(fake.arrivals) == before
    assert one(db, "select min(next_attempt_at) > now() + interval '9 minutes' from sluice.syncs")
    assert one(db, "select max(error ->> 'code') from sluice.syncs") == "SL206"


def test_what_the_vendor_says_is_left_is_not_used_up(db: str, fake: AcmeFake) -> None:
    fake.pages = None
    connect(db, fake, "y")
    left = iter(range(9, -1, -1))
    fake.headers = lambda: {"X-Left": str(next(left, 0)), "X-Resets": "900"}
    assert read_once(db)["y"].outcome == "rate_limited"
    # One is left for a write.
    assert len(fake.arrivals) == 9


# ---------------------------------------------------------------- tokens


def test_eight_pollers_never_renew_twice(db: str, fake: AcmeFake) -> None:
    fake.uses, fake.pages = 7, 10
    fake.consent()
    connect(db, fake, *(f"y{number}" for number in range(8)))

    async def main() -> None:
        await asyncio.gather(*(poller(db).run_once() for _ in range(8)))

    for _ in range(4):
        if one(db, "select count(*) from sluice.records") < 80:
            asyncio.run(main())
    assert one(db, "select count(*) from sluice.records") == 80
    assert (fake.double, fake.revoked) == (0, False)
    assert fake.renewals >= 10
    assert one(db, "select version from sluice.credentials") == fake.renewals + 1


def test_a_token_is_renewed_before_it_ends(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "y")
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.credentials set expires_at = now() + interval '30 s', renew_at = now() - interval '30 s'")
    assert read_once(db)["y"].outcome == "caught_up"
    assert fake.renewals == 1
    assert one(db, "select expires_at > now() + interval '50 minutes' from sluice.credentials")


def test_killed_between_the_vendors_answer_and_ours_ends_in_words_and_a_new_secret_repairs_it(db: str, fake: AcmeFake) -> None:

    fake.uses = 5
    fake.consent()
    connect(db, fake, "y")
    fake.pages = 8
    fake.token_held = threading.Event()
    with process(db) as started:
        until(fake.token_asked.is_set, 60)
        started.kill()
        started.wait()
    fake.token_held.set()
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
        conn.execute("update sluice_internal.credential_renewals set begun_at = begun_at - interval '1 minute'")
    assert read_once(db)["y"].outcome == "error"
    error = one(db, "select error from sluice.syncs")
    assert error["code"] == "SL201"
    assert "pgsluice credential update k" in error["hint"]
    assert one(db, "select count(*) from sluice.notices where kind = 'broken'") == 1
    asked = fake.double
    # Nobody asks the vendor again at once.
    assert read_once(db)["y"].outcome == "error"
    assert fake.double == asked
    before = positions(db)
    with Client.connect(db, master_key=KEY) as client:
        client.credential_update("k", "acme", secret=fake.consent())
    fake.uses = None
    assert read_once(db)["y"].outcome == "caught_up"
    assert one(db, "select count(*) from sluice.records") == 8
    assert [row for row in positions(db) if row in before] == before
    pages = [what for _, what in fake.arrivals].count("GET /things")
    assert pages <= 8 + 5


def test_another_poller_takes_the_new_secret(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "y")
    fake.pages = 4
    stale = one(db, "select sealed from sluice_internal.credentials")
    assert read_once(db)["y"].pages == 4
    assert stale == one(db, "select sealed from sluice_internal.credentials")
    fake.consent()
    made = ask(db, "create", [{"n": 1}])
    read_once(db)
    # The stored refresh token is no longer the vendor's: the write ends with what to do.
    ((status, _, error),) = items(db, made)
    assert (status, error["code"]) == ("failed", "SL201")
    with Client.connect(db, master_key=KEY) as client:
        client.credential_update("k", "acme", secret=fake.consent())
    made = ask(db, "create", [{"n": 1}])
    read_once(db)
    assert [status for status, *_ in items(db, made)] == ["succeeded"]


# ---------------------------------------------------------------- writes


def test_many_writes_in_one_request_and_one_result_each(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "y")
    made = ask(db, "create", [{"n": number} if number != 7 else {"bad": 1} for number in range(25)])
    read_once(db)
    found = items(db, made)
    assert [status for status, *_ in found] == ["succeeded"] * 7 + ["failed"] + ["succeeded"] * 17
    assert found[7][2]["details"] == {"error": "bad data"}
    assert sorted(len(batch) for batch in fake.batches) == [5, 10, 10], "side by side"
    assert len({upstream_id for status, upstream_id, _ in found if status == "succeeded"}) == 24
    assert one(db, "select count(*) from sluice.records where starts_with(upstream_id, 'w')") == 24


def test_writes_to_one_object_keep_their_order(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "y")
    allow(db)
    for number in range(4):
        ask(db, "upsert", [{"email": "a@x", "n": number}, {"email": f"{number}@x", "n": number}], match_on="email")
    read_once(db)
    (ann,) = [thing for thing in fake.things.values() if thing["email"] == "a@x"]
    assert (ann["n"], ann["version"]) == (3, 4)
    assert len(fake.things) == 5
    assert all(len({item["data"]["email"] for item in batch}) == len(batch) for batch in fake.batches)


def test_a_write_that_is_meant_for_another_version_is_refused(db: str, fake: AcmeFake) -> None:
    connect(db, fake, "y")
    allow(db)
    made = ask(db, "create", [{"n": 1}])
    read_once(db)
    ((_, upstream_id, _),) = items(db, made)
    good = ask(db, "update", [{"upstream_id": upstream_id, "data": {"n": 2}}], if_match="1")
    late = ask(db, "update", [{"upstream_id": upstream_id, "data": {"n": 3}}], if_match="1")
    read_once(db)
    assert [items(db, made)[0][0] for made in (good, late)] == ["succeeded", "failed"]
    assert items(db, late)[0][2]["details"]["error"] == "conflict"
    assert fake.things[upstream_id]["n"] == 2


def allow(db: str) -> None:
    """What the generated list of collections would say of Acme."""
    with psycopg.connect(db) as conn:
        conn.execute("""
            create or replace view sluice.provider_collections as
            select
                c.provider collate "C" as provider, c.collection_id collate "C" as collection_id, array['create', 'update', 'upsert', 'delete'] as mutations, c.description,
                '{email}'::text[] as match_on, true as if_match
            from sluice_internal._builtin_collections as c
        """)


def test_ended_by_sigterm_a_write_is_put_back_and_done_once(db: str, fake: AcmeFake) -> None:

    connect(db, fake, "y")
    made = ask(db, "create", [{"n": number} for number in range(3)])
    fake.batch_held = threading.Event()
    with process(db) as started:
        until(fake.batch_asked.is_set, 60)
        started.send_signal(signal.SIGTERM)
        assert started.wait(30) == 0
        assert [status for status, *_ in items(db, made)] == ["queued"] * 3
    fake.batch_held.set()
    fake.batch_held = None
    read_once(db)
    assert [status for status, *_ in items(db, made)] == ["succeeded"] * 3
    assert (len(fake.things), fake.repeated) == (3, 3)


@pytest.mark.parametrize("window", [True, False])
def test_killed_between_sending_and_recording(db: str, fake: AcmeFake, monkeypatch: pytest.MonkeyPatch, window: bool) -> None:

    connect(db, fake, "y")
    made = ask(db, "create", [{"n": number} for number in range(3)])
    fake.batch_held = threading.Event()
    with process(db) as started:
        until(fake.batch_asked.is_set, 60)
        started.kill()
        started.wait()
    fake.batch_held.set()
    fake.batch_held = None
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute'")
    if not window:
        monkeypatch.setattr("fakes.acme.provider.Acme.key_window", None)
    read_once(db)
    # Within the vendor's window it is repeated and recognised; without one nothing is repeated, and it says so.
    assert {status for status, *_ in items(db, made)} == {"succeeded" if window else "unknown"}
    assert (len(fake.things), fake.repeated) == (3, 3 if window else 0)


def test_a_next_page_elsewhere_does_not_get_the_token(db: str, fake: AcmeFake) -> None:
    other = AcmeFake()
    try:
        fake.next_at = other.url
        connect(db, fake, "y")
        assert read_once(db)["y"].outcome == "error"
        assert other.arrivals == []
        assert "the next page is said to be at" in str(one(db, "select error ->> 'message' from sluice.syncs"))
    finally:
        other.close()
