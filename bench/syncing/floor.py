"""The floor: fetch a page, COPY it, upsert it, commit; nothing else. What one would write by hand, without any of the promises."""

from __future__ import annotations

import json
import sys
import time

import httpx
import psycopg

from pgsluice.bench.syncing.said import say

UPSERT = "insert into floor_records select * from page on conflict (id) do update set data = excluded.data"


def main(conninfo: str, url: str, key: str, *paths: str) -> None:
    with (
        psycopg.connect(conninfo, autocommit=True) as conn,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client,
    ):
        conn.execute("create table if not exists floor_records (id text primary key, data jsonb not null)")
        conn.execute("create temp table page (id text, data jsonb) on commit delete rows")
        begun = time.monotonic()
        for path in paths:
            read(conn, client, path)
        say(time.monotonic() - begun)


def read(conn: psycopg.Connection, client: httpx.Client, path: str) -> None:
    params = {"limit": "100"}
    more = True
    while more:
        page = client.get(f"/v1/{path}", params=params).json()
        with conn.transaction(), conn.cursor() as cursor:
            with cursor.copy("copy page from stdin") as copy:
                for record in page["data"]:
                    copy.write_row((record["id"], json.dumps(record)))
            cursor.execute(UPSERT)
        more = page["has_more"]
        if more:
            params["starting_after"] = page["data"][-1]["id"]


if __name__ == "__main__":
    main(*sys.argv[1:])
