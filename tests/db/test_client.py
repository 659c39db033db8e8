from __future__ import annotations

import inspect
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from pgsluice.db import errors
from pgsluice.db.calls import RECORD_COLUMNS, UNSET
from pgsluice.db.client import Client
from pgsluice.db.rows import RawJSON, Row, encode
from pgsluice.db.secrets import open_sealed, parse_key

KEY = parse_key("00" * 32)


@pytest.fixture
def client(db: str) -> Iterator[Client]:
    with Client.connect(db, master_key=KEY) as own:
        yield own


@pytest.fixture
def fed(client: Client) -> Client:
    """A stream with two records and a consumer."""
    client.stream_create("s", lanes=2)
    client.sync_create("s", "push", "y", metadata={"tenant": 7}, external_id="e")
    client.consumer_create("c", "s", ack_wait="30 seconds")
    records = [{"upstream_id": "1", "data": {"n": Decimal("1.10")}}, {"upstream_id": "2", "data": {"n": 2}}]
    assert client.record_ingest("y", "push:thing", records) == {"new": 2, "changed": 0, "unchanged": 0, "refused": 0}
    return client


def drain(client: Client) -> list[Row]:
    """What consumer `c` gets until a call brings nothing: one call may leave some to the next."""
    messages: list[Row] = []
    while batch := client.consumer_next("c", 10):
        messages += batch
    return sorted(messages, key=lambda message: message["upstream_id"])


def public_functions(conn: psycopg.Connection) -> dict[str, dict[str, bool]]:
    """name -> parameter -> whether it has a default"""
    rows = conn.execute("""
        select p.proname, p.proargnames[:p.pronargs], p.pronargs - p.pronargdefaults
        from pg_proc as p where p.pronamespace = 'sluice'::regnamespace
    """).fetchall()
    return {name: {parameter: place >= required for place, parameter in enumerate(parameters or [])} for name, parameters, required in rows}


def test_one_method_for_each_public_function_with_its_parameters(shared_db: str) -> None:
    with psycopg.connect(shared_db) as conn:
        functions = public_functions(conn)
    assert functions
    for name, parameters in functions.items():
        signature = inspect.signature(getattr(Client, name)).parameters
        assert {word: value.default is UNSET for word, value in signature.items() if word != "self"} == parameters, name


def test_one_method_for_each_view(shared_db: str) -> None:
    with Client.connect(shared_db) as client:
        views = client.conn.execute("select viewname from pg_views where schemaname = 'sluice'").fetchall()
        assert views
        for (name,) in views:
            assert isinstance(getattr(client, name)(), list), name
        assert client.records() == []


def test_filters_of_views_are_columns_of_theirs(fed: Client) -> None:
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        filters = [word for word in inspect.signature(method).parameters if word.endswith("_id") or word == "provider"]
        exists = fed.conn.execute("select 1 from pg_class where relname = %s and relnamespace = 'sluice'::regnamespace", (name,)).fetchone()
        for word in filters if exists else []:
            assert isinstance(getattr(fed, name)(**{word: "unheard of"}), list), (name, word)


def test_streams(client: Client) -> None:
    made = client.stream_create()
    assert made["lanes"] == 16
    assert client.stream_info(made["stream_id"])["stream_id"] == made["stream_id"]
    assert [stream["stream_id"] for stream in client.streams()] == [made["stream_id"]]
    assert client.stream_delete(made["stream_id"]) is None
    with pytest.raises(errors.NotFound):
        client.stream_info(made["stream_id"])


def test_credentials_are_sealed_on_the_way(client: Client) -> None:
    made = client.credential_create("stripe", "mine", "stripe_key", secret={"secret": "sk_test_sesame"}, base_url="https://api.stripe.com")
    assert made["credential_id"] == "mine"
    assert "sesame" not in encode(client.credentials())
    row = client.conn.execute("select * from sluice_internal._credential_sealed('mine')").fetchone()
    assert row[1:] == (1, "stripe_key", "stripe", "https://api.stripe.com", 1)
    assert open_sealed(row[0], "mine", KEY, row[1]) == {"secret": "sk_test_sesame"}
    assert client.credential_create("stripe", secret={"secret": "x"})["credential_id"] != "mine"
    with pytest.raises(errors.Conflict):
        client.credential_create("stripe", "mine", secret={"secret": "x"})
    client.credential_delete("mine")
    assert [row["credential_id"] for row in client.credentials(provider="stripe")] != ["mine"]


def test_without_a_master_key_there_are_no_credentials(db: str) -> None:
    with Client.connect(db) as client, pytest.raises(errors.MasterKeyMissing) as caught:
        client.credential_create("stripe", secret={"secret": "sk_test_sesame"})
    assert caught.value.hint


def test_syncs(fed: Client) -> None:
    assert fed.sync_info("y")["metadata"] == {"tenant": 7}
    assert fed.sync_pause("y")["status"] == "paused"
    assert fed.sync_resume("y")["status"] != "paused"
    assert [sync["sync_id"] for sync in fed.syncs(stream_id="s")] == ["y"]
    assert fed.syncs(stream_id="other") == []
    assert [row["collection_id"] for row in fed.collections(sync_id="y")] == ["push:thing"]
    with pytest.raises(errors.InvalidArgument) as caught:
        fed.sync_create("s", "push", max_age_days=1)
    assert caught.value.code == "SL001"
    limit = {"allowed_requests": 10, "interval": Decimal("0.50")}
    assert fed.sync_create("s", "push", rate_limit=limit)["rate_limit"] == limit


def test_records_are_paged_by_position(fed: Client) -> None:
    first, second = fed.records(sync_id="y")
    assert tuple(first) == RECORD_COLUMNS
    assert first["data"] == {"n": Decimal("1.10")}
    assert fed.records(limit=1) == [first]
    assert fed.records(after_idx=first["updated_idx"]) == [second]
    assert fed.records(collection_id="push:thing", upstream_id="2", stream_id="s") == [second]


def test_records_may_be_json_text(fed: Client) -> None:
    text = '[{"upstream_id": "3", "data": {"n": 3.100}}]'
    assert fed.record_ingest("y", "push:thing", text)["new"] == 1
    assert fed.record_ingest("y", "push:thing", text.encode())["unchanged"] == 1
    assert encode(fed.records(upstream_id="3")[0]["data"]) == '{"n":3.100}'


def test_messages(fed: Client) -> None:
    messages = drain(fed)
    assert [message["upstream_id"] for message in messages] == ["1", "2"]
    assert messages[0]["sync_metadata"] == {"tenant": 7}
    assert (messages[0]["external_id"], messages[0]["deliver_count"], messages[0]["deleted"]) == ("e", 1, False)
    tokens = [message["ack_token"] for message in messages]
    assert len(fed.messages_in_flight(consumer_id="c")) == 2
    assert fed.consumer_ack("c", tokens[:1]) == {"accepted": 1, "rejected": []}
    assert fed.consumer_ack("c", tokens[:1]) == {"accepted": 0, "rejected": tokens[:1]}
    with pytest.raises(errors.StaleToken):
        fed.consumer_ack("c", tokens[:1], strict=True)
    assert fed.consumer_nack("c", tokens[1:], delay="0") == {"accepted": 1, "rejected": []}
    (again,) = drain(fed)
    assert again["deliver_count"] == 2
    assert fed.consumer_next("c", ack_tokens=[again["ack_token"]]) == []
    assert fed.consumer_next("c", ack_tokens=[]) == []
    assert fed.consumer_info("c")["num_ack_pending"] == 0
    fed.consumer_delete("c")
    with pytest.raises(errors.NotFound):
        fed.consumer_next("c")


def test_raw_json_keeps_the_text(db: str, fed: Client) -> None:
    with Client.connect(db, raw_json=True) as raw:
        message, _ = drain(raw)
        assert isinstance(message["data"], RawJSON)
        assert '"data":{"n": 1.10}' in encode(message)


def test_in_the_callers_transaction(db: str, fed: Client) -> None:
    with psycopg.connect(db) as conn:
        Client(conn).stream_create("mine")
        conn.rollback()
    assert fed.streams(stream_id="mine") == []


def test_a_stale_plan_is_no_error(db: str, client: Client) -> None:
    for _ in range(7):
        client.streams()
    with psycopg.connect(db) as conn:
        columns = "stream_id, lanes::int as lanes, created_at, 1 as more"
        conn.execute(f"create or replace view sluice.streams as select {columns} from sluice_internal.streams")
    client.stream_create("s")
    assert client.streams()[0]["more"] == 1


def test_a_nul_is_refused(client: Client) -> None:
    with pytest.raises(errors.InvalidArgument):
        client.stream_create("a\x00b")


def test_a_lost_connection(db: str, client: Client) -> None:
    with psycopg.connect(db, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (client.conn.info.backend_pid,))
    with pytest.raises(errors.DatabaseUnavailable):
        client.streams()


def test_consumer_update(fed: Client) -> None:
    assert fed.consumer_update("c", max_deliver=4)["max_deliver"] == 4
    assert fed.consumer_update("c", "5 seconds")["max_deliver"] == 4


def test_mutation_run_result_cancel_resolve(fed: Client) -> None:
    fed.credential_create("stripe", "k", "stripe_key", secret={"secret": "sk_test_1"})
    fed.sync_create("s", "stripe", "st", collection_ids=["stripe:customer"], credential_id="k")
    mutation = fed.mutation_run("create", "st", "stripe:customer", [{"balance": Decimal("1.10")}], idempotency_key="q")
    assert fed.mutation_run("create", "st", "stripe:customer", '[{"balance": 1.10}]', idempotency_key="q") == mutation
    assert [(item["status"], item["data"]) for item in fed.mutation_result(mutation["mutation_id"])] == [
        ("queued", {"balance": Decimal("1.10")})
    ]
    assert fed.mutation_cancel(mutation["mutation_id"])["status"] == "cancelled"
    assert fed.mutation_info(mutation["mutation_id"]) == fed.mutations(sync_id="st")[0]
    for call in (fed.mutation_info, fed.mutation_result, fed.mutation_cancel):
        with pytest.raises(errors.NotFound):
            call("nothing")
    with pytest.raises(errors.InvalidArgument):
        fed.mutation_resolve(mutation["mutation_id"], 1, "failed")


def test_token_create_revoke(client: Client) -> None:
    made = client.token_create("ci", ["read"])
    assert [token["prefix"] for token in client.tokens()] == [made["token"][:10]]
    client.token_revoke(made["token_id"])
    with pytest.raises(errors.NotFound):
        client.token_revoke("nothing")
