"""What people and scripts see: tables, JSON, errors in the one shape. No command prints anything else."""

from __future__ import annotations

import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
import psycopg
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pgsluice.db import rows
from pgsluice.db.errors import SluiceError, from_database, make
from pgsluice.providers.errors import ProviderError

OUT: Final = Console()
ERR: Final = Console(stderr=True)

# Exit status by code; everything else is 1. 75 is EX_TEMPFAIL of sysexits.h: try again.
EXITS: Final = {"SL402": 3, "SL401": 75}
USAGE: Final = 2
INTERRUPTED: Final = 130
DAY: Final = 86_400
# Seconds between two looks.
WATCH: Final = 1.0
AWAY: Final = "the database is away: waiting for it"

# A vendor's text must not move the cursor or colour the terminal of whoever looks at it.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# Cells of this column are cut in tables; --json has all of it.
_LONG: Final = "data"
_LONGEST: Final = 80
_ERROR: Final = "error"
_HEALTH: Final = "health"


def open_streams() -> None:
    """Whoever starts us with standard output or error closed (`>&-`) wants to hear nothing; Python has None in their place then."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  for as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  for as long as the process lives


def report(exc: BaseException, *, as_json: bool) -> int:
    """Prints what went wrong, in the one shape, on standard error; answers the exit status."""
    if isinstance(exc, click.exceptions.NoArgsIsHelpError):
        exc.show()
        return USAGE
    if isinstance(exc, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    error = _shaped(exc)
    print_error(error, as_json=as_json)
    return USAGE if isinstance(exc, click.ClickException) else EXITS.get(str(error["code"]), 1)


def _shaped(exc: BaseException) -> dict[str, str | None]:
    match exc:
        case SluiceError() | ProviderError():
            return exc.as_dict()
        case psycopg.Error():
            return from_database(exc).as_dict()
        case click.UsageError():
            # In one line: some of its messages are lists.
            return make(" ".join(exc.format_message().split()), code="SL001", hint=_usage(exc)).as_dict()
        case click.ClickException():
            return make(exc.format_message(), code="SL001").as_dict()
        case UnicodeError():
            return make("a text is not UTF-8", code="SL001").as_dict()
        case OSError():
            # 58030 is PostgreSQL's io_error.
            return make(exc.strerror or "the system refused", code="58030", details=_name(exc.filename)).as_dict()
        case _:
            return _unexpected(exc)


def _usage(exc: click.UsageError) -> str:
    path = exc.ctx.command_path if exc.ctx else "pgsluice"
    root = exc.ctx.find_root() if exc.ctx else None
    name = exc.option_name if isinstance(exc, click.NoSuchOption) else None
    if root is not None and root is not exc.ctx and any(name in parameter.opts for parameter in root.command.params):
        return f"it stands before the command: pgsluice {name} … {path.partition(' ')[2]}"
    return f"see: {path} --help"


def _name(filename: object) -> str | None:
    return None if filename is None else f"at {filename}"


def _unexpected(exc: BaseException) -> dict[str, str | None]:
    """A mistake of ours: where it happened, but not the values at hand, which may be secret. XX000 is PostgreSQL's internal_error."""
    if os.environ.get("PGSLUICE_TRACEBACK"):
        traceback.print_exception(exc)
    frames = traceback.extract_tb(exc.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else "nowhere"  # noqa: PTH119
    hint = "this is a mistake in pgsluice: please report it, with what PGSLUICE_TRACEBACK=1 adds to this"
    return make(f"unexpected {type(exc).__name__} in {place}", code="XX000", hint=hint).as_dict()


def print_error(error: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(rows.encode(error), err=True)
        return
    click.echo(f"error {error['code']}: {clean(str(error['message']))}", err=True)
    for word in ("details", "hint"):
        if error.get(word):
            click.echo(f"  {word}: {clean(str(error[word]))}", err=True)


def note(words: str) -> None:
    """A line for people beside the answer: on standard error, so that what is piped on stays clean."""
    click.echo(clean(words), err=True)


def aside(words: str) -> None:
    """Word of what takes a moment, for whoever sits at a terminal; nothing in a script's log."""
    if ERR.is_terminal:
        click.echo(f"{words} …", err=True)


def print_json(found: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> None:
    click.echo(rows.encode(found))


def print_rows(found: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> None:
    """A table, or a sentence where there is nothing."""
    # Into a pipe a table keeps its lines whole: they are for grep, and no window limits them.
    console = OUT if sys.stdout.isatty() else Console(width=1_000_000, file=sys.stdout)
    console.print(table(found, columns, empty))


def table(found: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> RenderableType:
    if not found:
        return Text(empty)
    made = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in found:
        made.add_row(*(Text(_cell(column, row.get(column))) for column in columns))
    return made


def print_row(row: Mapping[str, Any]) -> None:
    """One object, a line for each field that has a value."""
    for line in lines(row):
        click.echo(line)


def lines(row: Mapping[str, Any]) -> list[str]:
    shown = {name: value for name, value in row.items() if value is not None}
    width = max(map(len, shown), default=0)
    return [f"{name:<{width}}  {_said(name, value)}" for name, value in shown.items()]


def _said(name: str, value: Any) -> str:
    if name == _ERROR:
        return _sentences(value)
    return _health(value) if name == _HEALTH else _text(value)


def _health(value: Any) -> str:
    """How a sync is, {status, reason, hint, since, next_attempt}: what there is of it, since a healthy one has little to say."""
    found = rows.decode(str(value)) if isinstance(value, str) else dict(value)
    status = found.pop("status", None)
    words = [f"{name.replace('_', ' ')}: {found[name]}" for name in ("reason", "hint", "since", "next_attempt") if found.get(name)]
    return clean("; ".join([str(status), *words]))


def watch(look: Callable[[], RenderableType | None]) -> None:
    """Shows what `look` finds, again every second, until Ctrl-C; None: nothing can be seen now. What was seen last stays on the screen."""
    seen = look() or ""
    with suppress(KeyboardInterrupt), Live(seen, console=OUT, auto_refresh=False) as live:
        while True:
            time.sleep(WATCH)
            found = look()
            seen = seen if found is None else found
            live.update(seen if found is not None else Group(seen, Text(AWAY, "bold red")), refresh=True)


def agreed(question: str) -> bool:
    """Whether whoever sits at the terminal says yes. SL001 where nobody does."""
    if not sys.stdin.isatty():
        raise click.UsageError("--yes is needed where there is no terminal to ask at")
    return click.confirm(question, err=True)


def message(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `consumer_next` as the API gives it: `{ack_token, deliver_count, record}`."""
    names = ("sync_id", "collection_id", "upstream_id", "updated_idx", "upstream_created_at", "upstream_updated_at", "data", "deleted")
    record = {name: row[name] for name in names}
    sync = {"external_id": row["external_id"], "metadata": row["sync_metadata"]}
    inner = {**record, "sync": rows.RawJSON(rows.encode(sync))}
    return {"ack_token": row["ack_token"], "deliver_count": row["deliver_count"], "record": rows.RawJSON(rows.encode(inner))}


def _cell(column: str, value: Any) -> str:
    if column in {_ERROR, "last_error"} and value is not None:
        return _sentences(value).partition("; ")[0]
    text = _text(value)
    return f"{text[:_LONGEST]}…" if column == _LONG and len(text) > _LONGEST else text


def _sentences(value: Any) -> str:
    """An error that a sync carries, {code, message, details, hint}."""
    error = rows.decode(str(value)) if isinstance(value, str) else value
    words = [f"{error['code']}: {error['message']}", *(f"{word}: {error[word]}" for word in ("details", "hint") if error.get(word))]
    return clean("; ".join(words))


def _text(value: Any) -> str:
    return clean(_words(value))


def text(value: Any) -> Text:
    """A value as in a cell of a table."""
    return Text(_text(value))


def clean(text: str) -> str:
    """Text that cannot move the cursor."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def _words(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        case timedelta():
            seconds = value.total_seconds()
            return f"{seconds:g} s" if abs(seconds) < DAY else str(timedelta(seconds=round(seconds)))
        case bytes():
            return f"{len(value)} bytes"
        case list():
            return ", ".join(map(str, value))
        case dict():
            return rows.encode_strict(value)
        case _:
            return str(value)
