"""One sync on one desk: the product's side, with a real poller and a real database, and the comparison with the vendor's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from e2e.polling import KEY, poller

from conformance.desks.base import Desk, Doc
from pgsluice.db.client import Client
from pgsluice.poller.tally import Tally

SYNC = "acme"


class Account:
    def __init__(self, db: str, desk: Desk) -> None:
        self.db = db
        self.desk = desk

    def connect(self, *collections: str) -> None:
        """A credential and a sync with these collections (none: all that the desk has)."""
        kind, secret = self.desk.credential()
        with Client.connect(self.db, master_key=KEY) as client:
            client.stream_create("main")
            client.credential_create(self.desk.provider, SYNC, kind, secret=secret, base_url=self.desk.base_url)
            wanted = list(collections or self.desk.collections)
            client.sync_create("main", self.desk.provider, SYNC, collection_ids=wanted, credential_id=SYNC)

    def new_secret(self) -> None:
        kind, secret = self.desk.credential()
        with Client.connect(self.db, master_key=KEY) as client:
            client.credential_update(SYNC, kind, secret=secret, base_url=self.desk.base_url)

    def read(self) -> Tally:
        """One pass, as `poll --once` makes it."""
        return self._read(lambda _: False)

    def read_one_page(self) -> Tally:
        """A pass that is stopped once a page with something new in it is committed."""
        return self._read(lambda tally: tally.new > 0)

    def _read(self, enough: Callable[[Tally], bool]) -> Tally:
        # What waits for a minute to pass between two readings is due now; a sweep only when it is asked for.
        self.query("update sluice_internal.sync_feeds set next_attempt_at = null where kind <> 'sweep'")

        async def work() -> list[Tally]:
            started = poller(self.db)
            started.progress = lambda tally: started.stop() if enough(tally) else None
            return await started.run_once()

        (tally,) = asyncio.run(work())
        return tally

    def read_well(self) -> Tally:
        """A pass that comes to its end without an error."""
        tally = self.read()
        assert (tally.outcome, tally.error) == ("caught_up", None)
        return tally

    def sweep(self) -> None:
        """A pass that looks for what is gone, now instead of when it is due."""
        self.query("update sluice_internal.sync_feeds set next_attempt_at = null where kind = 'sweep'")
        self.read_well()

    # -- what is here

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.db, autocommit=True) as conn:
            cursor = conn.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def records(self, collection_id: str, *, deleted: bool = False) -> dict[str, Doc]:
        sql = "select upstream_id, data from sluice.records where sync_id = %s and collection_id = %s and deleted = %s"
        return dict(self.query(sql, SYNC, collection_id, deleted))

    def positions(self) -> list[tuple[Any, ...]]:
        return self.query("select collection_id, upstream_id, updated_idx from sluice.records order by 1, 2")

    def quarantine(self) -> list[tuple[Any, ...]]:
        """(collection, id, raw, reason) of what is kept aside."""
        return self.query("select collection_id, upstream_id, raw, reason from sluice.quarantine where sync_id = %s order by 1, 2", SYNC)

    def sync(self) -> dict[str, Any]:
        with Client.connect(self.db) as client:
            return client.sync_info(SYNC)

    # -- what must hold

    def assert_complete(self, *collections: str, but: Sequence[str] = ()) -> None:
        """Nothing missing, nothing too much, nothing old: the records are what the vendor has now, as JSON. `but`: ids left out."""
        for name in collections or self.desk.collections:
            here = {key: doc for key, doc in self.records(name).items() if key not in but}
            there = {key: doc for key, doc in self.desk.state(name).items() if key not in but}
            assert here.keys() == there.keys(), name
            assert here == there, name

    def assert_complete_beside(self, collection_id: str, marked: str) -> None:
        """As `assert_complete`, without bringing the data of that record here."""
        sql = "select upstream_id, data from sluice.records where collection_id = %s and not deleted and upstream_id <> %s"
        there = {key: doc for key, doc in self.desk.state(collection_id).items() if key != marked}
        assert dict(self.query(sql, collection_id, marked)) == there

    def assert_error(self, *codes: str) -> dict[str, Any]:
        """The sync says what is wrong, in words, and when it tries again, and not its secret."""
        row = self.sync()
        error = row["error"]
        assert row["status"] in {"error", "rate_limited"}
        assert error["code"] in codes, error
        assert error["message"]
        assert error["hint"], error
        assert row["next_attempt_at"] is not None
        _, secret = self.desk.credential()
        for value in secret.values():
            assert len(value) < 12 or value not in str(row)
        return dict(error)

    def assert_refused(self, collection_id: str) -> None:
        """The collection says that it may not be read."""
        ((error,),) = self.query("select last_error from sluice.collections where sync_id = %s and collection_id = %s", SYNC, collection_id)
        assert error["code"] == "SL202"
        assert error["message"]

    def assert_recovers(self, *collections: str) -> None:
        """Once the fault has ended, the sync is what the vendor has, by itself."""
        self.desk.proxy.heal()
        # The pause that the vendor asked for is over.
        self.query("delete from sluice_internal.rate_signals")
        self.read_well()
        self.assert_complete(*collections)
        assert self.sync()["status"] == "active"


def until_caught_up(step: Callable[[], Tally], limit: int) -> list[Tally]:
    """Tallies of steps until one is caught up."""
    tallies: list[Tally] = []
    while not tallies or tallies[-1].outcome != "caught_up":
        assert len(tallies) < limit, [tally.outcome for tally in tallies]
        tallies.append(step())
    return tallies
