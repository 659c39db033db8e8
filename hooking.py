"""The commands about webhooks: what a sync's vendor sends by itself."""

from __future__ import annotations

import os
import sys
from typing import IO

import click

from pgsluice.calling import Call, calling, curl_option, storing, text_of
from pgsluice.db.errors import make

VARIABLE = "PGSLUICE_WEBHOOK_SECRET"


@click.group()
def webhook() -> None:
    """Webhooks of a sync: word of changes that the vendor sends by itself."""


@webhook.command("set")
@click.argument("sync_id")
@click.option("--secret-file", type=click.File("rb"), help="Read the secret from a file.")
@click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input.")
@curl_option
@storing
def sync_webhook_set(call: Call, *, sync_id: str, secret_file: IO[bytes] | None, secret_stdin: bool) -> None:
    """Seal and store the secret that the vendor signs with; the one before it is taken for another day.

    It comes from an option, from PGSLUICE_WEBHOOK_SECRET, or it is asked for.
    """
    if call.as_curl:
        call.show_curl("sync_webhook_set", {"sync_id": sync_id, "secret": "…"})
        return
    secret = _given(secret_file, stdin=secret_stdin)
    with call.installation.client(raw_json=True, sealing=True) as client:
        row = client.sync_webhook_set(sync_id, secret)
    call.print_one(row)


def _given(file: IO[bytes] | None, *, stdin: bool) -> str:
    if stdin and file is not None:
        raise click.UsageError("give the secret in one way only: --secret-file or --secret-stdin")
    source = sys.stdin.buffer if stdin else file
    if source is not None:
        return text_of(source.read()).strip()
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        hint = f"use --secret-file, --secret-stdin or {VARIABLE}; on a terminal it is asked for"
        raise make("no secret was given", code="SL001", hint=hint)
    return str(click.prompt("the secret that the vendor signs with", hide_input=True, err=True))


@webhook.command("info")
@click.argument("sync_id")
@calling
def sync_webhook_info(call: Call, sync_id: str) -> None:
    """Show what came, and where the subscription stands."""
    call.one("sync_webhook_info", sync_id=sync_id)


@webhook.command("subscribe")
@click.argument("sync_id")
@calling
def sync_webhook_subscribe(call: Call, sync_id: str) -> None:
    """Let a poller ask the vendor, now and every few hours, to send word of changes to the public address."""
    call.one("sync_webhook_subscribe", sync_id=sync_id)


@webhook.command("delete")
@click.argument("sync_id")
@calling
def sync_webhook_delete(call: Call, sync_id: str) -> None:
    """Take no webhooks any more, and forget their secrets; polling goes on."""
    call.one("sync_webhook_delete", sync_id=sync_id)
