"""The fake as a process of its own: it outlives its client, and goes when it should."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.fixtures import Sdk
from fakes.plain import ask
from fakes.stripe import StripeProcess, StripeRemote

FOLDER = Path(__file__).with_name("stripe")


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(FOLDER), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")


def test_the_command_line() -> None:
    with start("--seed", "20") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            assert told["pid"] == process.pid
            remote = StripeRemote(told["url"])
            assert (told["key"], told["live_key"], told["restricted_key"]) == (remote.key, remote.live_key, remote.restricted_key)
            assert len(remote.objects("customer")) == 20
            assert len(remote.objects("subscription")) == 2
            assert len(ask(remote, "GET", "/v1/customers", {"limit": "100"}).ids) == 20
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_everything_by_remote_control(stripe_process: StripeProcess, stripe_sdk: Sdk) -> None:
    client = stripe_sdk(stripe_process.url, stripe_process.key)
    ids = stripe_process.seed(customers=4, plans=1)
    assert [customer.id for customer in client.v1.customers.list({"limit": 3}).auto_paging_iter()] == ids["customer"][::-1]
    made = stripe_process.create("customer", name="Ada")
    assert stripe_process.update("customer", made["id"], name="Eve")["name"] == "Eve"
    assert stripe_process.change("customer", made["id"], delinquent=True)["delinquent"] is True
    assert stripe_process.delete("customer", made["id"])["deleted"] is True
    assert stripe_process.deleted("customer") == {made["id"]}
    assert [event["type"] for event in stripe_process.events()][-1] == "customer.deleted"
    invoice = stripe_process.create("invoice", customer=ids["customer"][0])["id"]
    assert stripe_process.act("invoice", invoice, "finalize")["status"] == "paid"
    assert stripe_process.plant("customer", '{"id": "cus_x", "n": 1e400}', event="customer.created") == "cus_x"
    assert ask(stripe_process, "GET", "/v1/customers/cus_x").body == b'{"id": "cus_x", "n": 1e400}'
    assert len(stripe_process.requests) == 3
    stripe_process.forget_requests()
    stripe_process.clear()
    assert stripe_process.objects("customer") == {}


def test_faults_clock_and_keys_by_remote_control(stripe_process: StripeProcess) -> None:
    rule = stripe_process.fail("rate_limited", path="/v1/customers", retry_after=7)
    assert ask(stripe_process, "GET", "/v1/customers").headers["retry-after"] == "7"
    assert rule.wait(timeout=1)
    assert ask(stripe_process, "GET", "/v1/customers").status == 200
    lasting = stripe_process.fail("empty", times=None)
    assert not ask(stripe_process, "GET", "/v1/customers").body
    lasting.remove()
    held = stripe_process.fail("hold")
    held.release()
    stripe_process.fail("empty", times=None)
    stripe_process.heal()
    assert ask(stripe_process, "GET", "/v1/customers").json["data"] == []
    assert stripe_process.clock(freeze=1000) == 1000
    assert stripe_process.clock(advance=5) == 1005
    assert stripe_process.clock(run=None) in range(1005, 1020)
    stripe_process.set(oldest_first=True)
    stripe_process.revoke()
    assert ask(stripe_process, "GET", "/v1/customers").status == 401
    stripe_process.add_key(stripe_process.key)
    assert ask(stripe_process, "GET", "/v1/customers").status == 200
    with pytest.raises(RuntimeError, match="no such control"):
        stripe_process.call("stop")
    with pytest.raises(RuntimeError, match="KeyError"):
        stripe_process.fail("no such fault")


def test_it_outlives_a_killed_client(stripe_process: StripeProcess) -> None:
    script = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1] + '/_fake/ping').status, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script, stripe_process.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"200\n"
        client.kill()
    stripe_process.create("customer")
    assert len(ask(stripe_process, "GET", "/v1/customers").ids) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child")
def test_it_goes_when_its_owner_is_killed() -> None:
    """The owner is a process that starts the fake and is then killed without a chance to clean up."""
    script = (
        f"import sys; sys.path.insert(0, {str(FOLDER.parents[1])!r})\n"
        "from fakes.stripe import StripeProcess\n"
        "process = StripeProcess().start(); print(process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        fake = os.pidfd_open(int(owner.stdout.readline()))
        owner.kill()
    try:
        assert select.select([fake], [], [], 10)[0], "the fake is still there"
    finally:
        os.close(fake)
