"""What the commands share: one call of a function or a view, run and printed, or shown as SQL."""

from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from pgsluice import curl, terminal
from pgsluice.db import calls, rows
from pgsluice.db.calls import UNSET
from pgsluice.db.client import Client
from pgsluice.db.errors import make
from pgsluice.installation import Installation
from pgsluice.providers import registry

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON; errors too.")
sql_option = click.option("--as-sql", is_flag=True, help="Print the SQL statement instead of running it.")
curl_option = click.option("--as-curl", is_flag=True, help="Print the HTTP request, as a curl command, instead of running it.")
# For what calls `Call.one` or `Call.view`; stands above `calling`.
watch_option = click.option("--watch", is_flag=True, help="Show it again every second, until Ctrl-C.")


def calling(function: Callable[..., None]) -> Callable[..., None]:
    """A command with `--json`, `--as-sql` and `--as-curl`, handed a `Call`."""

    @json_option
    @sql_option
    @curl_option
    @click.pass_obj
    @functools.wraps(function)
    def command(installation: Installation, /, *args: Any, as_json: bool, as_sql: bool, as_curl: bool, **options: Any) -> None:
        if as_sql and as_curl:
            raise click.UsageError("--as-sql and --as-curl exclude each other")
        watch = options.pop("watch", False)
        if watch and (as_json or as_sql or as_curl):
            raise click.UsageError("--watch is for people: without --json, --as-sql and --as-curl")
        if watch and not sys.stdout.isatty():
            raise click.UsageError("--watch needs a terminal")
        function(Call(installation, as_json=as_json, as_sql=as_sql, as_curl=as_curl, watch=watch), *args, **options)

    return command


def storing(function: Callable[..., None]) -> Callable[..., None]:
    """As `calling`, for what is sealed before it reaches SQL, and so has no statement to show."""

    @json_option
    @click.pass_obj
    @functools.wraps(function)
    def command(installation: Installation, /, *args: Any, as_json: bool, **options: Any) -> None:
        function(Call(installation, as_json=as_json, as_sql=False, as_curl=options.pop("as_curl", False)), *args, **options)

    return command


class Call:
    """One call of a function or view: run and printed, or shown as SQL."""

    def __init__(self, installation: Installation, *, as_json: bool, as_sql: bool, as_curl: bool = False, watch: bool = False) -> None:
        self.installation = installation
        self.as_json = as_json
        self.as_sql = as_sql
        self.as_curl = as_curl
        self.watch = watch

    @property
    def shown(self) -> bool:
        """Whether the call is to be shown in another form, and not to be made."""
        return self.as_sql or self.as_curl

    def show_curl(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Prints the call as an HTTP request. SL004 for what has no route."""
        if name not in curl.ROUTES:
            raise make(f"{name} has no route over HTTP", code="SL004", hint="--as-sql shows it as SQL")
        click.echo(curl.as_curl(self.installation.address, name, arguments))

    def run(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """What the function answers; None if the call was only to be shown."""
        if self.as_curl:
            self.show_curl(function, arguments)
            return None
        if self.as_sql:
            click.echo(calls.as_sql(function, arguments))
            return None
        with self.installation.client(raw_json=True) as client:
            return getattr(client, function)(**calls.given(arguments))

    def one(self, function: str, **arguments: Any) -> dict[str, Any] | None:
        """A function that answers a row."""
        if self.watch:
            self.live(lambda client: Text("\n".join(terminal.lines(getattr(client, function)(**calls.given(arguments))))))
            return None
        row: dict[str, Any] | None = self.run(function, arguments)
        if row is not None:
            self.print_one(row)
        return row

    def done(self, function: str, words: str, **arguments: Any) -> None:
        """A function that answers nothing."""
        self.run(function, arguments)
        if self.shown:
            return
        if self.as_json:
            terminal.print_json({"done": words})
        else:
            click.echo(words)

    def view(self, name: str, columns: Sequence[str], empty: str, /, *, method: str | None = None, **filters: Any) -> None:
        """The rows of a view."""
        if self.as_curl:
            self.show_curl(name, filters)
            return
        if self.as_sql:
            click.echo(calls.as_sql_list(name, filters))
            return
        look = method or name
        if self.watch:
            self.live(lambda client: terminal.table(getattr(client, look)(**filters), columns, empty))
            return
        with self.installation.client(raw_json=True) as client:
            self.print_many(getattr(client, look)(**filters), columns, empty)

    def live(self, look: Callable[[Client], RenderableType]) -> None:
        """What `look` finds, again every second."""
        with self.installation.lasting(raw_json=True) as lasting:
            terminal.watch(lambda: lasting.look(look))

    def print_one(self, row: Mapping[str, Any]) -> None:
        (terminal.print_json if self.as_json else terminal.print_row)(row)

    def print_many(self, found: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
        if self.as_json:
            terminal.print_json(found)
        else:
            terminal.print_rows(found, columns, empty=empty)

    def stream_or_only_one(self, stream_id: str | None) -> str:
        """The stream that was named, or the only one there is. SL001."""
        if stream_id is not None:
            return stream_id
        with self.installation.client() as client:
            found = client.streams(limit=2)
        if len(found) != 1:
            what = "there is more than one stream" if found else "there is no stream"
            raise make(what, code="SL001", hint="name one with --stream" if found else "make one with: pgsluice stream create dev")
        return str(found[0]["stream_id"])


def learn(call: Call, provider: str) -> None:
    """From here on `registry.get` answers what the database has under that name, where it is a provider of the user's own."""
    if not registry.is_built_in(provider):
        with call.installation.client(raw_json=True) as client:
            found = client.provider_documents(provider=provider)
        registry.learn(provider, str(found[0]["document"]) if found else None)


def or_unset(value: Any) -> Any:
    """What was not given is not sent, so that the default of SQL rules."""
    return UNSET if value is None else value


class Seconds(click.FloatRange):
    """A length of time; neither infinite nor "not a number"."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            float(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        found = super().convert(value, param, ctx)
        return float(found) if math.isfinite(found) else self.fail(f"{value} is no length of time", param, ctx)


class Number(click.IntRange):
    """A whole number: click calls it an "integer range", in errors and in the help."""

    name = "number"


# Whole numbers as SQL has them; what is outside would find no function.
INT = Number(-(2**31), 2**31 - 1)
BIGINT = Number(-(2**63), 2**63 - 1)
POSITIVE_SECONDS = Seconds(min=0, min_open=True, max=1e9)


def _json_object(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dict[str, Any] | None:
    """A JSON object, with the digits that were typed."""
    if value is None:
        return None
    try:
        found = rows.decode(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter('a JSON object is needed, for example {"tenant": 42}')
    return found


filter_option = click.option(
    "--filter",
    callback=_json_object,
    metavar="JSON",
    help="Only what matches: provider, sync_id, collection_id (* stands for anything; lists), where (a JSONPath). {}: everything.",
)
metadata_option = click.option("--metadata", callback=_json_object, metavar="JSON", help="JSON object of your own.")


def text_of(data: bytes) -> str:
    """What came from a file or a pipe as text. SL001 if it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise make("the input is not UTF-8", code="SL001", details=f"at byte {exc.start}", hint="nothing was written") from None


def rate_limit(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> dict[str, Any] | None:
    """`100/60` as a rate limit: so many requests in so many seconds."""
    if value is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,8})/([0-9]{1,9}(?:[.][0-9]+)?)", value)
    if found is None:
        raise click.BadParameter("requests and seconds are needed, for example 100/60")
    seconds = Decimal(found[2])
    return {"allowed_requests": int(found[1]), "interval": seconds, "max_concurrent_requests": 0}
