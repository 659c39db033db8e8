"""Makes `tests/upgrade/NNNN/`: a database with data as the release with migration NNNN leaves it. See README.md beside this file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from pgsluice.db import embedded
from pgsluice.db.client import Client
from pgsluice.db.migrate import migrate
from pgsluice.db.secrets import parse_key
from pgsluice.db.sources import read_sources

HERE = Path(__file__).parent
KEY = "0" * 64  # seals nothing real
PRELUDE = """\
-- Frozen: a database as this release left it. Made by freeze.py, never edited.
do $$
declare
    v_role text;
begin
    foreach v_role in array string_to_array('{roles}', ' ') loop
        if to_regrole(v_role) is null then
            begin
                execute format('create role %I nologin', v_role);
            exception when duplicate_object or unique_violation then
                -- Another database of the cluster made it just now.
                null;
            end;
        end if;
    end loop;
end
$$;
"""
# What newer versions of pg_dump write and older servers or versions of psql do not read.
NEWER = re.compile(r"^(\\(un)?restrict\b.*|SET transaction_timeout = .*)\n", re.MULTILINE)


def main(name: str) -> None:
    sources = read_sources()
    newest = sources.migrations[-1].name[:4]
    if name != newest:
        sys.exit(f"the newest migration is {newest}, so that is what can be frozen")
    folder = HERE / name
    with tempfile.TemporaryDirectory(prefix="pgsluice-freeze-") as scratch:
        Path(scratch).chmod(0o711)  # the server's account passes when we are root
        data_dir = Path(scratch) / "data"
        with embedded.start(data_dir, durable=False) as server:
            migrate(server.conninfo)
            facts = fill(server.conninfo)
            schemas = [f"--schema={name}" for name in ("sluice", "sluice_internal", "sluice_views")]
            dump = [embedded.programs("pg_dump", server.bin_dir), *schemas, "-d", server.conninfo]
            text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        embedded.wait_until_stopped(data_dir)
    folder.mkdir(exist_ok=True)
    (folder / "schema.sql").write_text(PRELUDE.format(roles=" ".join(sources.role_names)) + NEWER.sub("", text))
    (folder / "facts.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    print(f"wrote {folder}")


def fill(conninfo: str) -> dict[str, Any]:
    """One of everything: streams, syncs, records of all kinds, messages in every state. Answers what a test can compare."""
    with Client.connect(conninfo, master_key=parse_key(KEY)) as client:
        client.stream_create("frozen", lanes=4)
        client.stream_create("empty")
        client.credential_create("stripe", "key", "stripe_key", secret={"secret": "sk_test_nothing"}, name="a key")
        client.sync_create("frozen", "push", "pushed", metadata={"tenant": "ä ☃"}, external_id="42")
        client.sync_create("frozen", "stripe", "polled", collection_ids=["stripe:customer"], credential_id="key", sync_frequency="5 min")
        client.sync_pause("polled")
        grant(client)
        leave_behind(client)
        ingest(client)
        tokens = deliver(client)
    with psycopg.connect(conninfo) as conn:
        # A year is the longest lease, and these must outlast the tests of every later release.
        conn.execute("update sluice_internal.consumer_steps set leased_until = '2199-01-01' where leased_until is not null")
        conn.execute("update sluice_internal.consumer_steps set next_due = '2199-01-01' where next_due > now() + interval '1 day'")
        columns = "sync_id, collection_id, upstream_id, updated_idx, deleted, data::text"
        records = conn.execute(f"select {columns} from sluice.records order by updated_idx").fetchall()
        looks = {name: look(conn, name) for name in LOOKS}
    return {"records": [list(record) for record in records], "tokens": tokens, **looks}


def ingest(client: Client) -> None:
    first = [{"upstream_id": f"u{n}", "data": {"n": n, "text": "naïve ☃"}} for n in range(40)]
    client.record_ingest("pushed", "push:user", first)
    digits = '[{"upstream_id": "digits", "data": {"amount": 1.10, "big": 12345678901234567890.123}}]'
    client.record_ingest("pushed", "push:order", digits)
    dated = {
        "upstream_id": "dated",
        "data": {},
        "upstream_created_at": "2026-01-01T00:00:00Z",
        "upstream_updated_at": "2026-02-01T00:00:00Z",
    }
    client.record_ingest("pushed", "push:order", [dated])
    client.record_ingest("pushed", "push:user", [{"upstream_id": "u3", "data": {"n": 3000}}, {"upstream_id": "u4", "deleted": True}])


def grant(client: Client) -> None:
    """An access that a person gave through an app, word from the vendor, a write that waits."""
    client.oauth_app_create("stripe", "ca_frozen", client_secret="nothing", oauth_app_id="app", redirect_urls=["https://example.com/back"])
    pair = {"access_token": "nothing", "refresh_token": "nothing"}
    client.credential_create("stripe", "granted", "stripe_app_oauth2", secret=pair, account="acct_frozen", oauth_app_id="app")
    client.sync_create("frozen", "stripe", "theirs", collection_ids=["stripe:customer"], credential_id="granted")
    client.sync_pause("theirs")
    client.sync_webhook_subscribe("theirs")
    client.mutation_run("update", "polled", "stripe:customer", [{"upstream_id": "cus_1", "data": {"name": "☃"}}], idempotency_key="once")


def leave_behind(client: Client) -> None:
    """What pollers have yet to clear away: a subscription at a vendor, entries of records that are gone, the log of a deleted stream."""
    client.sync_create("frozen", "stripe", "silent", collection_ids=["stripe:customer"], credential_id="key")
    client.sync_pause("silent")
    client.sync_webhook_subscribe("silent")
    client.sync_webhook_delete("silent")
    client.stream_create("doomed", lanes=2)
    for stream_id, sync_id in (("frozen", "gone"), ("doomed", "gone too")):
        client.sync_create(stream_id, "push", sync_id)
        client.record_ingest(sync_id, "push:user", [{"upstream_id": f"g{n}", "data": {"n": n}} for n in range(5)])
        client.sync_delete(sync_id)
        for _ in client.finish(sync_id):
            pass
    client.stream_delete("doomed")


# What `look` compares; a view that an old release did not have yet has no rows in its facts.
LOOKS = {
    "apps": "select oauth_app_id, provider, client_id, scopes, redirect_urls, key_version from sluice.oauth_apps order by 1",
    "credentials": "select credential_id, provider, kind, account, oauth_app_id, version from sluice.credentials order by 1",
    "syncs": "select sync_id, stream_id, provider, credential_id, external_id, status from sluice.syncs order by 1",
    "webhooks": "select sync_id, enabled from sluice_internal.webhooks order by 1",
    "mutations": "select sync_id, kind, idempotency_key, status from sluice.mutations order by 1",
    "unsubscriptions": "select sync_id, provider, credential_id from sluice_internal.unsubscriptions order by 1",
    "log": "select stream_no, lane, updated_idx from sluice_internal.positions order by 1, 2, 3",
    "trims": "select stream_no, kept, replaced, lane, after_idx, pass_kept from sluice_internal.stream_trims order by 1",
    "counts": "select sync_id, collection_id, records, changes, stream_no from sluice_internal.count_deltas order by 1, 2",
    "sealed": "select credential_id, encode(sealed, 'hex'), key_version from sluice_internal.credentials order by 1",
}


def look(conn: psycopg.Connection[Any], name: str) -> list[list[Any]]:
    return [list(row) for row in conn.execute(LOOKS[name].encode())]


def deliver(client: Client) -> dict[str, list[str]]:
    """Messages that are acked, given back, and held."""
    client.consumer_create("worker", "frozen", ack_wait="1 year", max_deliver=3)
    client.consumer_create("idle", "frozen", "new")
    messages = client.consumer_next("worker", 30)
    tokens = [message["ack_token"] for message in messages]
    acked, nacked, held = tokens[:10], tokens[10:15], tokens[15:]
    assert client.consumer_ack("worker", acked)["accepted"] == len(acked)
    assert client.consumer_nack("worker", nacked)["accepted"] == len(nacked)
    return {"acked": acked, "nacked": nacked, "held": held}


if __name__ == "__main__":
    main(sys.argv[1])
