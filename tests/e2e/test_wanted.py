"""What is retried from quarantine is fetched again by the next turn."""

from __future__ import annotations

import psycopg
from e2e.polling import assert_complete, connect, read_once
from fakes.stripe import StripeFake


def test_what_is_retried_from_quarantine_is_fetched_again(db: str, stripe_fake: StripeFake) -> None:
    customer = stripe_fake.seed(customers=12)["customer"][7]
    connect(db, stripe_fake)
    read_once(db)
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("delete from sluice.records where upstream_id = %s", [customer])
        conn.execute(
            "insert into sluice_internal.quarantine (sync_id, collection_id, upstream_id, raw, reason)"
            " values ('acme', 'stripe:customer', %s, '{', 'cut')",
            [customer],
        )
        assert conn.execute("select wanted from sluice.quarantine_retry('acme')").fetchone() == (1,)
        assert read_once(db)["acme"].outcome == "caught_up"
        assert conn.execute("select count(*) from sluice.quarantine").fetchone() == (0,)
        assert conn.execute("select count(*) from sluice_internal.wanted_objects").fetchone() == (0,)
    assert_complete(db, stripe_fake)
