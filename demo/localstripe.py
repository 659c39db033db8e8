"""localstripe as a stand-in for Stripe: a process of its own on a free loopback port, and its filling through Stripe's own SDK.

    with LocalStripe(folder) as vendor:
        customers = fill(vendor, 300, progress=print)
        vendor.client().v1.customers.update(customers[0], {"name": "Ada"})

localstripe is GPL: it runs in a process of its own and is never imported by what ships. Run as a program, this file is that process:
`python -P demo/localstripe.py FOLDER` takes localstripe's own command line, with three habits corrected from outside:

- it binds every interface: here its sockets are bound to loopback, to a port that is free when `--port 0` is given;
- it keeps its state in a fixed file in /tmp, shared by everybody (a second user gets 500 on every POST), and rewrites it in place: here the
  file lies in FOLDER, and is replaced as a whole, so that a kill leaves the state before or after a request;
- it stays when whoever started it is gone: here it ends when its standard input closes. The other end of that pipe is held by the
  parent alone, so the kernel closes it however the parent ends, SIGKILL included; no name or number of a process is looked for.
"""

from __future__ import annotations

import builtins
import contextlib
import inspect
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from io import BufferedWriter, BytesIO, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

if TYPE_CHECKING:
    import stripe

KEY = "sk_test_localstripe0000000001"
"""Any key that starts with sk_ opens it."""

STATE = "/tmp/localstripe.pickle"
READY = "localstripe listens on port "
PORT_NOTE = "vendor_port"
"""The name under which the demo notes the port, so that `make up` finds the vendor at the same address."""


class LocalStripeError(Exception):
    """It did not start, or is not running; the message ends with the last line that it said."""


class LocalStripe:
    """Starts localstripe and ends it. `folder`: where its state lies; kept, so that a later run goes on from there. Without one it starts
    empty, and nothing is left. `port` 0: any free one; `url` and the attribute `port` say which."""

    key = KEY

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        self.url = ""
        self._sessions: list[stripe.RequestsClient] = []
        self._folder = folder
        self._port = port
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LocalStripeError("localstripe is not running")
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self) -> stripe.StripeClient:
        """Stripe's own SDK, pointed here; its connections end with stop()."""
        api, session = sdk(self.url)
        self._sessions.append(session)
        return api

    def start(self, timeout: float = 30) -> Self:
        """Answers when it serves; `timeout` in seconds."""
        folder = self._prepared()
        with (folder / "localstripe.log").open("wb") as log:
            command = [sys.executable, "-P", str(Path(__file__).resolve()), str(folder), "--port", str(self._port)]
            environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True
            )
        try:
            self.url = self._awaited(folder / "localstripe.log", time.monotonic() + timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """SIGTERM, and after five seconds SIGKILL, to the process that start() made."""
        while self._sessions:
            _close(self._sessions.pop())
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _prepared(self) -> Path:
        if self._folder is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="localstripe-")
            return Path(self._scratch.name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder.resolve()

    def _awaited(self, log: Path, deadline: float) -> str:
        """The address, once it answers there."""
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            port, complete, _ = log.read_text(errors="replace").partition(READY)[2].partition("\n")
            if complete and _answers(f"http://127.0.0.1:{port}"):
                return f"http://127.0.0.1:{port}"
            time.sleep(0.02)
        lines = log.read_text(errors="replace").strip().splitlines()
        raise LocalStripeError(f"localstripe did not start: {lines[-1] if lines else 'it said nothing in time'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _answers(url: str) -> bool:
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment is not asked for loopback
    try:
        with opener.open(f"{url}/v1/customers", timeout=2):
            return True
    except HTTPError as error:
        with error:
            return error.code == 401  # it asks for a key: it serves
    except (URLError, OSError):
        return False


PRODUCTS = ("Starter", "Team", "Business")
PRICES = (("month", 2900), ("year", 29000))  # minor units
NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Ewa", "Fatima", "Giulia", "Hiro")


def sdk(url: str, key: str = KEY) -> tuple[stripe.StripeClient, stripe.RequestsClient]:
    """Stripe's own SDK, pointed at that address, and what keeps its connections, to be closed."""
    import stripe  # noqa: PLC0415 - half a second that the process of localstripe, which is this file too, need not wait

    session = stripe.RequestsClient()
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0, http_client=session), session


def fill(
    vendor: LocalStripe | str, customers: int = 300, progress: Callable[[int, int], None] | None = None, *, subscriptions: int = 30
) -> list[str]:
    """Makes three products with two plans each, customers, and trial subscriptions of the first of them. `vendor`: or its address.
    `progress`: (customers made, customers to make). Answers the ids of the customers, oldest first.

    Trials, since without one localstripe asks for a means of payment; plans, since it has no prices."""
    api, session = sdk(vendor if isinstance(vendor, str) else vendor.url)
    try:
        plans = [plan for name in PRODUCTS for plan in _product(api, name)]
        made = []
        for number in range(customers):
            made.append(_customer(api, number))
            if progress:
                progress(number + 1, customers)
        for number, customer in enumerate(made[:subscriptions]):
            trial: Any = {"customer": customer, "items": [{"plan": plans[number % len(plans)]}], "trial_period_days": 14}
            api.v1.subscriptions.create(trial)
        return made
    finally:
        _close(session)


def _product(api: stripe.StripeClient, name: str) -> list[str]:
    """Ids of its plans."""
    product = api.v1.products.create({"name": name}).id
    made = []
    for interval, amount in PRICES:
        plan: Any = {"product": product, "currency": "usd", "interval": interval, "amount": amount, "nickname": f"{name}, a {interval}"}
        made.append(api.v1.plans.create(plan).id)
    return made


def _customer(api: stripe.StripeClient, number: int) -> str:
    name = f"{NAMES[number % len(NAMES)]} {number + 1}"
    facts: Any = {"name": name, "email": f"customer{number + 1}@example.com", "metadata": {"number": str(number + 1)}}
    return api.v1.customers.create(facts).id


def _close(session: stripe.RequestsClient) -> None:
    session.close()  # type: ignore[no-untyped-call]  # the SDK's own gap


# -- the process of localstripe


class _LoopbackSocket(socket.socket):
    """Bound to every interface means bound to loopback here; IPv6 is not needed, and not there on every machine."""

    def __init__(self, family: int = -1, *arguments: Any, **named: Any) -> None:
        super().__init__(socket.AF_INET if family == socket.AF_INET6 else family, *arguments, **named)

    def bind(self, address: Any) -> None:
        if isinstance(address, tuple) and address[0] in ("", "::", "0.0.0.0"):
            super().bind(("127.0.0.1", address[1]))
            print(f"{READY}{self.getsockname()[1]}", flush=True)
        else:
            super().bind(address)


class _Replaced(BufferedWriter):
    """A file that takes its name when it is complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        super().__init__(FileIO(self._part, "w"))

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._part.replace(self._path)


def _serve(folder: Path) -> None:
    """Never returns while it serves. localstripe reads the rest of the command line."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    plain_open, plain_dump, state = builtins.open, pickle.dump, folder / "localstripe.pickle"

    def private_open(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if file != STATE:
            return plain_open(file, mode, *arguments, **named)
        if "w" not in mode:
            return plain_open(state, mode, *arguments, **named)
        return BytesIO() if _in_the_middle() else _Replaced(state)

    def dump(value: Any, file: Any, *arguments: Any, **named: Any) -> None:
        if isinstance(file, _Replaced):
            plain_dump(value, file, *arguments, **named)

    builtins.open = private_open
    pickle.dump = dump  # type: ignore[assignment]
    socket.socket = _LoopbackSocket  # type: ignore[misc]
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != own]  # where this file would be found in its stead
    runpy.run_module("localstripe", run_name="__main__", alter_sys=True)


def _in_the_middle() -> bool:
    """Whether a change inside a request is being saved. All is saved again when the request ends: that is enough, and filling takes
    half the time."""
    caller = inspect.currentframe()
    for _ in range(3):
        caller = caller and caller.f_back
    return caller is not None and caller.f_code.co_name in ("__setitem__", "__delitem__")


def _leave_with_parent() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3)
    os._exit(1)  # it did not listen


if __name__ == "__main__":
    _serve(Path(sys.argv.pop(1)))
