"""JSON is equal to the digit, through every door: what came in is what goes out."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from pgsluice.cli import main
from pgsluice.db import rows
from pgsluice.db.aclient import AsyncClient
from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError

# As jsonb keeps them, each with what it was sent as where that differs.
NUMBERS = {
    "long": "123456789012345678901234567890",
    "negative": "-123456789012345678901234567890.123456789012345678901234567890",
    "zeros": "1.10",
    "tenth": "0.1",
    "tiny": "0.000000000000000000000000000001",
    "int64": "9223372036854775808",
    "double": "9007199254740993",
    "huge": "1" + "0" * 400,
    "digits": "7" * 5000,
    "fraction": "0." + "3" * 300,
}
SENT = {**NUMBERS, "tiny": "1e-30", "huge": "1e400"}
BEYOND = {"exponent": ("1e5", "100000"), "minus": ("-0", "0"), "minus_point": ("-0.0", "0.0"), "capital": ("1E+2", "100")}
TEXT = "{" + ", ".join(f'"{name}": {digits}' for name, digits in SENT.items()) + ', "in": [{"deep": 1.10}]}'


def inner(text: str | bytes, *path: Any) -> str:
    """What stands at a place of a JSON text, numbers as they stand there."""
    found = json.loads(text, parse_int=lambda word: f"#{word}", parse_float=lambda word: f"#{word}")
    for step in path:
        found = found[step]
    assert found["in"] == [{"deep": "#1.10"}]
    return json.dumps(found)


@pytest.fixture
def account(filled: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    filled.execute("select record_ingest('my-sync', 'push:order', %s::jsonb)", (f'[{{"upstream_id": "1", "data": {TEXT}}}]',))
    return filled


def is_whole(text: str | bytes, *path: Any) -> bool:
    return {name: value for name, value in digits_of(inner(text, *path)).items() if name in NUMBERS} == NUMBERS


def digits_of(text: str) -> dict[str, str]:
    return {name: value[1:] for name, value in json.loads(text).items() if isinstance(value, str) and value.startswith("#")}


def test_out_over_http(http: httpx.Client, account: psycopg.Connection[Any]) -> None:
    assert is_whole(http.get("/v1/records", params={"stream_id": "dev"}).content, "records", 0, "data")
    assert is_whole(http.get("/v1/http-consumers/billing/peek").content, 0, "record", "data")
    assert is_whole(http.post("/v1/http-consumers/billing/next", params={"envelope": "true"}).content, "data", 0, "record", "data")


def test_out_by_command(account: psycopg.Connection[Any], db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSLUICE_DATABASE_URL", db)
    listed = CliRunner().invoke(main, ["record", "list", "--json"])
    assert is_whole(listed.stdout, 0, "data")
    taken = CliRunner().invoke(main, ["consumer", "next", "billing", "--json"])
    assert is_whole(taken.stdout, 0, "record", "data")


def equal(data: Any) -> bool:
    return all(Decimal(data[name]) == Decimal(value) and not isinstance(data[name], float) for name, value in NUMBERS.items())


def test_out_by_python(account: psycopg.Connection[Any], db: str) -> None:
    with Client.connect(db) as client:
        assert equal(client.records()[0]["data"])
        assert str(client.records()[0]["data"]["zeros"]) == "1.10"
        assert equal(client.consumer_peek("billing")[0]["data"])
    with Client.connect(db, raw_json=True) as client:
        assert is_whole(client.records()[0]["data"])
    with Client.connect(db) as client:
        for message in client.consume("billing"):
            assert equal(message.data)
            break

    async def worker() -> None:
        async with await AsyncClient.connect(db) as client:
            await client.conn.execute("select sluice.consumer_seek('billing', 'start')")
            assert equal((await client.consumer_next("billing"))[0]["data"])

    asyncio.run(worker())


def test_in_by_python_and_out(filled: psycopg.Connection[Any], db: str) -> None:
    with Client.connect(db) as client:
        client.record_ingest("my-sync", "push:order", f'[{{"upstream_id": "1", "data": {TEXT}}}]')
        data = client.records()[0]["data"]
        # what was read can be written again, and is the same
        assert client.record_ingest("my-sync", "push:order", [{"upstream_id": "1", "data": data}])["unchanged"] == 1


def test_what_numeric_says_otherwise(filled: psycopg.Connection[Any]) -> None:
    for name, (sent, kept) in BEYOND.items():
        filled.execute("select record_ingest('my-sync', 'push:n', %s::jsonb)", (f'[{{"upstream_id": "{name}", "data": {{"n": {sent}}}}}]',))
        assert filled.execute("select data ->> 'n' from records where upstream_id = %s", (name,)).fetchone() == (kept,)


def test_in_over_http_and_on_to_the_vendor(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    """What is asked of a vendor, and what its error says, digit for digit."""
    filled.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    filled.execute("select sync_create('dev', 'stripe', 's', collection_ids => '{stripe:plan}', credential_id => 'k')")
    body = f'{{"kind": "create", "sync_id": "s", "collection_id": "stripe:plan", "data": [{TEXT}], "wait_for": 0}}'
    made = http.post("/v1/mutations/run", content=body)
    assert made.status_code == 202
    row = filled.execute("select data::text, mutation_id from mutation_items").fetchone()
    assert row
    assert is_whole(row[0])
    error = f'{{"code": "SL203", "message": "no", "details": {TEXT}, "hint": null}}'
    filled.execute("update sluice_internal.mutation_items set status = 'failed', finished_at = now(), error = %s::jsonb", (error,))
    filled.execute("update sluice_internal.mutations set finished_at = now()")
    answer = http.get(f"/v1/mutations/{row[1]}")
    assert answer.status_code >= 400
    told = rows.decode(answer.content)["details"]["records"][0]["error"]["details"]
    assert equal(told)
    assert str(told["zeros"]) == "1.10"


def test_metadata_and_filters_too(http: httpx.Client, filled: psycopg.Connection[Any]) -> None:
    body = f'{{"stream_id": "dev", "provider": "push", "id": "m", "metadata": {TEXT}}}'
    assert is_whole(http.post("/v1/syncs", content=body).content, "metadata")
    assert is_whole(http.get("/v1/syncs/m").content, "metadata")


def test_a_number_that_python_cannot_hold_is_no_crash(filled: psycopg.Connection[Any], db: str) -> None:
    with Client.connect(db) as client, pytest.raises(SluiceError) as refused:
        client.record_ingest("my-sync", "push:order", '[{"upstream_id": "1", "data": {"n": 1e999999}}]')
    assert refused.value.code == "SL001"
