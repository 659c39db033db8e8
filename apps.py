"""The commands about OAuth apps, and how a customer's account is connected through one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import IO, Any, Final

import click

from pgsluice import terminal
from pgsluice.calling import Call, calling, curl_option, learn, metadata_option, storing, text_of
from pgsluice.credentials import base_url_option, credential
from pgsluice.db.errors import make
from pgsluice.providers import registry, signing

VARIABLE: Final = "PGSLUICE_CLIENT_SECRET"
CALLBACK: Final = "/v1/oauth/callback"
START: Final = "/v1/oauth/start"
# Seconds in which a consent has to come back: five to begin it, ten at the vendor.
PATIENCE: Final = 15 * 60.0
LOOK: Final = 0.5


@click.group("oauth-app")
def oauth_app() -> None:
    """OAuth apps: a client id and secret at a vendor, through which customers' accounts are connected."""


def _settings(function: Any) -> Any:
    """What an app has beside its secret."""
    for option in (
        metadata_option,
        click.option(
            "--redirect-url", "redirect_urls", multiple=True, help="Address that a browser may be sent to afterwards. Repeatable."
        ),
        click.option("--scope", "scopes", multiple=True, help="What is asked for.  [the provider's usual]  Repeatable."),
        base_url_option,
        click.option("--name", help="A name for people."),
    ):
        function = option(function)
    return function


def _secrets(function: Any) -> Any:
    for option in (
        click.option("--client-secret", help=f"The secret. Others see it in the list of processes; better in {VARIABLE}."),
        click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input."),
        click.option("--secret-file", type=click.File("rb"), help="Read the secret from a file."),
    ):
        function = option(function)
    return function


def _secret(*, client_secret: str | None, secret_stdin: bool, secret_file: IO[bytes] | None, needed: bool) -> str | None:
    if (client_secret is not None) + secret_stdin + (secret_file is not None) > 1:
        raise click.UsageError("give the secret in one way only: --client-secret, --secret-file or --secret-stdin")
    if client_secret is not None:
        return client_secret
    file = sys.stdin.buffer if secret_stdin else secret_file
    if file is not None:
        return text_of(file.read()).rstrip("\r\n")
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not needed:
        return None
    if not sys.stdin.isatty():
        hint = f"use --secret-file, --secret-stdin or {VARIABLE}; on a terminal it is asked for"
        raise make("no client secret was given", code="SL001", hint=hint)
    return str(click.prompt("the client secret of the app", hide_input=True, err=True))


def _reached(call: Call) -> str:
    """Where browsers reach the server."""
    return call.installation.public_url or f"http://{call.installation.address}"


def _registered(call: Call) -> None:
    """Says what belongs into the vendor's own settings of the app."""
    if not call.as_json:
        terminal.note(f"register at the vendor as redirect URI: {_reached(call)}{CALLBACK}")


def _given(values: Sequence[str]) -> list[str] | None:
    """A list that was given; one empty text takes it away."""
    return None if not values else [value for value in values if value]


@oauth_app.command("create")
@click.argument("oauth_app_id", required=False)
@click.option("--provider", "provider_name", required=True, help="For example stripe.")
@click.option("--client-id", required=True, help="The app's id at the vendor.")
@_settings
@_secrets
@curl_option
@storing
def oauth_app_create(
    call: Call,
    *,
    oauth_app_id: str | None,
    provider_name: str,
    client_id: str,
    scopes: Sequence[str],
    redirect_urls: Sequence[str],
    client_secret: str | None,
    secret_stdin: bool,
    secret_file: IO[bytes] | None,
    **more: Any,
) -> None:
    """Seal an app's secret and store it. It comes from an option, from PGSLUICE_CLIENT_SECRET, or it is asked for."""
    lists: dict[str, Any] = {"scopes": _given(scopes), "redirect_urls": _given(redirect_urls)}
    if call.as_curl:
        shown = {"oauth_app_id": oauth_app_id, "provider": provider_name, "client_id": client_id, "client_secret": "…"}
        call.show_curl("oauth_app_create", {**shown, **lists, **more})
        return
    learn(call, provider_name)
    secret = _secret(client_secret=client_secret, secret_stdin=secret_stdin, secret_file=secret_file, needed=True)
    with call.installation.client(raw_json=True, sealing=True) as client:
        row = client.oauth_app_create(provider_name, client_id, client_secret=secret or "", oauth_app_id=oauth_app_id, **lists, **more)
    call.print_one(row)
    _registered(call)


@oauth_app.command("update")
@click.argument("oauth_app_id")
@click.option("--client-id", help="The app's id at the vendor.")
@_settings
@_secrets
@curl_option
@storing
def oauth_app_update(
    call: Call,
    *,
    oauth_app_id: str,
    scopes: Sequence[str],
    redirect_urls: Sequence[str],
    client_secret: str | None,
    secret_stdin: bool,
    secret_file: IO[bytes] | None,
    **more: Any,
) -> None:
    """Change an app; what is not given stays. A new secret counts at once for all its credentials."""
    secret = _secret(client_secret=client_secret, secret_stdin=secret_stdin, secret_file=secret_file, needed=False)
    lists: dict[str, Any] = {"scopes": _given(scopes), "redirect_urls": _given(redirect_urls)}
    if call.as_curl:
        call.show_curl("oauth_app_update", {"oauth_app_id": oauth_app_id, "client_secret": "…" if secret else None, **lists, **more})
        return
    with call.installation.client(raw_json=True, sealing=secret is not None) as client:
        with client.conn.transaction():
            app = client.oauth_app_update(oauth_app_id, **lists, **more)
            if secret is not None:
                client.oauth_app_secret(oauth_app_id, secret)
        call.print_one(app)


@oauth_app.command("list")
@calling
def oauth_app_list(call: Call) -> None:
    """List the OAuth apps, without their secrets."""
    columns = ("oauth_app_id", "provider", "client_id", "name", "redirect_urls", "updated_at")
    call.view("oauth_apps", columns, "No OAuth app yet: pgsluice oauth-app create")


@oauth_app.command("info")
@click.argument("oauth_app_id")
@calling
def oauth_app_info(call: Call, oauth_app_id: str) -> None:
    """Show an OAuth app, without its secret."""
    if call.as_sql:
        call.view("oauth_apps", (), "", oauth_app_id=oauth_app_id)
        return
    call.one("oauth_app_info", oauth_app_id=oauth_app_id)
    if not call.shown:
        _registered(call)


@oauth_app.command("delete")
@click.argument("oauth_app_id")
@calling
def oauth_app_delete(call: Call, oauth_app_id: str) -> None:
    """Delete an OAuth app that no credential was obtained through."""
    call.done("oauth_app_delete", f"deleted OAuth app {oauth_app_id}", oauth_app_id=oauth_app_id)


# ---------------------------------------------------------------- consents


def _pairs(_ctx: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found = dict(value.partition("=")[::2] for value in values)
    if not all(found) or any("=" not in value for value in values):
        raise click.BadParameter("a name and a value are needed, for example shop=acme")
    return found


def _asking(function: Any) -> Any:
    for option in (
        metadata_option,
        click.option("--name", help="A name for people, of the credential."),
        click.option("--scope", "scopes", multiple=True, help="What is asked for.  [the app's]  Repeatable."),
        click.option(
            "--value",
            "values",
            multiple=True,
            callback=_pairs,
            metavar="NAME=VALUE",
            help="What the vendor has to be told before, as shop=acme.",
        ),
        click.option("--kind", help="Kind of credential.  [the provider's only one]"),
        click.option("--oauth-app", "oauth_app_id", required=True, help="The OAuth app to sign in through."),
    ):
        function = option(function)
    return function


@credential.command("start-auth")
@_asking
@click.option("--redirect-url", required=True, help="Where the browser goes afterwards: one that the app allows.")
@click.option("--state", help="Comes back with the browser.")
@curl_option
@storing
def credential_start_auth(call: Call, *, oauth_app_id: str, kind: str | None, scopes: Sequence[str], **more: Any) -> None:
    """Make an address to send a customer's browser to, good once within five minutes."""
    if call.as_curl:
        call.show_curl("credential_start_auth", {"oauth_app_id": oauth_app_id, "kind": kind, "scopes": _given(scopes), **more})
        return
    row = _opened(call, oauth_app_id, kind, scopes=_given(scopes), **more)
    call.print_one({"start_url": row["start_url"], "expires_at": row["expires_at"], "redirect_uri": _reached(call) + CALLBACK})


@credential.command("connect")
@_asking
@click.option("--open/--no-open", "opening", default=True, help="Whether to open the address in a browser here.")
@storing
def credential_connect(call: Call, *, oauth_app_id: str, kind: str | None, scopes: Sequence[str], opening: bool, **more: Any) -> None:
    """Connect an account by signing in: prints the address, and waits for what comes of it. A server and a poller have to run."""
    row = _opened(call, oauth_app_id, kind, scopes=_given(scopes), **more)
    terminal.note(f"sign in there: {row['start_url']}")
    if opening and sys.stdout.isatty():
        click.launch(row["start_url"])
    end = time.monotonic() + PATIENCE
    with call.installation.client(raw_json=False) as client:
        while time.monotonic() < end:
            found = client.signin_result(row["signin_id"])
            if found is not None and found["finished"]:
                if found["error"] is not None:
                    error = found["error"]
                    raise make(error["message"], code=error["code"], details=error.get("details"), hint=error.get("hint"))
                call.print_one(client.credential_info(found["credential_id"]))
                return
            time.sleep(LOOK)
    raise make("nobody signed in", code="SL177", hint="begin again: pgsluice credential connect")


def _opened(call: Call, oauth_app_id: str, kind: str | None, **more: Any) -> dict[str, Any]:
    """A consent to be begun, with its `start_url`. SL001, SL175, SL176, SL208."""
    with call.installation.client() as client:
        known = client.oauth_app_info(oauth_app_id)
        learn(call, known["provider"])
        provider = registry.get(known["provider"])
        chosen, _ = signing.chosen(provider, kind)
        reached = _reached(call)
        facts = {"client_id": known["client_id"], "redirect_uri": reached + CALLBACK, "base_url": known["base_url"]}
        signing.checked(provider, chosen, scopes=more["scopes"] or known["scopes"], values=more["values"], **facts)
        row = client.credential_start_auth(oauth_app_id, chosen, **more)
    return {**row, "start_url": f"{reached}{START}/{row['start_token']}"}
