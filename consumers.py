"""The commands about consumers and their dead letters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import click

from pgsluice import terminal
from pgsluice.calling import INT, POSITIVE_SECONDS, Call, Seconds, calling, filter_option, metadata_option, or_unset, text_of, watch_option
from pgsluice.db.calls import UNSET
from pgsluice.db.errors import make

MESSAGE_COLUMNS: Final = ("collection_id", "upstream_id", "updated_idx", "deleted", "deliver_count", "data")


@click.group()
def consumer() -> None:
    """Consumers: readers that remember what was processed."""


@consumer.command("create")
@click.argument("consumer_id")
@click.option("--stream", "stream_id", help="Stream to read.  [the only one]")
@click.option("--deliver-policy", help="Where it begins: all, new, an idx, a time with its zone, or an age such as 1h.  [all]")
@click.option("--ack-wait", type=POSITIVE_SECONDS, help="Seconds until an unacknowledged message comes again.  [60]")
@click.option("--max-deliver", type=INT, help="Deliveries in all; -1: without limit.  [-1]")
@click.option("--max-ack-pending", type=INT, help="Messages delivered and not settled, over all workers; 0: without limit.  [0]")
@filter_option
@metadata_option
@calling
def consumer_create(call: Call, *, consumer_id: str, stream_id: str | None, ack_wait: float | None, **options: Any) -> None:
    """Create a consumer."""
    call.one(
        "consumer_create",
        consumer_id=consumer_id,
        stream_id=call.stream_or_only_one(stream_id),
        ack_wait=UNSET if ack_wait is None else timedelta(seconds=ack_wait),
        **{name: or_unset(value) for name, value in options.items()},
    )


@consumer.command("list")
@click.option("--stream", "stream_id", help="Only those of this stream.")
@watch_option
@calling
def consumer_list(call: Call, stream_id: str | None) -> None:
    """List the consumers with their numbers."""
    columns = ("consumer_id", "stream_id", "paused", "num_pending", "num_ack_pending", "num_dead_letters", "lag", "ack_wait")
    call.view("consumer_details", columns, "No consumer yet: pgsluice consumer create billing", stream_id=stream_id)


@consumer.command("info")
@click.argument("consumer_id")
@watch_option
@calling
def consumer_info(call: Call, consumer_id: str) -> None:
    """Show a consumer with its numbers."""
    call.one("consumer_info", consumer_id=consumer_id)


@consumer.command("update")
@click.argument("consumer_id")
@click.option("--ack-wait", type=POSITIVE_SECONDS, help="Seconds until an unacknowledged message comes again.")
@click.option("--max-deliver", type=INT, help="Deliveries in all; -1: without limit.")
@click.option("--max-ack-pending", type=INT, help="Messages delivered and not settled, over all workers; 0: without limit.")
@filter_option
@metadata_option
@calling
def consumer_update(call: Call, *, consumer_id: str, ack_wait: float | None, **options: Any) -> None:
    """Change a consumer; what is left out stays."""
    wait = UNSET if ack_wait is None else timedelta(seconds=ack_wait)
    call.one("consumer_update", consumer_id=consumer_id, ack_wait=wait, **{name: or_unset(value) for name, value in options.items()})


@consumer.command("delete")
@click.argument("consumer_id")
@calling
def consumer_delete(call: Call, consumer_id: str) -> None:
    """Delete a consumer; records stay."""
    call.done("consumer_delete", f"deleted consumer {consumer_id}", consumer_id=consumer_id)


@consumer.command("next")
@click.argument("consumer_id")
@click.option("--batch-size", type=INT, help="Messages at most, 1 to 1000.  [10]")
@click.option("--ack", "ack_tokens", multiple=True, help="Acknowledge this token in the same transaction; repeatable.")
@calling
def consumer_next(call: Call, consumer_id: str, batch_size: int | None, ack_tokens: tuple[str, ...]) -> None:
    """Lease the next messages."""
    arguments = {"consumer_id": consumer_id, "batch_size": or_unset(batch_size), "ack_tokens": or_unset(list(ack_tokens) or None)}
    _print_messages(call, call.run("consumer_next", arguments), ("ack_token", *MESSAGE_COLUMNS))


@consumer.command("peek")
@click.argument("consumer_id")
@click.option("--batch-size", type=INT, help="Messages at most, 1 to 1000.  [10]")
@calling
def consumer_peek(call: Call, consumer_id: str, batch_size: int | None) -> None:
    """Show the next messages without taking them."""
    found = call.run("consumer_peek", {"consumer_id": consumer_id, "batch_size": or_unset(batch_size)})
    _print_messages(call, found, MESSAGE_COLUMNS)


def _print_messages(call: Call, found: list[dict[str, Any]] | None, columns: tuple[str, ...]) -> None:
    if found is None:
        return
    if call.as_json:
        terminal.print_json(map(terminal.message, found))
    else:
        terminal.print_rows(found, columns, empty="No message now.")


def _tokens(given: tuple[str, ...]) -> list[str]:
    """The tokens that were named; `-` stands for those on standard input, with white space between them."""
    named = [token for token in given if token != "-"]  # noqa: S105
    return named if len(named) == len(given) else [*named, *text_of(sys.stdin.buffer.read()).split()]


@consumer.command("ack")
@click.argument("consumer_id")
@click.argument("ack_tokens", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Fail if a token is not accepted.")
@calling
def consumer_ack(call: Call, consumer_id: str, ack_tokens: tuple[str, ...], *, strict: bool) -> None:
    """Acknowledge messages: they are done. A token - reads more of them from standard input."""
    call.one("consumer_ack", consumer_id=consumer_id, ack_tokens=_tokens(ack_tokens), strict=strict or UNSET)


@consumer.command("nack")
@click.argument("consumer_id")
@click.argument("ack_tokens", nargs=-1, required=True)
@click.option("--delay", type=Seconds(min=0, max=1e9), help="Seconds until they come again.  [0]")
@calling
def consumer_nack(call: Call, consumer_id: str, ack_tokens: tuple[str, ...], delay: float | None) -> None:
    """Give messages back. A token - reads more of them from standard input."""
    wait = UNSET if delay is None else timedelta(seconds=delay)
    call.one("consumer_nack", consumer_id=consumer_id, ack_tokens=_tokens(ack_tokens), delay=wait)


@consumer.command("extend")
@click.argument("consumer_id")
@click.argument("ack_tokens", nargs=-1, required=True)
@click.option("--ack-wait", type=POSITIVE_SECONDS, help="Seconds from now.  [the consumer's]")
@calling
def consumer_extend(call: Call, consumer_id: str, ack_tokens: tuple[str, ...], ack_wait: float | None) -> None:
    """Keep messages longer. A token - reads more of them from standard input."""
    wait = UNSET if ack_wait is None else timedelta(seconds=ack_wait)
    call.one("consumer_extend", consumer_id=consumer_id, ack_tokens=_tokens(ack_tokens), ack_wait=wait)


@consumer.command("term")
@click.argument("consumer_id")
@click.argument("ack_tokens", nargs=-1, required=True)
@click.option("--reason", help="Why, for who looks at the dead letters.  [terminated]")
@calling
def consumer_term(call: Call, consumer_id: str, ack_tokens: tuple[str, ...], reason: str | None) -> None:
    """Give messages up: they become dead letters. A token - reads more of them from standard input."""
    call.one("consumer_term", consumer_id=consumer_id, ack_tokens=_tokens(ack_tokens), reason=or_unset(reason))


@consumer.command("seek")
@click.argument("consumer_id")
@click.argument("target")
@calling
def consumer_seek(call: Call, consumer_id: str, target: str) -> None:
    """Go on from another place: start, end, an idx, a time with its zone, or an age such as 1h.

    What is in flight stays with its worker, and comes again after its ack if it lies there.
    """
    call.one("consumer_seek", consumer_id=consumer_id, target=target)


@consumer.command("pause")
@click.argument("consumer_id")
@calling
def consumer_pause(call: Call, consumer_id: str) -> None:
    """Deliver nothing more; what is in flight can be settled."""
    call.one("consumer_pause", consumer_id=consumer_id)


@consumer.command("resume")
@click.argument("consumer_id")
@calling
def consumer_resume(call: Call, consumer_id: str) -> None:
    """Deliver again."""
    call.one("consumer_resume", consumer_id=consumer_id)


# ---------------------------------------------------------------- dead letters


@click.group("dead-letter")
def dead_letter() -> None:
    """Dead letters: messages that used up max_deliver or were given up."""


_WHICH: Final = (
    click.option("--sync", "sync_id", help="Only those of this sync."),
    click.option("--collection", "collection_id", help="Only those of this collection."),
    click.option("--upstream-id", help="Only the one with this id."),
)


def which(function: Callable[..., None]) -> Callable[..., None]:
    """The options that choose among dead letters."""
    for option in reversed(_WHICH):
        function = option(function)
    return function


@dead_letter.command("list")
@click.option("--consumer", "consumer_id", help="Only those of this consumer.")
@which
@watch_option
@calling
def dead_letter_list(call: Call, **filters: str | None) -> None:
    """List the dead letters."""
    if call.as_curl and filters["consumer_id"] is None:
        raise make("over HTTP dead letters are listed for one consumer", code="SL004", hint="name it with --consumer")
    columns = ("consumer_id", "collection_id", "upstream_id", "updated_idx", "deliver_count", "reason", "died_at", "superseded")
    call.view("dead_letters", columns, "No dead letter.", **filters)


@dead_letter.command("retry")
@click.argument("consumer_id")
@which
@calling
def dead_letter_retry(call: Call, consumer_id: str, **filters: str | None) -> None:
    """Deliver dead letters again, counted from 1; up to 10,000 at once. Superseded ones are only removed."""
    _counted(call, "dead_letter_retry", "to be delivered again", consumer_id, filters)
    if call.shown or call.as_json:
        return
    with call.installation.client() as client:
        if client.dead_letters(consumer_id=consumer_id, **filters, limit=1):
            terminal.note("more are left: do it once more")


@dead_letter.command("purge")
@click.argument("consumer_id")
@which
@click.option("--yes", is_flag=True, help="Do not ask.")
@calling
def dead_letter_purge(call: Call, consumer_id: str, *, yes: bool, **filters: str | None) -> None:
    """Remove dead letters for good; the records stay."""
    if not (yes or call.shown or terminal.agreed(f"Remove {_named(filters)}dead letters of {consumer_id} for good?")):
        terminal.note("nothing was removed")
        click.get_current_context().exit(1)
    _counted(call, "dead_letter_purge", "removed", consumer_id, filters)


def _named(filters: Mapping[str, str | None]) -> str:
    chosen = [f"{name} {value}" for name, value in filters.items() if value is not None]
    return f"the {' and '.join(chosen)} " if chosen else "all "


def _counted(call: Call, function: str, words: str, consumer_id: str, filters: Mapping[str, str | None]) -> None:
    count = call.run(function, {"consumer_id": consumer_id, **{name: or_unset(value) for name, value in filters.items()}})
    if count is None:
        return
    if call.as_json:
        terminal.print_json({"count": count})
    else:
        click.echo(f"{count} dead letter{'' if count == 1 else 's'} {words}")
