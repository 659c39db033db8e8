"""`make demo`: from a vendor's objects to an application's acks, through the real code, in under a minute."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import place
from localstripe import KEY, PORT_NOTE, LocalStripe, LocalStripeError, fill
from place import out
from rich.progress import Progress as Bar

from pgsluice import terminal
from pgsluice.db import embedded
from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError, make
from pgsluice.installation import Installation
from pgsluice.poller.loop import Poller, Settings
from pgsluice.progress import Progress, configure_logs

CUSTOMERS = 300
# What localstripe has; it knows no prices.
COLLECTIONS = ["stripe:customer", "stripe:product", "stripe:plan", "stripe:subscription", "stripe:invoice"]
PATIENCE = 20.0
Row = dict[str, Any]


def main() -> None:
    begun = time.monotonic()
    configure_logs("console", logging.WARNING)
    place.clear()
    installation = place.installation()
    try:
        server = postgres(installation)
        with LocalStripe(place.vendor_folder()) as vendor:
            customers = account(vendor)
            with installation.client(sealing=True) as client:
                objects(client, vendor)
                first_reading(installation, client)
                messages(client)
                changes(installation, client, vendor, customers)
                redelivery(client)
                over_http(installation, client)
                comparison(client, vendor)
            place.note({PORT_NOTE: vendor.port})
        out.print(f"\n[bold]Done[/bold] in {time.monotonic() - begun:.0f} s.")
        what_next(server)
    finally:
        installation.close()
    embedded.wait_until_stopped(place.folder(), timeout_s=5)


def step(title: str, *same_as: str) -> None:
    out.print(f"\n[bold]{title}[/bold]")
    for line in same_as:
        out.print(f"  {line}", style="dim", markup=False)


def say(words: str) -> None:
    out.print(f"  {words}", markup=False)


def postgres(installation: Installation) -> embedded.Server:
    step("1. Postgres", "An embedded server in a folder of its own; with PGSLUICE_DATABASE_URL it would be yours.")
    server = installation.server
    assert server is not None  # no database URL was given
    client = installation.client()
    client.close()
    say(f"PostgreSQL {server.major} in {server.data_dir}, process {server.pid}; tables and functions are installed")
    return server


def account(vendor: LocalStripe) -> list[str]:
    step("2. A vendor", "localstripe, a stand-in for Stripe, as a process of its own; it is filled through Stripe's own SDK.")
    with Bar(console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("  customers", total=CUSTOMERS)
        customers = fill(vendor, CUSTOMERS, lambda done, _all: bar.update(task, completed=done))
    say(f"{vendor.url}, process {vendor.pid}: {len(customers)} customers, products with plans, trial subscriptions")
    return customers


def objects(client: Client, vendor: LocalStripe) -> None:
    step(
        "3. A stream, a credential, a sync and a consumer",
        "pgsluice stream create dev",
        f"pgsluice credential create my-stripe --provider stripe --base-url {vendor.url}",
        "select * from sync_create('dev', 'stripe', 'my-sync', collection_ids => array[…], credential_id => 'my-stripe');",
        "select * from consumer_create('billing', 'dev', ack_wait => '2 seconds');",
    )
    client.stream_create("dev")
    client.credential_create("stripe", "my-stripe", "stripe_key", secret={"secret": KEY}, base_url=vendor.url)
    client.sync_create("dev", "stripe", "my-sync", collection_ids=COLLECTIONS, credential_id="my-stripe")
    client.consumer_create("billing", "dev", ack_wait="2 seconds")
    say("the key is sealed with a master key that lies beside the data, mode 0600")


def first_reading(installation: Installation, client: Client) -> None:
    step("4. The poller reads the account", "pgsluice poll --once")
    read_once(installation)
    for row in client.collections(sync_id="my-sync"):
        say(f"{row['records']:>5} {row['collection_id']}")


def read_once(installation: Installation) -> None:
    with Progress(shown=True) as progress:
        poller = Poller(installation.conninfo, installation.key, settings(), progress=progress.update)
        (tally,) = asyncio.run(poller.run_once())
    if tally.error:
        raise make(**{"code": "XX000", **tally.error})
    say(f"{tally.new} new, {tally.changed} changed, {tally.unchanged} unchanged, in {tally.seconds:.1f} s")


def settings() -> Settings:
    return Settings(poll_interval=0.5, allow_private_addresses=True)


def messages(client: Client) -> None:
    step("5. The first messages", "select * from consumer_next('billing', 2);")
    found = client.consumer_next("billing", 2)
    print(json.dumps([shown(message) for message in found], indent=2, ensure_ascii=False))
    step(
        "6. They are acknowledged, and the rest is read",
        "select * from consumer_ack('billing', array['<ack_token>', '<ack_token>']);",
        "select * from consumer_next('billing', 100, ack_tokens => array[…]);   -- acks the last batch, leases the next",
    )
    answer = client.consumer_ack("billing", [message["ack_token"] for message in found])
    say(f"accepted {answer['accepted']}; then {drain(client)} more, in batches of 100")


def shown(row: Row) -> Row:
    """A message as the API gives it, the data cut short."""
    message = terminal.message(row)
    record: Row = json.loads(message["record"])
    kept = dict(list(record["data"].items())[:6])
    record["data"] = {**kept, "…": f"{len(record['data']) - len(kept)} more"}
    return {**message, "record": record}


def drain(client: Client) -> int:
    """Takes and acknowledges everything; the acks of one batch travel with the next call."""
    count, tokens = 0, None
    while found := client.consumer_next("billing", 100, tokens):
        count += len(found)
        tokens = [message["ack_token"] for message in found]
    return count


def changes(installation: Installation, client: Client, vendor: LocalStripe, customers: list[str]) -> None:
    step(
        "7. Something changes at the vendor", "pgsluice poll   -- keeps running now; a customer is renamed and one deleted, through the SDK"
    )
    with polling(installation):
        api = vendor.client()
        begun = time.monotonic()
        api.v1.customers.update(customers[0], {"name": "Paul Atreides"})
        api.v1.customers.delete(customers[1])
        found = wait_for(2, lambda: client.consumer_next("billing", 10))
        say(f"at the consumer after {time.monotonic() - begun:.1f} s, and nothing else:")
    for message in found:
        say(f"{message['upstream_id']}  deleted: {str(message['deleted']).lower()}  name: {message['data']['name']}")
    if sorted((message["upstream_id"], message["deleted"]) for message in found) != sorted([(customers[0], False), (customers[1], True)]):
        raise make("something else came than what was changed", code="XX000")


@contextmanager
def polling(installation: Installation) -> Iterator[None]:
    """A poller that runs meanwhile, in a thread that ends with this process."""
    poller = Poller(installation.conninfo, installation.key, settings())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=[poller.run()], daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(poller.stop)
        thread.join(10)
        loop.close()


def redelivery(client: Client) -> None:
    step("8. A worker that does not acknowledge", "After ack_wait, two seconds here, its messages come again.")
    begun = time.monotonic()
    again = wait_for(2, lambda: client.consumer_next("billing", 10))
    say(f"{len(again)} again after {time.monotonic() - begun:.1f} s, deliver_count {again[0]['deliver_count']}; acknowledged now:")
    say(f"accepted {client.consumer_ack('billing', [message['ack_token'] for message in again])['accepted']}")


def wait_for(number: int, take: Callable[[], list[Row]]) -> list[Row]:
    """So many messages, asked for again and again."""
    found: list[Row] = []
    end = time.monotonic() + PATIENCE
    while len(found) < number:
        if time.monotonic() > end:
            raise make(f"{len(found)} of {number} messages came within {PATIENCE:.0f} s", code="XX000")
        found += take()
        time.sleep(0.02)
    return found


def over_http(installation: Installation, client: Client) -> None:
    step("9. The same over HTTP", "pgsluice serve; a customer is created at the vendor, and comes back through the consumer")
    token = client.token_create("demo")["token"]
    with serving(installation) as url, polling(installation):
        create = {"kind": "create", "sync_id": "my-sync", "collection_id": "stripe:customer", "data": [{"name": "Chani Kynes"}]}
        written = post(url, "/v1/mutations/run", token, create)
        if written["status"] != "succeeded":
            raise make("the customer was not created", code="XX000", details=json.dumps(written))
        upstream_id = written["records"][0]["upstream_id"]
        say(f"{written['status']}: {upstream_id}")
        (message,) = post(url, "/v1/http-consumers/billing/next", token, {"batch_size": 10, "wait_for": 20_000})
        if message["record"]["upstream_id"] != upstream_id:
            raise make("another message came", code="XX000", details=message["record"]["upstream_id"])
        say(f"{upstream_id}  name: {message['record']['data']['name']}")
        say(json.dumps(post(url, "/v1/http-consumers/billing/ack", token, {"ack_tokens": [message["ack_token"]]})))


@contextmanager
def serving(installation: Installation) -> Iterator[str]:
    """A server of its own, ended by its process id."""
    program = Path(sys.executable).with_name("pgsluice")
    command = [program, "--data-dir", installation.folder, "--listen", "127.0.0.1:0", "serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://[^/\s]+", process.stdout.readline())
        if found is None:
            raise make("the server did not start", code="XX000")
        yield found[0]
    finally:
        process.terminate()
        process.wait(15)


def post(url: str, path: str, token: str, body: Row) -> Any:
    """What the call answers; the curl command for it is shown."""
    text = json.dumps(body)
    out.print(f"  $ curl -X POST {url}{path} -H 'Authorization: Bearer pgsl_…' -d '{text}'", style="dim", markup=False, soft_wrap=True)
    curl = shutil.which("curl")
    if curl is None:
        return httpx.post(url + path, headers={"Authorization": f"Bearer {token}"}, json=body, timeout=60, trust_env=False).json()
    # The token goes in by a file descriptor: the list of processes is for everybody.
    command = [curl, "-sS", "--noproxy", "*", "--max-time", "60", "-X", "POST", url + path, "-H", "@-", "-d", text]
    return json.loads(subprocess.run(command, input=f"Authorization: Bearer {token}\n", capture_output=True, text=True, check=True).stdout)


def comparison(client: Client, vendor: LocalStripe) -> None:
    """Every customer that the vendor lists is a record, in its present state, and no other is."""
    step("10. Nothing is missing, nothing is there twice", "Every customer in the vendor's list is compared with the records.")
    theirs = {customer.id: customer.name for customer in vendor.client().v1.customers.list({"limit": 100}).auto_paging_iter()}
    records = client.records(collection_id="stripe:customer", limit=None)
    ours = [(row["upstream_id"], row["data"]["name"]) for row in records if not row["deleted"]]
    if sorted(ours) != sorted(theirs.items()):
        raise make("the records are not what the vendor has", code="XX000")
    say(f"{len(theirs)} customers there, the same {len(ours)} here, and {len(records) - len(ours)} kept as deleted")


def what_next(server: embedded.Server) -> None:
    print("\nTry next:\n\n  make up        # keeps all of this running, the vendor too. Then, in another terminal:\n")
    for line in place.to_try(server):
        print(f"  {line}")


if __name__ == "__main__":
    try:
        main()
    except (SluiceError, LocalStripeError, KeyboardInterrupt) as exc:
        sys.exit(terminal.report(exc, as_json=False))
