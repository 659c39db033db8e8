"""The commands about credentials: the only ones that handle secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import IO, Any

import click

from pgsluice.calling import Call, calling, curl_option, learn, metadata_option, storing, text_of
from pgsluice.db import rows
from pgsluice.db.errors import SluiceError, make
from pgsluice.progress import counted
from pgsluice.providers import registry
from pgsluice.providers.accounts import account_of
from pgsluice.providers.base import BASE_URL, SecretField, is_base_url
from pgsluice.providers.protocol import Provider

VARIABLE = "PGSLUICE_SECRET"


@click.group()
def credential() -> None:
    """Credentials: secrets that open an account."""


def _base_url(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not is_base_url(value):
        raise click.BadParameter(f"{BASE_URL} is needed")
    return value


base_url_option = click.option("--base-url", callback=_base_url, help="Address in place of the vendor's own.")


def secret_options(function: Callable[..., None]) -> Callable[..., None]:
    """Ways to give a secret, and what goes with it."""
    for option in (
        base_url_option,
        click.option("--kind", help="Kind of credential.  [the provider's first]"),
        click.option("--key", help="The secret itself. Others see it in the list of processes, and it stays in the shell's history."),
        click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input."),
        click.option("--secret-file", type=click.File("rb"), help="Read the secret from a file."),
    ):
        function = option(function)
    return function


def _unknown_secret(provider_name: str, kind: str | None) -> dict[str, str]:
    """The kind, and dots for its secret, which is not shown. SL001, SL105."""
    kinds = registry.get(provider_name).credential_kinds
    kind = kind or next(iter(kinds), None)
    if kind not in kinds:
        raise make(f"provider {provider_name} has no credential of kind {kind}", code="SL001", hint=f"it has: {', '.join(kinds) or 'none'}")
    return {"kind": str(kind), **{field.name: "…" for field in kinds[str(kind)] if not field.optional}}


def secret_of(known: Provider, kind: str | None, **ways: Any) -> tuple[str, dict[str, str]]:
    """Kind and secret, checked before anything is stored. SL001, SL208."""
    provider_name = known.name
    if not known.credential_kinds:
        raise make(f"provider {provider_name} takes no credential", code="SL001", hint="create the sync without one")
    kind = kind or next(iter(known.credential_kinds))
    fields = known.credential_kinds.get(kind, ())
    secret = _fields(_given(fields, **ways), fields)
    known.seal_check(kind, secret)
    return kind, secret


def _given(fields: tuple[SecretField, ...], *, key: str | None, secret_stdin: bool, secret_file: IO[bytes] | None) -> str:
    if (key is not None) + secret_stdin + (secret_file is not None) > 1:
        raise click.UsageError("give the secret in one way only: --key, --secret-file or --secret-stdin")
    if key is not None:
        return key
    file = sys.stdin.buffer if secret_stdin else secret_file
    if file is not None:
        return text_of(file.read()).rstrip("\r\n")
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise make(
            "no secret was given", code="SL001", hint=f"use --secret-file, --secret-stdin or {VARIABLE}; on a terminal it is asked for"
        )
    words = fields[0].description if len(fields) == 1 else "the secret"
    return str(click.prompt(words, hide_input=True, err=True))


def _fields(text: str, fields: tuple[SecretField, ...]) -> dict[str, str]:
    """The text as a secret: the value itself where but one is needed, else a JSON object of them."""
    if len(fields) < 2:
        return {fields[0].name if fields else "secret": text}
    needed = [field.name for field in fields if not field.optional]
    try:
        found = rows.decode(text)
    except (ValueError, SluiceError):
        found = None
    if len(needed) == 1 and not isinstance(found, dict):
        return {needed[0]: text}
    names = {field.name for field in fields}
    if not isinstance(found, dict) or not set(needed) <= set(found) <= names or not all(isinstance(value, str) for value in found.values()):
        said = ", ".join(f"{field.name} (may be left out)" if field.optional else field.name for field in fields)
        raise make("the secret must be a JSON object of texts", code="SL208", hint=f"its keys: {said}")
    return found


@credential.command("create")
@click.argument("credential_id", required=False)
@click.option("--provider", "provider_name", required=True, help="For example stripe.")
@click.option("--name", help="A name for people.")
@click.option("--account", help="The account at the vendor. One that has a credential gets no second one: that one is updated.")
@click.option("--oauth-app", "oauth_app_id", help="The OAuth app that the secret was obtained through: it renews its tokens.")
@metadata_option
@secret_options
@curl_option
@storing
def credential_create(
    call: Call,
    *,
    credential_id: str | None,
    provider_name: str,
    name: str | None,
    account: str | None,
    oauth_app_id: str | None,
    metadata: dict[str, Any] | None,
    kind: str | None,
    base_url: str | None,
    **ways: Any,
) -> None:
    """Seal a secret and store it. It comes from an option, from PGSLUICE_SECRET, or it is asked for."""
    learn(call, provider_name)
    if call.as_curl:
        shown = _unknown_secret(provider_name, kind)
        rest = {"credential_id": credential_id, "name": name, "base_url": base_url, "metadata": metadata, "account": account}
        rest["oauth_app_id"] = oauth_app_id
        call.show_curl("credential_create", {**shown, **rest})
        return
    kind, secret = secret_of(registry.get(provider_name), kind, **ways)
    named = account_of(secret)
    account = account or (None if named is None else named[1])
    with call.installation.client(raw_json=True, sealing=True) as client:
        more: dict[str, Any] = {"name": name, "base_url": base_url, "metadata": metadata, "account": account, "oauth_app_id": oauth_app_id}
        row = client.credential_create(provider_name, credential_id, kind, secret=secret, **more)
    call.print_one(row)


@credential.command("update")
@click.argument("credential_id")
@secret_options
@storing
def credential_update(call: Call, *, credential_id: str, kind: str | None, base_url: str | None, **ways: Any) -> None:
    """Give a credential a new secret; its syncs go on at once, from where they are."""
    with call.installation.client(raw_json=True, sealing=True) as client:
        known = client.credential_info(credential_id)
        learn(call, known["provider"])
        kind, secret = secret_of(registry.get(known["provider"]), kind or known["kind"], **ways)
        row = client.credential_update(credential_id, kind, secret=secret, base_url=base_url)
    call.print_one(row)


@credential.command("rotate-key")
@storing
def credential_rotate_key(call: Call) -> None:
    """Seal every secret with the newest master key, while pollers run. Can be stopped and run again."""
    with call.installation.client(sealing=True) as client:
        row = client.credential_rotate_key(counted("credentials", shown=not call.as_json))
    call.print_one(row)
    if row["left"]:
        raise make(
            f"{row['left']} secrets do not open with any key that is at hand",
            code="SL302",
            hint="give the earlier keys, too (PGSLUICE_MASTER_KEY_PREVIOUS=1:<key>), or store the secrets anew: pgsluice credential update",
        )


@credential.command("list")
@calling
def credential_list(call: Call) -> None:
    """List the credentials, without their secrets."""
    call.view("credentials", ("credential_id", "provider", "kind", "name", "base_url", "updated_at"), "No credential yet.")


@credential.command("info")
@click.argument("credential_id")
@calling
def credential_info(call: Call, credential_id: str) -> None:
    """Show a credential, without its secret."""
    if call.as_sql:
        call.view("credentials", (), "", credential_id=credential_id)
    else:
        call.one("credential_info", credential_id=credential_id)


@credential.command("delete")
@click.argument("credential_id")
@calling
def credential_delete(call: Call, credential_id: str) -> None:
    """Delete a credential that no sync uses."""
    call.done("credential_delete", f"deleted credential {credential_id}", credential_id=credential_id)
