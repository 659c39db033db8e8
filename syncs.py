"""The commands about syncs and what hangs on them: quarantine and notices."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from pgsluice import terminal, watching
from pgsluice.calling import (
    BIGINT,
    INT,
    POSITIVE_SECONDS,
    Call,
    Number,
    Seconds,
    calling,
    learn,
    metadata_option,
    or_unset,
    rate_limit,
    watch_option,
)
from pgsluice.db import rows
from pgsluice.db.calls import UNSET
from pgsluice.progress import wait_until_read
from pgsluice.providers import registry

COLUMNS = ("sync_id", "stream_id", "provider", "status", "last_success_at", "next_attempt_at", "error")


@click.group()
def sync() -> None:
    """Syncs: connections to accounts."""


@sync.command("create")
@click.argument("sync_id", required=False)
@click.option("--stream", "stream_id", help="Stream to write into.  [the only one]")
@click.option("--provider", "provider_name", help="For example stripe, or push.  [that of the credential]")
@click.option("--credential", "credential_id", help="Credential that opens the account.")
@click.option("--collection", "collections", multiple=True, help="What to read; repeatable.  [everything]")
@click.option("--name", help="A name for people.")
@click.option("--external-id", help="Your own id for the account.")
@click.option("--rate-limit", metavar="REQUESTS/SECONDS", callback=rate_limit, help="Requests at most, for example 100/60.")
@click.option("--max-age-days", type=Number(1, 2**31 - 1), help="Read and keep only objects newer than this.")
@click.option("--sync-frequency", type=POSITIVE_SECONDS, help="Seconds between two readings.  [continuous]")
@metadata_option
@click.option("--wait", is_flag=True, help="Wait until a poller has read the account; exit status 1 if it cannot.")
@calling
def sync_create(
    call: Call,
    *,
    sync_id: str | None,
    stream_id: str | None,
    provider_name: str | None,
    credential_id: str | None,
    collections: tuple[str, ...],
    sync_frequency: float | None,
    wait: bool,
    **options: Any,
) -> None:
    """Create a sync; a poller starts on it at once."""
    provider_name = provider_name or _provider_of(call, credential_id)
    learn(call, provider_name)
    chosen = list(collections) or registry.whole(provider_name)
    arguments = {
        "stream_id": call.stream_or_only_one(stream_id),
        "provider": provider_name,
        "sync_id": or_unset(sync_id),
        "collection_ids": or_unset(chosen or None),
        "credential_id": or_unset(credential_id),
        "sync_frequency": UNSET if sync_frequency is None else timedelta(seconds=sync_frequency),
        **{name: or_unset(value) for name, value in options.items()},
    }
    row = call.run("sync_create", arguments)
    if row is not None and wait:
        with call.installation.client() as client:
            row = wait_until_read(client, row["sync_id"], shown=not call.as_json)
    if row is not None:
        call.print_one(row)


def _provider_of(call: Call, credential_id: str | None) -> str:
    if credential_id is None:
        raise click.UsageError("Missing option '--provider' (or '--credential', which has one).")
    with call.installation.client() as client:
        return str(client.credential_info(credential_id)["provider"])


@sync.command("list")
@click.option("--stream", "stream_id", help="Only those of this stream.")
@click.option("--provider", help="Only those of this provider.")
@click.option("--name", help="Only those of this name.")
@click.option("--status", help="Only those that are pending, backfilling, active, rate_limited, error, paused or deleting.")
@click.option("--external-id", help="Only those with this id of yours.")
@metadata_option
@click.option("--watch", "watched", is_flag=True, help="Go on: a live table on a terminal, elsewhere a line for each change.")
@calling
def sync_list(call: Call, *, watched: bool, **filters: Any) -> None:
    """List the syncs with where they stand. With --metadata, those whose metadata contains it."""
    if watched and call.shown:
        raise click.UsageError("--watch is no single call: without --as-sql and --as-curl")
    if not watched:
        call.view("syncs", COLUMNS, "No sync yet: pgsluice sync create --help", **filters)
        return
    with call.installation.lasting() as lasting:
        watching.syncs(lasting, filters, as_json=call.as_json)


@sync.command("info")
@click.argument("sync_id")
@watch_option
@calling
def sync_info(call: Call, sync_id: str) -> None:
    """Show a sync, and how far each of its collections is."""
    if call.watch:
        call.live(lambda client: watching.one(client, sync_id))
        return
    row = call.run("sync_info", {"sync_id": sync_id})
    if row is None:
        return
    with call.installation.client(raw_json=True) as client:
        found = client.collections(sync_id=sync_id)
    if call.as_json:
        call.print_one({**row, "collections": rows.RawJSON(rows.encode(found))})
        return
    call.print_one(row)
    if found:
        click.echo()
        call.print_many(found, watching.COLLECTION_COLUMNS, "")


@sync.command("update")
@click.argument("sync_id")
@click.option("--name", help='A name for people; "" for none.')
@click.option("--collection", "collections", multiple=True, help="What to read, all of it; repeatable.")
@click.option("--drop-records", is_flag=True, help="Remove the records of collections that are not in the list any more.")
@click.option("--credential", "credential_id", help="Another credential of the same provider.")
@click.option("--external-id", help='Your own id for the account; "" for none.')
@click.option("--rate-limit", metavar="REQUESTS/SECONDS", callback=rate_limit, help="Requests at most, for example 100/60.")
@click.option("--no-rate-limit", is_flag=True, help="Take the limit away.")
@click.option("--max-age-days", type=INT, help="Read and keep only objects newer than this; 0: all.")
@click.option("--sync-frequency", type=Seconds(min=0, max=1e9), help="Seconds between two readings; 0: continuous.")
@metadata_option
@calling
def sync_update(
    call: Call,
    *,
    sync_id: str,
    collections: tuple[str, ...],
    drop_records: bool,
    no_rate_limit: bool,
    sync_frequency: float | None,
    **options: Any,
) -> None:
    """Change a sync; what is left out stays."""
    if no_rate_limit:
        if options["rate_limit"] is not None:
            raise click.UsageError("--rate-limit and --no-rate-limit exclude each other")
        options["rate_limit"] = {}
    call.one(
        "sync_update",
        sync_id=sync_id,
        collection_ids=or_unset(list(collections) or None),
        drop_records=drop_records or UNSET,
        sync_frequency=UNSET if sync_frequency is None else timedelta(seconds=sync_frequency),
        **{name: or_unset(value) for name, value in options.items()},
    )


def _sync_command(name: str, words: str) -> None:
    @sync.command(name, help=words)
    @click.argument("sync_id")
    @calling
    def command(call: Call, sync_id: str) -> None:
        call.one(f"sync_{name}", sync_id=sync_id)


_sync_command("pause", "Stop a sync; consumers go on.")
_sync_command("resume", "Let a paused sync go on.")


@sync.command("restart")
@click.argument("sync_id")
@click.option("--collection", "collections", multiple=True, help="Only this one; repeatable.  [everything]")
@calling
def sync_restart(call: Call, sync_id: str, collections: tuple[str, ...]) -> None:
    """Read everything once more; what is unchanged stays silent."""
    call.one("sync_restart", sync_id=sync_id, collection_ids=or_unset(list(collections) or None))


no_wait_option = click.option("--no-wait", is_flag=True, help="Leave the rest to the pollers.")


@sync.command("move")
@click.argument("sync_id")
@click.argument("stream_id")
@no_wait_option
@calling
def sync_move(call: Call, sync_id: str, stream_id: str, *, no_wait: bool) -> None:
    """Take a sync and its records to another stream."""
    row = call.run("sync_move", {"sync_id": sync_id, "stream_id": stream_id})
    if row is None:
        return
    if not no_wait:
        _finish(call, sync_id)
        with call.installation.client(raw_json=True) as client:
            row = client.sync_info(sync_id)
    call.print_one(row)


@sync.command("delete")
@click.argument("sync_id")
@click.option("--emit", is_flag=True, help="Tell consumers: each record becomes a tombstone, and goes when all have it.")
@no_wait_option
@calling
def sync_delete(call: Call, sync_id: str, *, emit: bool, no_wait: bool) -> None:
    """End a sync at once, and remove its records."""
    row = call.run("sync_delete", {"sync_id": sync_id, "emit": emit or UNSET})
    if row is None:
        return
    last = None if no_wait else _finish(call, sync_id)
    words = f"deleted sync {sync_id}"
    if no_wait or (last is not None and not last["finished"]):
        words = f"sync {sync_id} is being deleted"
        if last is not None:
            words += f"; it waits for {last['waits_for']}"
    if call.as_json:
        terminal.print_json({"done": words, "finished": not words.startswith("sync")})
    else:
        click.echo(words)


def _finish(call: Call, sync_id: str) -> dict[str, Any] | None:
    """Does what there is to do now; the last step, None if there was none."""
    last = None
    with call.installation.client() as client:
        for last in client.finish(sync_id):
            if not call.as_json and last["records"] and not last["finished"]:
                terminal.aside(f"{last['records']} records {'moved' if last['kind'] == 'move' else 'removed'}")
    return last


@sync.command("tidy")
@click.argument("sync_id", required=False)
@calling
def sync_tidy(call: Call, sync_id: str | None) -> None:
    """Go one step on with deleting, moving and dropping; pollers do it too."""
    found = call.run("sync_tidy", {"sync_id": or_unset(sync_id)})
    if found is not None:
        call.print_many(found, ("sync_id", "kind", "records", "finished", "waits_for"), "Nothing to do.")


@sync.command("collections")
@click.argument("sync_id", required=False)
@watch_option
@calling
def sync_collections(call: Call, sync_id: str | None) -> None:
    """List the collections of syncs, with what arrived."""
    call.view("collections", ("sync_id", *watching.COLLECTION_COLUMNS), "Nothing yet.", sync_id=sync_id)


# ---------------------------------------------------------------- quarantine


@click.group()
def quarantine() -> None:
    """Quarantine: objects that cannot be stored as the vendor sent them."""


def chosen(command: Callable[..., None]) -> Callable[..., None]:
    """Which entries: `--sync`, `--collection`, `--upstream-id`."""
    command = click.option("--upstream-id", help="Only this object.")(command)
    command = click.option("--collection", "collection_id", help="Only those of this collection.")(command)
    return click.option("--sync", "sync_id", help="Only those of this sync.")(command)


@quarantine.command("list")
@chosen
@watch_option
@calling
def quarantine_list(call: Call, **filters: str | None) -> None:
    """List what is kept, and why."""
    columns = ("quarantine_id", "sync_id", "collection_id", "upstream_id", "reason", "raw", "created_at")
    call.view("quarantine", columns, "Nothing is in quarantine.", **filters)


@quarantine.command("info")
@click.argument("quarantine_id", type=BIGINT)
@click.option("--raw", "as_bytes", is_flag=True, help="Only the bytes, as the vendor sent them.")
@calling
def quarantine_info(call: Call, quarantine_id: int, *, as_bytes: bool) -> None:
    """Show one entry."""
    if call.as_sql:
        call.view("quarantine", (), "", quarantine_id=quarantine_id)
        return
    row = call.run("quarantine_info", {"quarantine_id": quarantine_id})
    if row is None:
        return
    if as_bytes:
        sys.stdout.buffer.write(row["raw"])
    elif call.as_json:
        call.print_one({**row, "raw": base64.b64encode(row["raw"]).decode()})
    else:
        call.print_one({**row, "raw": row["raw"].decode(errors="replace")})


@quarantine.command("retry")
@chosen
@click.option("--id", "quarantine_id", type=BIGINT, help="Only this entry.")
@calling
def quarantine_retry(call: Call, **which: Any) -> None:
    """Try again to store what is kept; what has an id is fetched again too."""
    call.one("quarantine_retry", **{name: or_unset(value) for name, value in which.items()})


@quarantine.command("purge")
@chosen
@click.option("--id", "quarantine_id", type=BIGINT, help="Only this entry.")
@calling
def quarantine_purge(call: Call, **which: Any) -> None:
    """Remove what is kept, for good."""
    arguments = {name: or_unset(value) for name, value in which.items()}
    count = call.run("quarantine_purge", arguments)
    if count is None:
        return
    if call.as_json:
        terminal.print_json({"removed": count})
    else:
        click.echo(f"removed {count}")


# ---------------------------------------------------------------- notices


@click.group()
def notice() -> None:
    """Notices: what happened to connections."""


@notice.command("list")
@click.option("--sync", "sync_id", help="Only those of this sync.")
@click.option("--kind", help="Only broken, recovered, collection_broken, and the like.")
@watch_option
@calling
def notice_list(call: Call, **filters: str | None) -> None:
    """List when connections broke, and when they recovered."""
    call.view("notices", ("created_at", "sync_id", "collection_id", "kind", "error"), "Nothing happened.", **filters)
