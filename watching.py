"""Syncs as they go: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pgsluice import terminal
from pgsluice.db import rows
from pgsluice.db.client import Client
from pgsluice.db.rows import Row
from pgsluice.installation import Lasting

COLLECTION_COLUMNS: Final = (
    "collection_id", "state", "records", "changes", "progress", "total", "rate", "remaining", "last_success_at", "last_error"
)  # fmt: skip
COLOURS: Final = {
    "active": "green",
    "backfilling": "cyan",
    "pending": "yellow",
    "rate_limited": "yellow",
    "error": "bold red",
    "paused": "dim",
    "deleting": "magenta",
}
COLUMNS: Final = ("sync", "provider", "status", "first reading", "records", "per second", "last success", "reason")
# A window with fewer columns than that goes without these.
WIDE: Final = 100
LEFT_OUT: Final = {"provider", "last success"}
# Rates are means over about so many seconds.
SPAN: Final = 5.0
# Rows of a live table; a window has no more.
MOST: Final = 200


@dataclass
class Rates:
    """Records a second of each sync, from one look to the next."""

    seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def of(self, sync_id: str, changes: int, now: float) -> float:
        looks = self.seen.setdefault(sync_id, [])
        looks.append((now, changes))
        while len(looks) > 2 and now - looks[1][0] > SPAN:
            looks.pop(0)
        (first, before), (last, after) = looks[0], looks[-1]
        return max(after - before, 0) / (last - first) if last > first else 0.0


def syncs(lasting: Lasting, filters: Mapping[str, Any], *, as_json: bool) -> None:
    """Goes on until Ctrl-C, and while the database is away. What was seen last stays on the screen."""
    rates = Rates()

    def look() -> list[Row] | None:
        return lasting.look(lambda client: _look(client, filters, rates))

    if not as_json and sys.stdout.isatty():
        terminal.watch(lambda: None if (found := look()) is None else table(found))
        return
    with suppress(KeyboardInterrupt):
        _lines(look, as_json=as_json)


def _lines(look: Callable[[], list[Row] | None], *, as_json: bool) -> None:
    """A line for each sync, and again when it has changed."""
    shown: dict[str, Any] = {}
    away = False
    while True:
        found = look()
        if found is None and not away:
            terminal.note(terminal.AWAY)
        away = found is None
        for row in found or ():
            facts = (row["status"], row["records"], row["changes"], row["reason"])
            if shown.get(row["sync_id"]) != facts:
                shown[row["sync_id"]] = facts
                click.echo(rows.encode(row) if as_json else _line(row))
        sys.stdout.flush()
        time.sleep(terminal.WATCH)


def _line(row: Row) -> str:
    words = [row["sync_id"], row["status"], f"{row['records']} records"]
    if row["rate"]:
        words.append(f"{row['rate']:.0f}/s")
    if row["progress"] is not None:
        words.append(f"{row['progress']:.0%} read")
    return terminal.clean("  ".join([*words, *([str(row["reason"])] if row["reason"] else [])]))


def _look(client: Client, filters: Mapping[str, Any], rates: Rates) -> list[Row]:
    """Each sync with its records, its rate and how much of its first reading is done (0 to 1; None where there is none)."""
    found = client.syncs(**filters, limit=MOST)
    one = found[0]["sync_id"] if len(found) == 1 else None
    counted: dict[str, list[Row]] = {}
    for each in client.collections(stream_id=filters.get("stream_id"), sync_id=one):
        counted.setdefault(each["sync_id"], []).append(each)
    return list(_facts(found, counted, rates, time.monotonic()))


def _facts(found: Sequence[Row], counted: Mapping[str, Sequence[Row]], rates: Rates, now: float) -> Iterator[Row]:
    for row in found:
        collections = counted.get(row["sync_id"], ())
        changes = sum(each["changes"] for each in collections)
        backfilling = row["status"] in {"pending", "backfilling"}
        yield {
            "sync_id": row["sync_id"],
            "stream_id": row["stream_id"],
            "provider": row["provider"],
            "status": row["status"],
            "records": sum(each["records"] for each in collections),
            "changes": changes,
            "rate": round(rates.of(row["sync_id"], changes, now), 1),
            "progress": progress(collections) if backfilling else None,
            "last_success_at": row["last_success_at"],
            "reason": row["health"]["reason"],
        }


def progress(collections: Sequence[Row]) -> float | None:
    """Of the first reading: by the records where the vendor says how many there are, else by the collections that are done."""
    if not collections:
        return None
    return sum(_part(each) for each in collections) / len(collections)


def _part(collection: Row) -> float:
    if collection["backfilled"]:
        return 1.0
    total = collection.get("total")
    return min((collection["progress"] or 0) / total, 1.0) if total else 0.0


def table(found: Sequence[Row]) -> RenderableType:
    if not found:
        return Text("No sync yet: pgsluice sync create --help")
    columns = COLUMNS if terminal.OUT.width >= WIDE else [name for name in COLUMNS if name not in LEFT_OUT]
    made = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in {"records", "per second"} else "left",
            overflow="fold",
            no_wrap=column in {"status", "records"},
        )
    for row in found:
        cells = _cells(row)
        made.add_row(*(cells[column] for column in columns))
    return Group(made, Text(f"the first {MOST}", "dim")) if len(found) == MOST else made


def _cells(row: Row) -> dict[str, RenderableType]:
    done = row["progress"]
    return {
        "sync": terminal.text(row["sync_id"]),
        "provider": row["provider"],
        "status": Text(row["status"], COLOURS.get(row["status"], "")),
        "first reading": "" if done is None else ProgressBar(total=1.0, completed=done, width=16),
        "records": f"{row['records']:,}",
        "per second": f"{row['rate']:,.0f}" if row["rate"] else "",
        "last success": terminal.text(row["last_success_at"]),
        "reason": terminal.text(row["reason"]),
    }


def one(client: Client, sync_id: str) -> RenderableType:
    """A sync and its collections."""
    row = client.sync_info(sync_id)
    lines = Text("\n".join(terminal.lines(row)))
    return Group(lines, Text(), terminal.table(client.collections(sync_id=sync_id), COLLECTION_COLUMNS, ""))
