"""The commands about what accounts have, and about typed views."""

from __future__ import annotations

import click

from pgsluice import terminal
from pgsluice.calling import Call, calling, or_unset


@click.group()
def collection() -> None:
    """Collections: what an account has, with its fields."""


@collection.command("list")
@click.argument("credential_id", required=False)
@calling
def collection_list(call: Call, credential_id: str | None) -> None:
    """List the collections that the accounts behind credentials have."""
    columns = ("credential_id", "collection_id", "description", "mutations")
    call.view("credential_collections", columns, "No credential yet: pgsluice credential create", credential_id=credential_id)


@collection.command("info")
@click.argument("credential_id")
@click.argument("collection_id")
@calling
def collection_info(call: Call, credential_id: str, collection_id: str) -> None:
    """Show a collection of an account with its fields."""
    if call.as_sql:
        call.view("credential_fields", (), "", credential_id=credential_id, collection_id=collection_id)
        return
    row = call.run("collection_info", {"credential_id": credential_id, "collection_id": collection_id})
    if row is None:
        return
    if call.as_json:
        terminal.print_json(row)
        return
    fields = row.pop("fields")
    terminal.print_row(row)
    terminal.print_rows(fields, ("name", "type", "primary_key", "description"), empty="No field is known before something was read.")


@collection.command("refresh")
@click.argument("credential_id")
@calling
def collection_refresh(call: Call, credential_id: str) -> None:
    """Have the account asked again for its collections; a poller does it."""
    call.one("collection_refresh", credential_id=credential_id)


@click.group()
def view() -> None:
    """Typed views: a collection as a table with columns, in the schema sluice_views."""


@view.command("create")
@click.argument("collection_id")
@click.option("--stream", "stream_id", help="Only the records of this stream.")
@click.option("--sync", "sync_id", help="Only the records of this sync.")
@calling
def view_create(call: Call, collection_id: str, stream_id: str | None, sync_id: str | None) -> None:
    """Make a typed view of a collection, or add columns for what its data has by now."""
    name = call.run("view_create", {"collection_id": collection_id, "stream_id": or_unset(stream_id), "sync_id": or_unset(sync_id)})
    if name is not None:
        call.one("view_info", view_name=name)


@view.command("list")
@calling
def view_list(call: Call) -> None:
    """List the typed views."""
    columns = ("view_name", "collection_id", "stream_id", "sync_id", "fields", "fields_left_out", "refreshed_at")
    call.view("views", columns, "No typed view yet: pgsluice view create stripe:customer")


@view.command("info")
@click.argument("view_name")
@calling
def view_info(call: Call, view_name: str) -> None:
    """Show a typed view."""
    call.one("view_info", view_name=view_name)


@view.command("delete")
@click.argument("view_name")
@calling
def view_delete(call: Call, view_name: str) -> None:
    """Drop a typed view; the records stay."""
    call.done("view_delete", f"deleted view {view_name}", view_name=view_name)
