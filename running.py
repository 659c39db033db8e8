"""The commands that run pgsluice and look after its database."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import get_completion_class
from psycopg import conninfo as libpq

from pgsluice import __version__, supervisor, terminal
from pgsluice.calling import Number, Seconds, json_option
from pgsluice.db import embedded, script
from pgsluice.db.connect import describe
from pgsluice.db.errors import make
from pgsluice.doctor import examine
from pgsluice.installation import Installation
from pgsluice.poller.settings import Settings
from pgsluice.progress import Progress, configure_logs
from pgsluice.providers.base import BASE_URL, is_base_url
from pgsluice.server.settings import Settings as HttpSettings

if TYPE_CHECKING:
    from pgsluice.poller.loop import Poller
    from pgsluice.server.run import Server as HttpServer

PATIENCE: Final = 60.0

workers_option = click.option(
    "--workers", type=Number(1, 1000), default=Settings.workers, show_default=True, help="Syncs worked on at once."
)


@click.command()
@workers_option
@click.pass_context
def up(ctx: click.Context, workers: int) -> None:
    """Run everything until Ctrl-C: database (embedded if none is given), migrations, poller, HTTP.

    A second one on the same data folder says who runs, and ends with exit status 3.
    """
    from pgsluice.poller.loop import Poller  # noqa: PLC0415  with HTTP, half of what a command imports; most need neither

    installation: Installation = ctx.obj
    server = installation.server
    with ExitStack() as stack:
        if server is not None:
            stack.enter_context(supervisor.the_only_one(server))
        else:
            installation.migrate()
        conninfo, key = installation.conninfo, installation.key
        http = _http(ctx)
        for line in _who_is_who(installation, workers):
            click.echo(line)
        settings = _settings(ctx, workers, PATIENCE)
        _collect_seldom()
        asyncio.run(supervisor.run(lambda: Poller(conninfo, key, settings), server, http))
        if server is not None and not supervisor.stop_server(server):
            terminal.note("the embedded Postgres goes on: somebody else uses it")


def _collect_seldom() -> None:
    """What is loaded by now stays, so that it is not walked again and again: a twelfth of what a poller with little to do costs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def _who_is_who(installation: Installation, workers: int) -> list[str]:
    server = installation.server
    if server is None:
        database = describe(installation.conninfo)
    else:
        database = f"embedded PostgreSQL {server.major} in {server.data_dir}, process {server.pid}"
    psql = [] if server is None else [f"psql      {server.bin_dir / 'psql'} '{server.conninfo}'"]
    return [
        f"pgsluice  {__version__} is up, process {os.getpid()}: Ctrl-C ends it",
        f"database  {database}",
        *psql,
        f"poller    up to {workers} syncs at once",
        f"http      {_where(installation.address)}: a token comes from pgsluice token create",
    ]


def _where(address: str) -> str:
    """The port 0 is one that the system chooses, which is known only once it listens."""
    return 'on a port that is free, in the line "http ready"' if address.endswith(":0") else f"http://{address}/v1/"


def _settings(ctx: click.Context, workers: int, patience: float) -> Settings:
    return Settings(workers, ctx.meta["poll_interval"], patience, ctx.obj.allow_private_addresses, ctx.meta["public_url"])


def public_url(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Callback of `--public-url`: without a slash at its end."""
    if value is not None and not is_base_url(value):
        raise click.BadParameter(f"{BASE_URL} is needed")
    return None if value is None else value.rstrip("/")


@click.command()
@click.option(
    "--max-body",
    type=Number(1024, 2**30),
    default=HttpSettings.max_body,
    show_default=True,
    help="Bytes that the body of a request may have.",
)
@click.option("--connections", type=Number(1, 1000), default=HttpSettings.connections, show_default=True, help="Database connections.")
@click.option(
    "--statement-timeout",
    type=Seconds(min=0.1, max=1e6),
    default=HttpSettings.statement_timeout,
    show_default=True,
    help="Seconds that a call may take.",
)
@click.pass_context
def serve(ctx: click.Context, /, **options: Any) -> None:
    """Serve the API over HTTP until Ctrl-C; any number may share the work.

    With a database of your own, give it a login that owns nothing and is in the role sluice_server alone.
    """
    http = _http(ctx, **options)
    asyncio.run(supervisor.serve_until_signal(http, lambda: click.echo(f"pgsluice  {__version__} serves http://{http.address}/v1/")))


def _http(ctx: click.Context, **options: Any) -> HttpServer:
    from pgsluice.server.run import Server as HttpServer  # noqa: PLC0415  as in `up`

    installation: Installation = ctx.obj
    host, port = settings_of_address(installation.address)
    return HttpServer(
        HttpSettings(
            conninfo=installation.server_conninfo,
            master_key=installation.key,
            host=host,
            port=port,
            bootstrap_token=ctx.meta["bootstrap_token"],
            public_url=ctx.meta["public_url"],
            **options,
        )
    )


def settings_of_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port` or `:port`. SL406."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:/\s]*)):([0-9]{1,5})", address)
    if found is None or int(found[3]) > 65535:
        raise make(f"{address!r} is no address to listen on", code="SL406", hint="--listen takes host:port, for example 127.0.0.1:7420")
    return found[1] or found[2] or "0.0.0.0", int(found[3])  # noqa: S104  only for who writes :port


@click.command()
@json_option
@click.pass_obj
def migrate(installation: Installation, *, as_json: bool) -> None:
    """Bring the database to this release; nothing happens if it is there already."""
    report = installation.migrate()
    if as_json:
        terminal.print_json(vars(report))
        return
    lines = [f"applied {name}" for name in report.applied]
    lines += [f"dropped {name}" for name in report.swept]
    lines.append("functions and views were installed" if report.installed else "functions and views are up to date")
    lines += [f"{report.lifted} sequences were behind their tables, as after logical replication: they are not any more"] * bool(
        report.lifted
    )
    lines += [f"left out: {words}" for words in report.left_out]
    lines += [f"you may want to run: {statement}" for statement in report.statements_for_user]
    click.echo("\n".join(lines))


@click.command()
@click.option(
    "--once", is_flag=True, help="Send queued writes and read every sync until it is caught up, then end: exit status 1 if a sync failed."
)
@workers_option
@click.option(
    "--database-patience",
    type=Seconds(min=0, max=1e6),
    default=PATIENCE,
    show_default=True,
    envvar="PGSLUICE_DATABASE_PATIENCE",
    help="Seconds a lost database is waited for.",
)
@json_option
@click.pass_context
def poll(ctx: click.Context, *, once: bool, workers: int, database_patience: float, as_json: bool) -> None:
    """Run a poller; any number may share the work.

    SIGTERM ends it after the page at hand. Exit status 75: the database stayed away; run it again.
    """
    from pgsluice.poller.loop import Poller  # noqa: PLC0415  as in `up`

    installation: Installation = ctx.obj
    if once:
        # Progress and the summary say the rest.
        configure_logs(ctx.meta["log_format"], logging.WARNING)
    _collect_seldom()
    with Progress(shown=once and not as_json) as progress:
        poller = Poller(installation.conninfo, installation.key, _settings(ctx, workers, database_patience), progress=progress.update)
        asyncio.run(supervisor.run_until_signal(poller, once=once))
    if once:
        _print_tallies([vars(tally) for tally in poller.tallies or ()], as_json=as_json)
        if not as_json and (words := _writes(poller)):
            click.echo(f"Writes: {words}. `pgsluice mutation list` has them.")
        ctx.exit(1 if any(tally.error for tally in poller.tallies or ()) else 0)


def _writes(poller: Poller) -> str:
    """What became of the writes that were sent; empty if there were none."""
    ended = [f"{poller.writes[status]} {status}" for status in ("succeeded", "failed", "unknown") if poller.writes[status]]
    return ", ".join(ended + [f"{poller.put_back} to be tried again"] * bool(poller.put_back))


def _print_tallies(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        terminal.print_json(found)
        return
    columns = ("sync_id", "outcome", "new", "changed", "unchanged", "refused", "quarantined", "pages")
    terminal.print_rows(found, columns, empty="No sync to read.")
    for tally in found:
        if tally["error"]:
            terminal.print_error(tally["error"], as_json=False)


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def sql(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run psql on the database; ARGUMENTS and the exit status are psql's own."""
    installation: Installation = ctx.obj
    program = _psql(installation)
    words: dict[str, Any] = libpq.conninfo_to_dict(installation.conninfo)
    # On the command line everybody would see it.
    secret = {"PGPASSWORD": str(words.pop("password"))} if words.get("password") else {}
    words["options"] = f'{words.get("options") or ""} -c search_path="$user",public,sluice'.strip()
    # Ctrl-C is for psql: it ends a query there. A handler that does nothing, since an ignored signal would be ignored by psql too.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = [str(program), "-d", libpq.make_conninfo("", **words), *arguments]
        status = subprocess.run(command, env={**os.environ, **secret}, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    ctx.exit(status if status >= 0 else 128 - status)


def _psql(installation: Installation) -> Path:
    """The one that fits the embedded server; for a server elsewhere the one on PATH, or else the wheel's."""
    if installation.server is not None:
        return embedded.programs("psql", installation.server.bin_dir)
    found = shutil.which("psql")
    return Path(found) if found else embedded.programs("psql")


@click.group()
def schema() -> None:
    """The schema as a file."""


@schema.command("dump")
def schema_dump() -> None:
    """Print all of pgsluice's SQL as one file for a new database: psql -f."""
    click.echo(script.single_file(), nl=False)


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Look whether everything that is needed is there: exit status 1 if something is not."""
    found = examine(ctx.obj)
    if as_json:
        terminal.print_json(found)
    else:
        terminal.print_rows(found, ("check", "good", "found", "advice"), empty="")
    ctx.exit(0 if all(row["good"] for row in found) else 1)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what teaches a shell to complete these commands.

    For bash: pgsluice completion bash > ~/.local/share/bash-completion/completions/pgsluice
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise make(f"there is no completion for {shell}", code="SL001")
    click.echo(kind(ctx.find_root().command, {}, "pgsluice", "_PGSLUICE_COMPLETE").source())
