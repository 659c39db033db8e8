"""`make up`: `pgsluice up`. After `make demo` on the demo's folder, with its vendor at the address where the demo had it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import place
from localstripe import PORT_NOTE, LocalStripe, LocalStripeError

from pgsluice import supervisor, terminal
from pgsluice.db.errors import SluiceError, make


def main() -> int:
    program = str(Path(sys.executable).with_name("pgsluice"))
    port = place.noted().get(PORT_NOTE)
    if port is None:
        print("There is no demo to go on with (make demo makes one), so this runs an installation of your own.", flush=True)
        return serve([program, "up"], dict(os.environ))
    if supervisor.who_runs(place.folder()) is None:
        with vendor_at(port) as vendor:
            print(f"vendor    {vendor.url}, a stand-in for Stripe, process {vendor.pid}", flush=True)
            return serve(*demo(program))
    return serve(*demo(program))  # it says who runs


@contextmanager
def vendor_at(port: int) -> Iterator[LocalStripe]:
    """The vendor at the port that the demo's credential leads to."""
    vendor = LocalStripe(place.vendor_folder(), port)
    try:
        vendor.start()
    except LocalStripeError as exc:
        hint = f"end what uses port {port}, or begin anew with make demo"
        raise make(f"the demo's vendor cannot have port {port} again", code="SL403", details=str(exc), hint=hint) from None
    try:
        yield vendor
    finally:
        vendor.stop()


def demo(program: str) -> tuple[list[str], dict[str, str]]:
    """The command and its environment, in which nothing of an installation of your own is left but the address of HTTP."""
    options = ["--data-dir", str(place.folder()), "--allow-private-addresses", "--poll-interval", "1"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PGSLUICE_") or name == "PGSLUICE_LISTEN"}
    return [program, *options, "up"], kept


def serve(command: list[str], environment: dict[str, str]) -> int:
    """Runs it until it ends; a signal to us is for it."""
    process = subprocess.Popen(command, env=environment)
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal told the process too


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (SluiceError, KeyboardInterrupt) as exc:
        sys.exit(terminal.report(exc, as_json=False))
