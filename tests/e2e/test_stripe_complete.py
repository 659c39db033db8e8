"""All of Stripe in the user's own Postgres: what is stored is what the vendor holds."""

from __future__ import annotations

from typing import Any

import psycopg
from e2e.polling import NEWEST, connect, read_once
from fakes import every
from fakes.stripe import StripeFake, table
from providers.test_stripe_every import held, populate

from pgsluice.providers.stripe_collections import SOURCES


def stored(db: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {collection_id: {} for collection_id in SOURCES}
    with psycopg.connect(db) as conn:
        for collection_id, upstream_id, data in conn.execute(
            "select collection_id, upstream_id, data from sluice.records where not deleted"
        ):
            found[collection_id][upstream_id] = data
    return found


@NEWEST
def test_everything_is_stored_and_kept_up_to_date(db: str, stripe_fake: StripeFake) -> None:
    populate(stripe_fake, each=2)
    note = every.make(stripe_fake, "credit_note")
    stripe_fake.grow("credit_note", note, "lines", 130)
    connect(db, stripe_fake, collections=list(SOURCES))
    assert read_once(db)["acme"].outcome == "caught_up"
    assert stored(db) == {name: held(stripe_fake, name.removeprefix("stripe:")) for name in SOURCES}
    for kind in ("customer", *table.KINDS):
        every.make(stripe_fake, kind)
    stripe_fake.grow("credit_note", note, "lines", 30)
    stripe_fake.delete("coupon", next(iter(stripe_fake.objects("coupon"))))
    assert read_once(db)["acme"].outcome == "caught_up"
    told = [name for name, source in SOURCES.items() if source.sweep is None or source.news]
    here = stored(db)
    assert {name: here[name] for name in told} == {name: held(stripe_fake, name.removeprefix("stripe:")) for name in told}


@NEWEST
def test_a_long_list_arrives_whole(db: str, stripe_fake: StripeFake) -> None:
    """Longer than the pages after which it is read in pieces."""
    stripe_fake.seed(customers=1400, days=500)
    connect(db, stripe_fake, collections=["stripe:customer"])
    assert read_once(db)["acme"].outcome == "caught_up"
    assert stored(db)["stripe:customer"] == held(stripe_fake, "customer")
