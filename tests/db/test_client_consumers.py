"""What the client adds to the functions of consumers: plain numbers, places as numbers, and every consumer with its numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError


@pytest.fixture
def client(db: str) -> Iterator[Client]:
    with Client.connect(db, commits_at_once=True) as own:
        own.stream_create("s")
        own.sync_create("s", "push", "y")
        own.consumer_create("c", "s", max_ack_pending=10, filter={"collection_id": "push:*"})
        own.consumer_create("d", "s")
        own.record_ingest("y", "push:thing", [{"upstream_id": str(number), "data": {"n": number}} for number in range(3)])
        yield own


def given_up(client: Client) -> list[str]:
    tokens = [row["ack_token"] for row in client.consumer_next("c")]
    assert client.consumer_term("c", tokens, "poison") == {"accepted": 3, "rejected": []}
    return [letter["upstream_id"] for letter in client.dead_letters(consumer_id="c")]


def test_nothing_is_compiled(client: Client, db: str) -> None:
    client.conn.execute(f"alter database {client.conn.info.dbname} set jit = on")
    with Client.connect(db) as other:
        assert other.conn.execute("show jit").fetchone() == ("on",)
    with Client.connect(db, commits_at_once=True) as own:
        assert own.conn.execute("show jit").fetchone() == ("off",)


def test_dead_letter_retry_and_purge_count(client: Client) -> None:
    assert sorted(given_up(client)) == ["0", "1", "2"]
    assert [letter["upstream_id"] for letter in client.dead_letters(upstream_id="1", sync_id="y", collection_id="push:thing")] == ["1"]
    assert client.dead_letter_retry("c", upstream_id="1") == 1
    assert [(row["upstream_id"], row["deliver_count"]) for row in client.consumer_next("c")] == [("1", 1)]
    assert client.dead_letter_purge("c", "y") == 2
    assert client.dead_letter_purge("c") == 0


def test_consumer_seek_takes_numbers(client: Client) -> None:
    places = [row["updated_idx"] for row in client.records()]
    assert client.consumer_seek("d", places[1])["num_pending"] == 2
    assert client.consumer_seek("d", "start")["num_pending"] == 3


def test_consumer_update_leaves_what_is_left_out(client: Client) -> None:
    changed = client.consumer_update("c", max_deliver=5)
    assert (changed["max_deliver"], changed["max_ack_pending"], changed["filter"]) == (5, 10, {"collection_id": "push:*"})
    changed = client.consumer_update("c", max_ack_pending=0, filter={})
    assert (changed["max_deliver"], changed["max_ack_pending"], changed["filter"]) == (5, None, None)


def test_consumer_peek_extend_and_pause(client: Client) -> None:
    assert [row["ack_token"] for row in client.consumer_peek("c", 2)] == [None, None]
    tokens = [row["ack_token"] for row in client.consumer_next("c")]
    assert client.consumer_extend("c", tokens, "1 minute")["accepted"] == 3
    assert client.consumer_pause("c")["paused"]
    assert not client.consumer_resume("c")["paused"]


def test_every_consumer_with_its_numbers(client: Client) -> None:
    client.stream_create("other")
    client.consumer_create("e", "other")
    ages = {"lag": None, "oldest_unacked_age": None}
    single = [client.consumer_info(consumer_id) | ages for consumer_id in ("c", "d")]
    assert [row | ages for row in client.consumer_details(stream_id="s")] == single
    assert [row["consumer_id"] for row in client.consumer_details()] == ["c", "d", "e"]
    assert [row["consumer_id"] for row in client.consumer_details(limit=2)] == ["c", "d"]
    with pytest.raises(SluiceError, match="does not exist"):
        client.consumer_info("nobody")
