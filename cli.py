"""`pgsluice`: the commands. Each parses, calls one function, and prints; `calling` and `terminal` know how."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import click

from pgsluice import __version__, consumers, credentials, mutations, running, settings, terminal, tokens, working
from pgsluice.calling import (
    BIGINT,
    INT,
    POSITIVE_SECONDS,
    Call,
    Seconds,
    calling,
    metadata_option,
    or_unset,
    rate_limit,
    text_of,
    watch_option,
)
from pgsluice.db import calls
from pgsluice.db.calls import RECORD_COLUMNS, UNSET
from pgsluice.installation import Installation
from pgsluice.progress import configure_logs, wait_until_read
from pgsluice.providers import registry

CONTEXT = {"auto_envvar_prefix": "PGSLUICE", "help_option_names": ["-h", "--help"], "max_content_width": 100}


class Root(click.Group):
    """Turns errors into the one shape, whatever command they come from, and lets go of the database."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        given = sys.argv[1:] if args is None else list(args)
        try:
            status = super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        except Exception as exc:
            if not standalone_mode:
                raise
            status = terminal.report(exc, as_json="--json" in given)
        if standalone_mode:
            sys.exit(status)
        return status

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        finally:
            if isinstance(ctx.obj, Installation):
                ctx.obj.close()


@click.group(cls=Root, context_settings=CONTEXT)
@click.version_option(__version__)
@click.option(
    "--config", type=click.Path(path_type=Path), callback=settings.load, is_eager=True, help="Settings file.  [pgsluice.toml, if there]"
)
@click.option("--database-url", help="PostgreSQL to use; without it one is embedded in the data folder.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded database.")
@click.option("--master-key", help="Key that seals secrets: 32 bytes in base64 or hex. Better in PGSLUICE_MASTER_KEY.")
@click.option("--master-key-file", type=click.Path(path_type=Path), help="File with that key, mode 0600.")
@click.option("--allow-private-addresses", is_flag=True, help="Let a base_url lead to private or local addresses.")
@click.option(
    "--poll-interval", type=Seconds(min=0.05, max=1e6), default=5.0, show_default=True, help="Seconds between two readings of an account."
)
@click.option("--listen", default="127.0.0.1:7420", show_default=True, help="Address of the HTTP server, host:port.")
@click.option("--bootstrap-token", help="A token with all scopes that needs no database entry. Better in PGSLUICE_BOOTSTRAP_TOKEN.")
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True, help="For people or machines.")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """SaaS APIs as streams in your own Postgres.

    Every option here is also a variable (PGSLUICE_DATABASE_URL) and an entry of pgsluice.toml (database_url).
    """
    names = ("database_url", "data_dir", "master_key", "master_key_file", "allow_private_addresses")
    ctx.obj = Installation(**{name: options[name] for name in names}, address=options["listen"], say=terminal.aside)
    ctx.meta.update({name: options[name] for name in ("poll_interval", "log_format", "bootstrap_token")})
    configure_logs(options["log_format"])


for command in (running.up, running.migrate, running.poll, running.serve, running.sql, running.schema, running.doctor, running.completion):
    main.add_command(command)
main.add_command(credentials.provider)
main.add_command(credentials.credential)
consumers.consumer.add_command(working.run)
main.add_command(consumers.consumer)
main.add_command(consumers.dead_letter)
main.add_command(mutations.mutation)
main.add_command(tokens.token)


# ---------------------------------------------------------------- streams


@main.group()
def stream() -> None:
    """Streams: records in the order of their last change."""


@stream.command("create")
@click.argument("stream_id", required=False)
@click.option("--lanes", type=INT, help="Workers of one consumer that can read side by side.  [16]")
@calling
def stream_create(call: Call, stream_id: str | None, lanes: int | None) -> None:
    """Create a stream."""
    call.one("stream_create", stream_id=or_unset(stream_id), lanes=or_unset(lanes))


@stream.command("list")
@watch_option
@calling
def stream_list(call: Call) -> None:
    """List the streams."""
    call.view("streams", ("stream_id", "lanes", "created_at"), "No stream yet: pgsluice stream create dev")


@stream.command("info")
@click.argument("stream_id")
@calling
def stream_info(call: Call, stream_id: str) -> None:
    """Show a stream."""
    call.one("stream_info", stream_id=stream_id)


@stream.command("delete")
@click.argument("stream_id")
@calling
def stream_delete(call: Call, stream_id: str) -> None:
    """Delete a stream without syncs and consumers."""
    call.done("stream_delete", f"deleted stream {stream_id}", stream_id=stream_id)


# ---------------------------------------------------------------- syncs


@main.group()
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
    chosen = list(collections) or list(registry.get(provider_name).collections)
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
@watch_option
@calling
def sync_list(call: Call, stream_id: str | None) -> None:
    """List the syncs with where they stand."""
    columns = ("sync_id", "stream_id", "provider", "status", "last_success_at", "next_attempt_at", "error")
    call.view("syncs", columns, "No sync yet: pgsluice sync create --help", stream_id=stream_id)


@sync.command("info")
@click.argument("sync_id")
@watch_option
@calling
def sync_info(call: Call, sync_id: str) -> None:
    """Show a sync."""
    call.one("sync_info", sync_id=sync_id)


def _sync_command(name: str, words: str) -> None:
    @sync.command(name, help=words)
    @click.argument("sync_id")
    @calling
    def command(call: Call, sync_id: str) -> None:
        call.one(f"sync_{name}", sync_id=sync_id)


_sync_command("pause", "Stop a sync; consumers go on.")
_sync_command("resume", "Let a paused sync go on.")


@sync.command("collections")
@click.argument("sync_id", required=False)
@watch_option
@calling
def sync_collections(call: Call, sync_id: str | None) -> None:
    """List the collections of syncs, with what arrived."""
    columns = ("sync_id", "collection_id", "records", "changes", "backfilled", "last_page_at")
    call.view("collections", columns, "Nothing yet.", sync_id=sync_id)


# ---------------------------------------------------------------- records


@main.group()
def record() -> None:
    """Records: the current state of every object."""


@record.command("list")
@click.option("--stream", "stream_id", help="Only those of this stream.")
@click.option("--sync", "sync_id", help="Only those of this sync.")
@click.option("--collection", "collection_id", help="Only those of this collection.")
@click.option("--upstream-id", help="Only the one with this id.")
@click.option("--after-idx", type=BIGINT, help="Only later than this place in the stream.")
@click.option("--limit", type=click.IntRange(1, 2**31 - 1), default=20, show_default=True, help="How many at most.")
@calling
def record_list(call: Call, *, after_idx: int | None, limit: int, **filters: str | None) -> None:
    """List records, oldest change first."""
    if call.as_curl:
        call.show_curl("records", {**filters, "after_idx": after_idx, "limit": limit})
        return
    if call.as_sql:
        click.echo(calls.as_sql_list("records", filters, columns=RECORD_COLUMNS, order_by="updated_idx", after=after_idx, limit=limit))
        return
    columns = ("updated_idx", "sync_id", "collection_id", "upstream_id", "deleted", "data")
    call.view("records", columns, "No record.", **filters, after_idx=after_idx, limit=limit)


@record.command("ingest")
@click.argument("sync_id")
@click.argument("collection_id")
@click.argument("file", type=click.File("rb"), default="-")
@calling
def record_ingest(call: Call, sync_id: str, collection_id: str, file: IO[bytes]) -> None:
    """Write a JSON array of {upstream_id, data} from FILE (- is standard input)."""
    call.one("record_ingest", sync_id=sync_id, collection_id=collection_id, records=text_of(file.read()))


if __name__ == "__main__":
    main()
