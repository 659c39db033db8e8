"""`make plans`: how the hot queries are carried out at ten million records, written to docs/explanation/plans.md.

Each call is shown with its time and the pages it touched at ten thousand records, at many, and once more after heavy use while an old
snapshot is held; then, statement by statement, with the plans that the server chose at many.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from rich.progress import Progress

from pgsluice.bench.__main__ import ROOT, bin_dir, console, server
from pgsluice.bench.engines.base import BODY, Connection
from pgsluice.bench.engines.sluice import STREAM, Sluice

PAGE = ROOT / "docs/explanation/plans.md"
SMALL = 10_000
TIMES = 15
COUNTER = iter(range(1, 10**9))
Call = Callable[[Connection], Any]


class Seen(NamedTuple):
    """One call: its time, the pages it touched, its statements with their plans."""

    milliseconds: float
    pages: int
    statements: list[tuple[str, str]]


def tokens_of(conn: Connection, consumer: str, size: int) -> list[str]:
    return [row[0] for row in conn.execute("select ack_token from sluice.consumer_next(%s, %s)", (consumer, size))]


def ingest(upstream_ids: Iterable[str], change: int) -> Call:
    data = {"change": change, "text": "x" * 900}
    records = json.dumps([{"upstream_id": upstream_id, "data": data} for upstream_id in upstream_ids])
    return lambda conn: conn.execute("select * from sluice.record_ingest('bench', 'push:item', %s::jsonb)", (records,))


def new(count: int) -> Call:
    turn = next(COUNTER)
    return ingest((f"plan-{turn}-{n}" for n in range(count)), turn)


def known(first: int, count: int, change: int) -> Call:
    """Of those that were there from the beginning."""
    return ingest((f"fill-{n}" for n in range(first, first + count)), change)


def calls(conn: Connection, many: int) -> Iterator[tuple[str, Callable[[], Call]]]:
    """What is called, by its name in the page; each time with a new statement made ready."""

    def taking(size: int, consumer: str) -> Callable[[], Call]:
        return lambda: lambda c: c.execute("select * from sluice.consumer_next(%s, %s)", (consumer, size))

    def acking(size: int, consumer: str) -> Callable[[], Call]:
        def ready() -> Call:
            tokens = tokens_of(conn, consumer, size)
            return lambda c: c.execute("select * from sluice.consumer_ack(%s, %s)", (consumer, tokens))

        return ready

    def near_the_end() -> Call:
        new(10)(conn)
        return lambda c: c.execute("select * from sluice.consumer_next('end', 10)")

    def few_of_many_lanes() -> Call:
        found = [row[0] for row in near_the_end()(conn)]
        return lambda c: c.execute("select * from sluice.consumer_ack('end', %s)", (found,))

    yield "consumer_next, nothing there", taking(10, "end")
    yield "consumer_next, 1 message", taking(1, "one")
    yield "consumer_next, 10 messages", taking(10, "ten")
    yield "consumer_next, 100 messages", taking(100, "hundred")
    yield "consumer_next, 10 messages in as many lanes, at the end of the stream", near_the_end
    yield "consumer_next, a filter that lets one of a thousand pass", taking(10, "filtered")
    yield "consumer_ack, a batch of 100", acking(100, "hundred")
    yield "consumer_ack, 10 messages of as many lanes", few_of_many_lanes
    yield "consumer_peek, 10", lambda: lambda c: c.execute("select * from sluice.consumer_peek('ten', 10)")
    yield "consumer_info", lambda: lambda c: c.execute("select * from sluice.consumer_info('ten')")
    yield "consumer_seek, to the middle", lambda: lambda c: c.execute("select sluice.consumer_seek('seek', %s)", (str(many // 2),))
    yield "record_ingest, 1 new", lambda: new(1)
    yield "record_ingest, 100 new", lambda: new(100)
    yield "record_ingest, 100 changed", lambda: known(many // 3, 100, next(COUNTER))
    unchanged = known(many // 2, 100, 7)
    yield "record_ingest, 100 unchanged", lambda: unchanged
    yield from pollers_calls(conn)


def pollers_calls(conn: Connection) -> Iterator[tuple[str, Callable[[], Call]]]:
    """What pollers call, with 2,000 syncs that are due. Each claim finishes what it took: rows die as in real use."""
    conn.execute("select sluice_internal._poller_heartbeat('plans', 'here', 1)")
    held = conn.execute("select sync_id, epoch from sluice_internal._sync_claim('plans', 1)").fetchall()[0]

    def claiming(count: int) -> Callable[[], Call]:
        def ready() -> Call:
            conn.execute("update sluice_internal.sync_runs set poller_id = null where poller_id = 'plans' and sync_id <> %s", held[:1])
            return lambda c: c.execute("select * from sluice_internal._sync_claim('plans', %s)", (count,))

        return ready

    def page(first: int, change: int) -> Call:
        data = {"change": change, "text": "x" * 900}
        records = json.dumps([{"collection_id": "push:item", "upstream_id": f"page-{first + n}", "data": data} for n in range(100)])
        query = "select * from sluice_internal._page_commit(%s, 'plans', %s, 'push:item', '{}', false, %s::jsonb, '[]', clock_timestamp())"
        return lambda c: c.execute(query, (*held, records))

    yield "_sync_claim, 10 of 2,000 that are due", claiming(10)
    yield "_sync_due", lambda: lambda c: c.execute("select * from sluice_internal._sync_due('plans')")
    yield "_page_commit, 100 new", lambda: page(100 * next(COUNTER), 1)
    same = page(-1000, 1)
    same(conn)
    yield "_page_commit, 100 unchanged", lambda: same


@contextmanager
def explained(conn: Connection) -> Iterator[list[str]]:
    """The plans of every statement that runs meanwhile, nested ones too."""
    found: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        found.append(diagnostic.message_primary or "")

    conn.add_notice_handler(note)
    try:
        yield found
    finally:
        conn.remove_notice_handler(note)


def observe(conn: Connection, ready: Callable[[], Call]) -> Seen:
    """The median call of several; its plans are those of the last."""
    runs: list[Seen] = []
    for _ in range(TIMES):
        call = ready()
        conn.execute("set auto_explain.log_min_duration = 0")
        with explained(conn) as notes:
            call(conn)
        conn.execute("set auto_explain.log_min_duration = -1")
        runs.append(read(notes))
    middle = sorted(runs, key=lambda seen: seen.milliseconds)[TIMES // 2]
    return Seen(middle.milliseconds, int(statistics.median(seen.pages for seen in runs)), runs[-1].statements)


def read(notes: Sequence[str]) -> Seen:
    """Notices of auto_explain: `duration: 0.1 ms  plan:`, then JSON. The outermost statement comes last and contains the others."""
    found = [(float(m[1]), json.loads(m[2])) for n in notes if (m := re.match(r"duration: ([0-9.]+) ms  plan:\n(.*)", n, re.DOTALL))]
    outer = found[-1][0]
    pages = max(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] for _, plan in found)
    return Seen(outer, pages, [(headline(plan["Query Text"]), "\n".join(lines(plan["Plan"], 0))) for _, plan in found[:-1]])


def headline(text: str) -> str:
    return textwrap.shorten(" ".join(text.split()), 110, placeholder=" …")


def lines(node: dict[str, Any], depth: int) -> Iterator[str]:
    what = node["Node Type"]
    for name in ("Index Name", "Relation Name", "CTE Name", "Function Name"):
        if name in node:
            what += f" {node[name]}"
    if node.get("Subplan Name"):
        what = f"{node['Subplan Name']}: {what}"
    if node.get("Scan Direction") == "Backward":
        what += ", backward"
    if node["Actual Loops"]:
        touched = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
        yield f"{'  ' * depth}{what}  rows={node['Actual Rows']:g} loops={node['Actual Loops']:g} pages={touched}"
        if "Index Cond" in node:
            yield f"{'  ' * (depth + 2)}{textwrap.shorten(node['Index Cond'], 120)}"
        for below in node.get("Plans", ()):
            yield from lines(below, depth + 1)


def fill(conn: Connection, first: int, until: int) -> None:
    """Records as ingest leaves them, put in several times faster than it could."""
    conn.execute(
        f"""with written as (
            insert into sluice.records (sync_id, collection_id, upstream_id, updated_idx, data, stream_id)
            select 'bench', 'push:item', 'fill-' || n, n + 1, {BODY}, %s from generate_series(%s::int, %s) as n
            returning record_no, updated_idx
        )
        insert into sluice_internal.positions (stream_no, lane, first, updated_idx, record_no)
        select s.stream_no, w.record_no %% s.lanes, true, w.updated_idx, w.record_no
        from written as w cross join sluice_internal.streams as s where s.stream_id = %s""",
        (STREAM, first, until - 1, STREAM),
    )


def prepare(conn: Connection, engine: Sluice, many: int) -> None:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{many:,} records", total=many)
        engine.fill(conn, 1000)
        for start in range(1000, many, 50_000):
            fill(conn, start, min(start + 50_000, many))
            progress.update(task, completed=start + 50_000)
        conn.execute("select setval('sluice_internal.position_1', %s)", (many,))
        conn.execute("analyze")
    for number in range(2000):
        conn.execute("select sluice.sync_create(%s, 'push', %s)", (STREAM, f"due{number}"))
    conn.execute("insert into sluice_internal.sync_runs (sync_id) select sync_id from sluice_internal.syncs on conflict do nothing")
    for consumer in ("one", "ten", "hundred", "seek"):
        conn.execute("select sluice.consumer_create(%s, %s)", (consumer, STREAM))
    conn.execute("select sluice.consumer_create('end', %s, 'new')", (STREAM,))
    conn.execute(
        "select sluice.consumer_create('filtered', %s, filter => %s::jsonb)",
        (STREAM, json.dumps({"where": "$.id ? (@ % 1000 == 777)"})),
    )


def measured(conn: Connection, many: int) -> dict[str, Seen]:
    conn.execute("load 'auto_explain'")
    for setting in ("log_analyze = on", "log_buffers = on", "log_nested_statements = on", "log_timing = off", "log_format = json"):
        conn.execute(f"set auto_explain.{setting}".encode())
    conn.execute("set client_min_messages = log")
    return {name: observe(conn, ready) for name, ready in calls(conn, many)}


def churn(conn: Connection, batches: int) -> None:
    """Batches taken and acknowledged, and records changed, which leaves dead rows behind. One consumer gets to the end of the stream."""
    for turn in range(batches):
        for consumer, size in (("ten", 10), ("hundred", 100), ("one", 1), ("end", 10)):
            conn.execute("select * from sluice.consumer_ack(%s, %s)", (consumer, tokens_of(conn, consumer, size)))
        known(20 * turn, 20, turn)(conn)
    while tokens := tokens_of(conn, "end", 1000):
        conn.execute("select * from sluice.consumer_ack('end', %s)", (tokens,))


def page(found: Sequence[dict[str, Seen]], many: int, batches: int, version: str) -> str:
    small, large, used = found
    rows = "\n".join(
        f"| {name} | {small[name].milliseconds:.2f}, {small[name].pages} | {seen.milliseconds:.2f}, {seen.pages} "
        f"| {used[name].milliseconds:.2f}, {used[name].pages} |"
        for name, seen in large.items()
    )
    plans = "\n\n".join(
        f"## {name}\n\n" + "\n\n".join(f"`{what}`\n\n```\n{plan}\n```" for what, plan in seen.statements if plan.count("\n"))
        for name, seen in large.items()
    )
    return f"""# Plans of the hot queries

Made by `make plans` on PostgreSQL {version}, with records of about 1 kB and 16 lanes. Milliseconds in the server without the commit
(auto_explain included, which makes them longer), and pages of 8 kB touched: the median of {TIMES} calls. The last column: after
{batches:,} batches of each of four consumers and {20 * batches:,} changed records, all under a snapshot that was opened before and is
still held, so that nothing could be vacuumed.

| call | 10,000 records: ms, pages | {many:,}: ms, pages | after use, old snapshot: ms, pages |
|---|---|---|---|
{rows}

Below, the plan of each statement that has more than one node, at {many:,} records: rows and loops as they were, pages touched. Parts that
were not carried out are left out.

{plans}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="plans", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--batches", type=int, default=5_000, help="of each consumer, before the third column")
    parser.add_argument("--server", default="15", choices=["15", "18"])
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    programs = bin_dir(options.server)
    if programs is None:
        sys.exit(f"no PostgreSQL {options.server} on this machine")
    engine = Sluice()
    found: list[dict[str, Seen]] = []
    with server(programs) as started:
        with psycopg.connect(started.conninfo, autocommit=True) as admin:
            for name in ("small", "large"):
                admin.execute(f"create database {name} template template0 encoding 'utf8' lc_collate 'C' lc_ctype 'C'".encode())
        for name, many in (("small", SMALL), ("large", options.records)):
            conninfo = psycopg.conninfo.make_conninfo(started.conninfo, dbname=name)
            with psycopg.connect(conninfo, autocommit=True) as conn:
                engine.install(conn)
            with engine.connect(conninfo) as conn:
                prepare(conn, engine, many)
                found.append(measured(conn, many))
                version = conn.info.parameter_status("server_version") or ""
        with engine.connect(conninfo) as conn, psycopg.connect(conninfo) as old:
            old.execute("set transaction isolation level repeatable read")
            old.execute("select count(*) from sluice.consumers")
            churn(conn, options.batches)
            conn.execute("select sluice.consumer_seek('seek', 'start')")
            found.append(measured(conn, options.records))
    options.output.write_text(page(found, options.records, options.batches, version))
    console.print(f"written: {options.output}")


if __name__ == "__main__":
    main()
