"""The commands about mutations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import IO, Any, Final

import click

from pgsluice.calling import INT, POSITIVE_SECONDS, Call, calling, or_unset, text_of, watch_option
from pgsluice.db.client import Client
from pgsluice.db.errors import make

ITEM_COLUMNS: Final = ("item_no", "status", "upstream_id", "attempt", "error")
WATCH: Final = 0.2


@click.group()
def mutation() -> None:
    """Mutations: writes to vendors."""


@mutation.command("run")
@click.argument("kind", type=click.Choice(["create", "update", "delete", "upsert"]))
@click.argument("sync_id")
@click.argument("collection_id")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--match-on", help="Field by which an upsert finds its object.")
@click.option("--idempotency-key", help="The same request with the same key is done once.")
@click.option("--if-match", help="Version that the object must still have.")
@click.option("--wait", type=POSITIVE_SECONDS, help="Wait so many seconds for the results; exit status 1 if an item failed.")
@calling
def mutation_run(call: Call, *, file: IO[bytes], wait: float | None, **options: Any) -> None:
    """Queue a write: a JSON array from FILE (- is standard input); a poller sends it.

    create: [{…}, …], objects as the vendor has them; update: [{"upstream_id": …, "data": {…}}]; delete: [{"upstream_id": …}].
    """
    arguments = {**{name: or_unset(value) for name, value in options.items()}, "data": text_of(file.read())}
    row = call.run("mutation_run", arguments)
    if row is None:
        return
    if wait is None:
        call.print_one(row)
        return
    with call.installation.client(raw_json=True) as client:
        row = _wait(client, row, wait)
        items = client.mutation_result(row["mutation_id"])
    if call.as_json:
        call.print_one({**row, "results": items})
    else:
        call.print_many(items, ITEM_COLUMNS, "")
    if row["finished_at"] is None:
        raise make("the mutation is not finished", code="SL205", hint=f"look later: pgsluice mutation result {row['mutation_id']}")
    click.get_current_context().exit(0 if row["status"] == "succeeded" else 1)


def _wait(client: Client, row: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The mutation, once it is finished or the time is up."""
    end = time.monotonic() + seconds
    while True:
        found = client.mutation_info(row["mutation_id"])
        if found["finished_at"] is not None or time.monotonic() > end:
            return found
        time.sleep(WATCH)


@mutation.command("list")
@click.option("--sync", "sync_id", help="Only those of this sync.")
@watch_option
@calling
def mutation_list(call: Call, sync_id: str | None) -> None:
    """List the mutations."""
    columns = ("mutation_id", "sync_id", "collection_id", "kind", "status", "items", "failed", "created_at", "finished_at")
    call.view("mutations", columns, "No mutation yet: pgsluice mutation run --help", sync_id=sync_id)


@mutation.command("result")
@click.argument("mutation_id")
@calling
def mutation_result(call: Call, mutation_id: str) -> None:
    """Show what became of each item."""
    found = call.run("mutation_result", {"mutation_id": mutation_id})
    if found is not None:
        call.print_many(found, ITEM_COLUMNS, "")


@mutation.command("cancel")
@click.argument("mutation_id")
@calling
def mutation_cancel(call: Call, mutation_id: str) -> None:
    """Take back the items that were not sent yet."""
    call.one("mutation_cancel", mutation_id=mutation_id)


@mutation.command("resolve")
@click.argument("mutation_id")
@click.argument("item_no", type=INT)
@click.argument("status", type=click.Choice(["succeeded", "failed", "queued"]))
@calling
def mutation_resolve(call: Call, mutation_id: str, item_no: int, status: str) -> None:
    """Decide an item whose outcome is unknown, after a look at the vendor; queued sends it once more."""
    call.one("mutation_resolve", mutation_id=mutation_id, item_no=item_no, status=status)
