"""The commands about providers, and about the documents that describe one's own."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgsluice import terminal
from pgsluice.calling import Call, calling, json_option, learn, storing
from pgsluice.credentials import secret_of, secret_options
from pgsluice.db import rows, secrets
from pgsluice.db.errors import make
from pgsluice.installation import Installation
from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential
from pgsluice.providers.protocol import Provider

if TYPE_CHECKING:
    from pgsluice.poller.trying import Trial

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def provider() -> None:
    """Providers: the kinds of API, and documents that describe more of them."""


@provider.command("list")
@calling
def provider_list(call: Call) -> None:
    """List the collections of each provider; push takes any that is named provider:object."""
    call.view("provider_collections", ("provider", "collection_id", "mutations", "description"), "No provider.")


@provider.command("info")
@click.argument("name")
@click.option("--document", is_flag=True, help="Print its document.")
@calling
def provider_info(call: Call, name: str, document: bool) -> None:
    """Show a provider."""
    if document:
        click.echo(_document_of(call, name), nl=False)
    else:
        _say_info(call, name)


@provider.command("add")
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="In the place of the document of that name; its syncs go on with it.")
@click.option("--readdress", is_flag=True, help="With --replace: also if secrets that are stored would then be sent elsewhere.")
@calling
def provider_add(call: Call, file: Path, replace: bool, readdress: bool) -> None:
    """Store the provider that FILE (YAML or JSON) describes, once it is checked."""
    source = file.read_bytes()
    values = _checked(source)
    arguments: dict[str, Any] = {"provider": values["name"], "document": values, "source": source.decode("utf-8-sig")}
    flags = {"replace": replace, "readdress": readdress}
    row = call.one("provider_create", **arguments, **{name: True for name, said in flags.items() if said})
    if row is not None and not call.as_json:
        terminal.aside(f"next: pgsluice credential create --provider {values['name']}")


@provider.command("delete")
@click.argument("name")
@calling
def provider_delete(call: Call, name: str) -> None:
    """Delete a provider of your own that no sync, no credential and no OAuth app uses."""
    call.done("provider_delete", f"deleted provider {name}", provider=name)


@provider.command("schema")
def provider_schema() -> None:
    """Print the JSON Schema of provider documents, for editors."""
    from pgsluice.providers.rest_check import schema  # noqa: PLC0415  as in _checked

    click.echo(json.dumps(schema(), indent=1))


@provider.command("check")
@click.argument("file")
@click.option("--credential", "credential_id", help="A stored credential to try the API with.")
@click.option("--collection", "collections", multiple=True, help="Only this one; repeatable.")
@secret_options
@storing
def provider_check(call: Call, *, file: str, credential_id: str | None, collections: tuple[str, ...], **ways: Any) -> None:
    """Check the document FILE (or a provider's name), and try its collections against the live API.

    Nothing is written anywhere. Without a credential or a secret (--key, --secret-file, --secret-stdin) only the document is checked.
    Exit status 1 if a collection cannot be read.
    """
    known = _provider(call, file)
    credential = _credential(call, known, credential_id, ways)
    if credential is None:
        _say_checked(call, known)
        return
    from pgsluice.poller.trying import tried  # noqa: PLC0415  HTTP towards vendors, only where something is tried

    chosen = [name if ":" in name else f"{known.name}:{name}" for name in collections] or list(known.collections)
    trials = asyncio.run(tried(known, credential, chosen, allow_private=call.installation.allow_private_addresses))
    if call.as_json:
        terminal.print_json([trial.as_dict() for trial in trials])
    else:
        for trial in trials:
            _say(trial)
    if any(trial.error for trial in trials):
        sys.exit(1)


@provider.command("init")
@click.argument("source")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [standard output]")
@click.option("--name", help="Name of the provider.  [from the description]")
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def provider_init(
    installation: Installation, /, *, source: str, output: Path | None, name: str | None, replace: bool, as_json: bool
) -> None:
    """Write a document from an OpenAPI description (2.0 or 3.x), a file or an address, as far as that can be done.

    What a person has to decide is marked with DECIDE.
    """
    from pgsluice.providers.rest_openapi import drafted  # noqa: PLC0415  as in _checked

    draft = drafted(_description(installation, source), name)
    if as_json:
        terminal.print_json({"document": draft})
    elif output is None:
        click.echo(draft, nl=False)
    elif output.exists() and not replace:
        raise make(f"{output} is there already", code="SL110", hint="name another file, or say --replace")
    else:
        output.write_text(draft, encoding="utf-8")
        click.echo(f"wrote {output}; look for DECIDE, then: pgsluice provider check {output}")


# ---------------------------------------------------------------- how


def _checked(source: bytes) -> dict[str, Any]:
    from pgsluice.providers.rest_check import checked  # noqa: PLC0415  jsonschema and YAML, only where a document is read

    return checked(source)[0]


def _provider(call: Call, file: str) -> Provider:
    if Path(file).is_file():
        return registry.resolve("", _checked(Path(file).read_bytes()))
    if file.endswith((".yaml", ".yml", ".json")) or "/" in file:
        raise make(f"there is no file {file}", code="SL001", hint="give the document's path, or the name of a provider")
    learn(call, file)
    return registry.get(file)


def _say_info(call: Call, name: str) -> None:
    """The provider, and what each kind of credential for it consists of."""
    row = call.run("provider_info", {"provider": name})
    if row is None:
        return
    learn(call, name)
    kinds = registry.get(name).credential_kinds
    found = [
        {"kind": kind, "field": field.name, "optional": field.optional, "description": field.description}
        for kind, fields in kinds.items()
        for field in fields
    ]
    if call.as_json:
        call.print_one({**row, "credentials": rows.RawJSON(rows.encode(found))})
        return
    call.print_one(row)
    if found:
        click.echo()
        terminal.print_rows(found, ("kind", "field", "optional", "description"), empty="")


def _document_of(call: Call, name: str) -> str:
    if registry.is_built_in(name):
        from pgsluice.providers.rest_text import shipped_text  # noqa: PLC0415  as in _checked

        found = shipped_text(name)
        if found is None:
            raise make(f"the provider {name} is not described by a document", code="SL004", hint="github and zendesk are, for example")
        return found
    with call.installation.client() as client:
        stored = client.provider_documents(provider=name)
    if not stored:
        raise make(f'provider "{name}" does not exist', code="SL105", hint="list them with: pgsluice provider list")
    return str(stored[0]["source"] or json.dumps(stored[0]["document"], indent=1, default=str) + "\n")


def _credential(call: Call, known: Provider, credential_id: str | None, ways: dict[str, Any]) -> Credential | None:
    base_url, kind = ways.pop("base_url"), ways.pop("kind")
    if credential_id is not None:
        return _stored(call, credential_id, base_url)
    if not any(value for value in ways.values()):
        return None
    kind, secret = secret_of(known, kind, **ways)
    return Credential(kind, secret, base_url)


def _stored(call: Call, credential_id: str, base_url: str | None) -> Credential:
    with call.installation.client(sealing=True) as client:
        found = client.credential_sealed(credential_id)
        app_id = client.credential_info(credential_id)["oauth_app_id"]
        app = None if app_id is None else client.oauth_app_sealed(app_id)
        key = client.master_key
    if key is None:
        raise make(
            "there is no master key to open the credential with", code="SL301", hint="set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE"
        )
    secret = secrets.open_sealed(found["sealed"], credential_id, key, found["key_version"])
    through = None
    if app is not None:
        own = secrets.open_sealed(app["sealed"], secrets.of_oauth_app(app_id), key, app["key_version"])
        through = Client(app["client_id"], own["client_secret"])
    return Credential(found["kind"], secret, base_url or found["base_url"], through)


def _say_checked(call: Call, known: Provider) -> None:
    if call.as_json:
        terminal.print_json({"provider": known.name, "collections": list(known.collections)})
        return
    count = len(known.collections)
    click.echo(f"{known.name}: {count} collection{'s' * (count != 1)}, nothing wrong")
    for collection in known.collections.values():
        can = f" ({', '.join(collection.mutations)})" if collection.mutations else ""
        click.echo(f"  {collection.collection_id}{can}")
    terminal.aside("to try it against the API: --credential ID, or --secret-file, --secret-stdin")


def _say(trial: Trial) -> None:
    if trial.error is not None:
        click.echo(f"✗ {trial.collection_id}: {trial.error['message']}")
        for name in ("details", "hint"):
            if trial.error[name]:
                click.echo(f"    {trial.error[name]}")
    else:
        facts = [f"{trial.records} records in {trial.requests} requests", "read to its end" if trial.ends else "there is more"]
        facts += [f"updated_at in {trial.updated_at}, order {trial.order or 'unknown'}"] if trial.updated_at else []
        facts += ["one by its id"] if trial.fetched else []
        facts += [f"{trial.remaining:g} requests left"] if trial.remaining is not None else []
        click.echo(f"✓ {trial.collection_id}: {', '.join(facts)}; writes not tried")
    for finding in trial.findings:
        click.echo(f"    {finding}")


def _description(installation: Installation, source: str) -> bytes:
    if not source.startswith(("http://", "https://")):
        path = Path(source)
        if not path.is_file():
            raise make(f"there is no file {source}", code="SL001", hint="give the path or the address of an OpenAPI description")
        return path.read_bytes()
    from pgsluice.poller.transport import Transport  # noqa: PLC0415  only for an address
    from pgsluice.providers.base import Request  # noqa: PLC0415

    async def fetched() -> bytes:
        async with Transport(allow_private=installation.allow_private_addresses) as transport:
            response = await transport.send(Request("GET", source))
        if response.status != 200:
            raise make(f"{source} answers with status {response.status}", code="SL001", hint="give the address of the description itself")
        return response.body

    return asyncio.run(fetched())
