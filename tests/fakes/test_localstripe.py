"""The process of localstripe that the demo and tests use: private, on loopback, gone when it should be; and filled."""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import stripe

PROGRAM = Path(__file__).parents[2] / "demo" / "localstripe.py"
FIXED = Path("/tmp/localstripe.pickle")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, or waits for a process that is not its child")


def load(name: str = "demo_localstripe") -> ModuleType:
    """demo/ is no package; under its own name the file would hide localstripe."""
    spec = importlib.util.spec_from_file_location(name, PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


demo = load()


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Any, list[str], list[tuple[int, int]]]]:
    """A vendor with 40 customers, their ids, and the progress that was told. Tests only read it."""
    told: list[tuple[int, int]] = []
    with demo.LocalStripe() as vendor:
        yield vendor, demo.fill(vendor, 40, lambda done, of: told.append((done, of)), subscriptions=5), told


def test_what_it_is_filled_with(filled: Any) -> None:
    vendor, customers, told = filled
    api = vendor.client()
    listed = list(api.v1.customers.list({"limit": 100}).auto_paging_iter())
    assert [customer.id for customer in listed] == customers  # oldest first: localstripe's own order
    assert len({customer.email for customer in listed}) == 40
    assert told == [(number, 40) for number in range(1, 41)]
    assert len(api.v1.products.list({"limit": 100}).data) == 3
    plans = api.v1.plans.list({"limit": 100}).data
    assert len(plans) == 6
    subscriptions = api.v1.subscriptions.list({"limit": 100}).data
    assert [found.customer for found in subscriptions] == customers[:5]
    assert {found.status for found in subscriptions} == {"incomplete"}  # localstripe's word for a trial; Stripe's is "trialing"
    types = {event.type for event in api.v1.events.list({"limit": 200}).data}
    assert {"customer.created", "product.created", "plan.created", "customer.subscription.created"} <= types


@linux
def test_only_loopback_reaches_it(filled: Any) -> None:
    vendor = filled[0]
    assert vendor.url == f"http://127.0.0.1:{vendor.port}"
    listening = []
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        listening += [row.split()[1] for row in rows if row.split()[3] == "0A" and row.split()[1].endswith(f":{vendor.port:04X}")]
    assert listening == [f"0100007F:{vendor.port:04X}"]


@linux
def test_another_address_of_this_machine_is_refused(filled: Any) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", filled[0].port), timeout=5)


@linux
def test_the_common_state_file_is_left_alone(filled: Any) -> None:
    assert not FIXED.exists() or FIXED.stat().st_mtime < time.time() - 3600
    assert {entry.name for entry in Path(f"/proc/{filled[0].pid}/cwd").iterdir()} == {"localstripe.log", "localstripe.pickle"}


def test_changes_and_deletions() -> None:
    with demo.LocalStripe() as vendor:
        first, second = demo.fill(vendor.url, 2, subscriptions=0)
        api = vendor.client()
        assert api.v1.customers.update(first, {"name": "Paul"}).name == "Paul"
        assert api.v1.customers.delete(second).deleted is True
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.customers.retrieve(second)
        types = [event.type for event in api.v1.events.list({"limit": 100}).data]
        assert types[-2:] == ["customer.updated", "customer.deleted"]


@linux
def test_a_folder_keeps_the_state_for_a_later_run(tmp_path: Path) -> None:
    with demo.LocalStripe(tmp_path / "vendor") as vendor:
        customers = demo.fill(vendor, 3, subscriptions=1)
        port, pid = vendor.port, vendor.pid
    assert not Path(f"/proc/{pid}").exists()
    with demo.LocalStripe(tmp_path / "vendor", port) as again:
        assert again.port == port
        assert [customer.id for customer in again.client().v1.customers.list().data] == customers
        assert len(again.client().v1.subscriptions.list().data) == 1


def test_killed_in_the_middle_it_keeps_what_it_answered(tmp_path: Path) -> None:
    vendor = demo.LocalStripe(tmp_path).start()
    try:
        customers = demo.fill(vendor, 20, subscriptions=0)
        os.kill(vendor.pid, signal.SIGKILL)
        with demo.LocalStripe(tmp_path) as again:
            found = list(again.client().v1.customers.list({"limit": 100}).data)
        assert [customer.id for customer in found] == customers
    finally:
        vendor.stop()


@linux
def test_without_a_folder_nothing_is_left() -> None:
    with demo.LocalStripe() as vendor:
        scratch = Path(f"/proc/{vendor.pid}/cwd").resolve()
        assert scratch.exists()
        assert scratch.stat().st_mode & 0o77 == 0
    assert not scratch.exists()
    with pytest.raises(demo.LocalStripeError, match="not running"):
        _ = vendor.pid


def test_two_at_once_know_nothing_of_each_other() -> None:
    with demo.LocalStripe() as one, demo.LocalStripe() as two:
        demo.fill(one, 2, subscriptions=0)
        assert one.port != two.port
        assert two.client().v1.customers.list().data == []


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        vendor = demo.LocalStripe(port=taken.getsockname()[1])
        with pytest.raises(demo.LocalStripeError, match=r"^localstripe did not start: OSError: .*Address already in use$"):
            vendor.start()


@linux
def test_it_goes_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import importlib.util, pathlib, sys\n"
        f"spec = importlib.util.spec_from_file_location('demo_localstripe', {str(PROGRAM)!r})\n"
        "demo = importlib.util.module_from_spec(spec); spec.loader.exec_module(demo)\n"
        f"vendor = demo.LocalStripe(pathlib.Path({str(tmp_path)!r})).start()\n"
        "print(vendor.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        vendor = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        assert select.select([vendor], [], [], 20)[0], "localstripe outlived its parent"
    finally:
        os.close(vendor)


def test_none_of_it_is_imported_here() -> None:
    """It is GPL: its code stays in its own process."""
    assert not [name for name in sys.modules if name.partition(".")[0] == "localstripe"]
