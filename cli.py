"""`pgsluice`: the commands. Each parses, calls one function, and prints; `calling` and `terminal` know how."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import click

from pgsluice import (
    __version__,
    apps,
    consumers,
    credentials,
    hooking,
    mutations,
    providing,
    running,
    settings,
    syncs,
    terminal,
    tokens,
    typed,
    working,
)
from pgsluice.calling import BIGINT, INT, Call, Number, Seconds, calling, or_unset, text_of, watch_option
from pgsluice.db import calls
from pgsluice.db.calls import RECORD_COLUMNS, UNSET
from pgsluice.installation import Installation
from pgsluice.progress import configure_logs

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
        terminal.open_streams()
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
@click.option("--master-key-previous", help="Earlier keys, version:key, that open what they sealed. Better in the environment.")
@click.option("--allow-private-addresses", is_flag=True, help="Let a base_url lead to private or local addresses.")
@click.option(
    "--poll-interval", type=Seconds(min=0.05, max=1e6), default=5.0, show_default=True, help="Seconds between two readings of an account."
)
@click.option("--listen", default="127.0.0.1:7420", show_default=True, help="Address of the HTTP server, host:port.")
@click.option(
    "--public-url", callback=running.public_url, help="Address of the HTTP server as vendors and browsers reach it: https://host[/path]."
)
@click.option("--bootstrap-token", help="A token with all scopes that needs no database entry. Better in PGSLUICE_BOOTSTRAP_TOKEN.")
@click.option("--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True, help="For people or machines.")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """SaaS APIs as streams in your own Postgres.

    Every option here is also a variable (PGSLUICE_DATABASE_URL) and an entry of pgsluice.toml (database_url).
    """
    names = ("database_url", "data_dir", "master_key", "master_key_file", "master_key_previous", "allow_private_addresses")
    ctx.obj = Installation(
        **{name: options[name] for name in names}, address=options["listen"], public_url=options["public_url"], say=terminal.aside
    )
    ctx.meta.update({name: options[name] for name in ("poll_interval", "log_format", "bootstrap_token", "public_url")})
    configure_logs(options["log_format"])


for command in (running.up, running.migrate, running.poll, running.serve, running.sql, running.schema, running.doctor, running.completion):
    main.add_command(command)
main.add_command(providing.provider)
main.add_command(apps.oauth_app)
main.add_command(credentials.credential)
consumers.consumer.add_command(working.run)
main.add_command(consumers.consumer)
main.add_command(consumers.dead_letter)
main.add_command(mutations.mutation)
syncs.sync.add_command(hooking.webhook)
main.add_command(syncs.sync)
main.add_command(syncs.quarantine)
main.add_command(syncs.notice)
main.add_command(tokens.token)
main.add_command(typed.collection)
main.add_command(typed.view)


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


@stream.command("prune")
@click.argument("stream_id")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", required=True, help="Age in days; 0 for any.")
@click.option("--force", is_flag=True, help="Do not wait for consumers: what they lack of it they never get.")
@calling
def stream_prune(call: Call, stream_id: str, older_than: float, *, force: bool) -> None:
    """Remove tombstones that every consumer has settled."""
    age = timedelta(days=older_than)
    row = call.run("stream_prune", {"stream_id": stream_id, "older_than": age, "force": force or UNSET})
    if row is None:
        return
    total = dict(row)
    with call.installation.client() as client:
        while total["more"]:
            step = client.stream_prune(stream_id, age, force)
            total = {**step, "removed": total["removed"] + step["removed"]}
    call.print_one(total)


@stream.command("delete")
@click.argument("stream_id")
@calling
def stream_delete(call: Call, stream_id: str) -> None:
    """Delete a stream without syncs and consumers."""
    call.done("stream_delete", f"deleted stream {stream_id}", stream_id=stream_id)


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
@click.option("--limit", type=Number(1, 2**31 - 1), default=20, show_default=True, help="How many at most.")
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


@record.command("erase")
@click.argument("sync_id")
@click.argument("collection_id")
@click.argument("upstream_id")
@calling
def record_erase(call: Call, sync_id: str, collection_id: str, upstream_id: str) -> None:
    """Wipe all that is known of one object, and refuse it from now on."""
    call.one("record_erase", sync_id=sync_id, collection_id=collection_id, upstream_id=upstream_id)


def _whole_sentences(group: click.Group) -> None:
    """In the list of a group's commands each has its first sentence whole, where click would cut it short."""
    for command in group.commands.values():
        paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
        command.short_help = command.short_help or paragraph.partition(". ")[0].removesuffix(".")
        if isinstance(command, click.Group):
            _whole_sentences(command)


_whole_sentences(main)


if __name__ == "__main__":
    main()
