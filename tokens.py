"""The commands about tokens for HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from pgsluice import terminal
from pgsluice.calling import POSITIVE_SECONDS, Call, calling, or_unset
from pgsluice.db.calls import UNSET


@click.group()
def token() -> None:
    """Tokens: access over HTTP."""


@token.command("create")
@click.argument("name", required=False)
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "consume", "mutate", "manage"]), help="Repeatable.  [all]")
@click.option("--id", "token_id", help="An id of your own.")
@click.option("--expires-in", type=POSITIVE_SECONDS, help="Seconds until it ends.  [never]")
@calling
def token_create(call: Call, *, name: str | None, scopes: tuple[str, ...], token_id: str | None, expires_in: float | None) -> None:
    """Make a token. It is shown this once.

    read looks, consume takes and acknowledges messages, mutate writes to vendors, manage does everything.
    """
    ends = UNSET if expires_in is None else datetime.now(UTC) + timedelta(seconds=expires_in)
    arguments = {"name": or_unset(name), "scopes": or_unset(list(scopes) or None), "token_id": or_unset(token_id), "expires_at": ends}
    row = call.run("token_create", arguments)
    if row is None:
        return
    call.print_one(row)
    if not call.as_json:
        terminal.note(f"keep it now, it is not shown again: export PGSLUICE_TOKEN={row['token']}")


@token.command("list")
@calling
def token_list(call: Call) -> None:
    """List the tokens, by their first characters."""
    columns = ("token_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at")
    call.view("tokens", columns, "No token yet: pgsluice token create")


@token.command("revoke")
@click.argument("token_id")
@calling
def token_revoke(call: Call, token_id: str) -> None:
    """End a token, at once."""
    call.done("token_revoke", f"revoked token {token_id}", token_id=token_id)
