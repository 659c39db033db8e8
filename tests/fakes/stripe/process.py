"""The fake as a process of its own, which lives on when the process under test is killed, and the other end of its control."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from fakes.stripe.fake import KEY, LIVE_KEY, RESTRICTED_KEY
from fakes.stripe.wire import Logged

Doc = dict[str, Any]
_direct = build_opener(ProxyHandler({}))  # a proxy of the environment is not asked for loopback


class StripeRemote:
    """Controls a running fake at `url`: StripeFake's methods by the same names, JSON in between (so no `rewrite` fault, no bytes)."""

    key = KEY
    live_key = LIVE_KEY
    restricted_key = RESTRICTED_KEY

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, control: str, /, *args: Any, **arguments: Any) -> Any:
        body = json.dumps({**arguments, **({"args": args} if args else {})}).encode()
        try:
            with _direct.open(Request(f"{self.url}/_fake/{control}", body, {"Content-Type": "application/json"}), timeout=60) as reply:
                return json.load(reply)["result"]
        except HTTPError as error:
            raise RuntimeError(json.load(error)["error"]) from None

    def set(self, **settings: Any) -> None:
        self.call("set", **settings)

    def add_key(self, key: str, permissions: list[str] | None = None) -> None:
        self.call("add_key", key, permissions)

    def revoke(self, key: str = KEY) -> None:
        self.call("revoke", key)

    def fail(self, fault: str, **arguments: Any) -> RemoteRule:
        return RemoteRule(self, self.call("fail", fault, **arguments))

    def heal(self) -> None:
        self.call("heal")

    def clear(self) -> None:
        self.call("clear")

    def create(self, kind: str, **params: Any) -> Doc:
        return dict(self.call("create", kind, **params))

    def update(self, kind: str, id_: str, **params: Any) -> Doc:
        return dict(self.call("update", kind, id_, **params))

    def delete(self, kind: str, id_: str, **params: Any) -> Doc:
        return dict(self.call("delete", kind, id_, **params))

    def act(self, kind: str, id_: str, action: str, **params: Any) -> Doc:
        return dict(self.call("act", kind, id_, action, **params))

    def change(self, kind: str, id_: str, **fields: Any) -> Doc:
        return dict(self.call("change", kind, id_, **fields))

    def plant(self, kind: str, raw: str, id_: str | None = None, **arguments: Any) -> str:
        return str(self.call("plant", kind, raw, id_, **arguments))

    def seed(self, **counts: Any) -> dict[str, list[str]]:
        return dict(self.call("seed", **counts))

    def objects(self, kind: str, **arguments: Any) -> dict[str, Doc]:
        return dict(self.call("objects", kind, **arguments))

    def deleted(self, kind: str, **arguments: Any) -> frozenset[str]:
        return frozenset(self.call("deleted", kind, **arguments))

    def events(self, **arguments: Any) -> list[Doc]:
        return list(self.call("events", **arguments))

    def clock(self, **moves: float | None) -> int:
        """advance=SECONDS, set=TIME, freeze=TIME or None, run=None; answers the fake's time. Without arguments: only that."""
        return int(self.call("clock", **moves))

    @property
    def requests(self) -> list[Logged]:
        return [Logged(**entry) for entry in self.call("requests")]

    def forget_requests(self) -> None:
        self.call("forget_requests")


class RemoteRule:
    """A faults.Rule on the other side."""

    def __init__(self, remote: StripeRemote, number: int) -> None:
        self._remote = remote
        self._number = number

    def wait(self, hits: int = 1, timeout: float = 30) -> bool:
        return bool(self._remote.call("rule_wait", rule=self._number, hits=hits, timeout=timeout))

    def release(self) -> None:
        self._remote.call("rule_release", rule=self._number)

    def remove(self) -> None:
        self._remote.call("rule_remove", rule=self._number)


class StripeProcess(StripeRemote):
    """Starts it and ends it. It ends by itself when this process dies in any way: its standard input closes then."""

    def __init__(self, port: int = 0, *, seed: int = 0) -> None:
        super().__init__("")
        self._arguments = ["--port", str(port), "--seed", str(seed), "--until-stdin-closes"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        program = str(Path(__file__).with_name("__main__.py"))
        self._process = subprocess.Popen(
            [sys.executable, program, *self._arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdout is not None
        timer = threading.Timer(30, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            self.stop()
            raise RuntimeError("the fake did not start")
        self.url = json.loads(line)["url"]
        return self

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
