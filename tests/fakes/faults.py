"""A proxy that stands before any fake and spoils what passes, by a schedule: one place for all that can go wrong on the line.

    with FaultProxy(fake.url) as proxy:
        proxy.fail(html(502), path="/v1/customers", skip=1)      # the second request of that list
        proxy.replace('"@bad@"', '"a\\u0000b"')                  # in every reply, until heal()

A fault is a function of the request and of `onward`, which passes a request on to the fake and answers its reply: what does not call it
has no effect at the vendor.
"""

from __future__ import annotations

import gzip
import http.client
import threading
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, urlencode, urlsplit

from fakes.serving import Answer, Asked, Serving

Onward = Callable[[Asked], Answer]
Fault = Callable[[Asked, Onward], Answer]
PAGE = "<html>\n<head><title>{0}</title></head>\n<body><center><h1>{0}</h1></center><hr><center>nginx</center></body>\n</html>\n"
_OWN_HEADERS = {"content-length", "connection", "transfer-encoding", "date", "server", "keep-alive"}


class Rule:
    """A fault and the requests that it strikes. `hits`: how many so far."""

    def __init__(self, fault: Fault, path: str, method: str | None, times: int | None, skip: int) -> None:
        self.fault = fault
        self.hits = 0
        self._path, self._method, self._left, self._skip = path, method, times, skip
        self._changed = threading.Condition()

    def strikes(self, asked: Asked) -> bool:
        if not fnmatchcase(asked.path, self._path) or self._method not in {None, asked.method}:
            return False
        with self._changed:
            if self._skip or self._left == 0:
                self._skip = max(self._skip - 1, 0)
                return False
            self._left = None if self._left is None else self._left - 1
            self.hits += 1
            self._changed.notify_all()
            return True

    def wait(self, hits: int = 1, timeout: float = 30) -> bool:
        """Until so many requests were struck."""
        with self._changed:
            return self._changed.wait_for(lambda: self.hits >= hits, timeout)


class FaultProxy(Serving):
    """Passes on to `target`, under the caller's Host, so that links in replies lead back through it."""

    parallel = True

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._rules: list[Rule] = []
        self._replaced: dict[bytes, bytes] = {}
        self._caps: dict[str, int] = {}
        self._connections = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self.last: dict[str, Answer] = {}  # path -> the last page that passed

    def fail(self, fault: Fault, path: str = "*", *, method: str | None = None, times: int | None = 1, skip: int = 0) -> Rule:
        """Strikes the next `times` (None: all) requests that match, after letting `skip` of them pass. The last rule set goes first."""
        rule = Rule(fault, path, method, times, skip)
        self._rules.insert(0, rule)
        return rule

    def replace(self, old: str | bytes, new: str | bytes) -> None:
        """In every reply. str: as UTF-8, lone surrogates as they are."""
        self._replaced[_bytes(old)] = _bytes(new)

    def cap(self, **sizes: int) -> None:
        """No more than so many of a parameter (`limit=3`), as a vendor with small pages; names with brackets by **{}."""
        self._caps.update(sizes)

    def forget(self, *rules: Rule) -> None:
        """These strike no more."""
        self._rules = [rule for rule in self._rules if rule not in rules]

    def heal(self) -> None:
        """Passes everything as it is; caps stay."""
        self._rules.clear()
        self._replaced.clear()

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            for connection in self._opened:
                connection.close()

    def answer(self, asked: Asked) -> Answer:
        rule = next((rule for rule in list(self._rules) if rule.strikes(asked)), None)
        reply = self._onward(asked) if rule is None else rule.fault(asked, self._onward)
        for old, new in list(self._replaced.items()):
            reply = replace(reply, body=reply.body.replace(old, new))
        return reply

    def _onward(self, asked: Asked) -> Answer:
        query = parse_qsl(asked.query, keep_blank_values=True)
        if any(name in self._caps for name, _ in query):
            asked = replace(asked, query=urlencode([(name, self._capped(name, value)) for name, value in query]))
        reply = self._exchange(asked)
        if asked.method in {"GET", "POST"} and reply.status == 200:
            self.last[asked.path] = reply
        return reply

    def _capped(self, name: str, value: str) -> str:
        return str(min(int(value), self._caps[name])) if name in self._caps and value.isdigit() else value

    def _exchange(self, asked: Asked) -> Answer:
        connection: http.client.HTTPConnection | None = getattr(self._connections, "kept", None)
        if connection is None:
            connection = self._connections.kept = http.client.HTTPConnection(urlsplit(self._target).netloc, timeout=60)
            self._opened.append(connection)
        target = asked.path + (f"?{asked.query}" if asked.query else "")
        headers = {name: value for name, value in asked.headers.items() if name not in {"connection", "accept-encoding"}}
        try:
            connection.request(asked.method, target, asked.body or None, headers)
            reply = connection.getresponse()
            body = reply.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._connections.kept = None
            return Answer(0, reset=True)
        kept: dict[str, str | None] = {name: value for name, value in reply.getheaders() if name.lower() not in _OWN_HEADERS}
        return Answer(reply.status, body, {"Date": reply.getheader("Date"), **kept})


# ---------------------------------------------------------------- in place of the reply


def answers(status: int, body: bytes | str = b"", **headers: str) -> Fault:
    """That reply; the request has no effect. Underscores of header names become dashes."""
    given: dict[str, str | None] = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked, onward: Answer(status, _bytes(body), given)


def html(status: int = 502) -> Fault:
    """A page of a proxy in place of JSON."""
    return answers(status, PAGE.format(status), Content_Type="text/html")


def reset(*, executed: bool = False) -> Fault:
    """The connection is reset without an answer; `executed`: after the request was carried out."""

    def fault(asked: Asked, onward: Onward) -> Answer:
        if executed:
            onward(asked)
        return Answer(0, reset=True)

    return fault


# ---------------------------------------------------------------- on the reply


def changed(change: Callable[[Answer], Answer]) -> Fault:
    return lambda asked, onward: change(onward(asked))


def cut(keep: float = 0.5) -> Fault:
    """The reply breaks off: Content-Length says more than what comes."""
    return changed(lambda reply: replace(reply, sent=int(len(reply.body) * keep)))


def wrong_length(difference: int) -> Fault:
    """Content-Length says so many bytes more, or (negative) fewer, than there are; then the connection ends."""
    return changed(lambda reply: replace(reply, headers={**reply.headers, "Content-Length": str(len(reply.body) + difference)}))


def drip(seconds: float) -> Fault:
    """One byte after the other."""
    return changed(lambda reply: replace(reply, drip=seconds))


def encoded(name: str, body: Callable[[bytes], bytes] = lambda body: body) -> Fault:
    """Content-Encoding says `name`; the body is what `body` makes of it."""
    return changed(lambda reply: replace(reply, body=body(reply.body), headers={**reply.headers, "Content-Encoding": name}))


def bomb(size: int) -> Fault:
    """A small reply that unpacks to so many bytes."""
    packed = gzip.compress(b'{"data": "' + b" " * size + b'"}', 9)
    return encoded("gzip", lambda _: packed)


def charset(name: str) -> Fault:
    """The body in another encoding of characters, and so marked."""
    kind = f"application/json; charset={name}"
    return changed(lambda reply: replace(reply, body=reply.body.decode().encode(name), headers={**reply.headers, "Content-Type": kind}))


def edited(change: Callable[[bytes], bytes]) -> Fault:
    """Any change of the body."""
    return changed(lambda reply: replace(reply, body=change(reply.body)))


def first(act: Callable[[], object]) -> Fault:
    """Does something at the vendor before the request is carried out: what happens while a list is being read."""

    def fault(asked: Asked, onward: Onward) -> Answer:
        act()
        return onward(asked)

    return fault


def held(gate: threading.Event, *, executed: bool = True) -> Fault:
    """The answer (or, not `executed`, the request) waits until the gate opens."""

    def fault(asked: Asked, onward: Onward) -> Answer:
        if not executed:
            gate.wait(60)
            return onward(asked)
        reply = onward(asked)
        gate.wait(60)
        return reply

    return fault


def without(*names: str) -> Fault:
    """Parameters do not reach the vendor: it ignores them."""

    def fault(asked: Asked, onward: Onward) -> Answer:
        kept = [(name, value) for name, value in parse_qsl(asked.query, keep_blank_values=True) if name not in names]
        return onward(replace(asked, query=urlencode(kept)))

    return fault


def same_page(proxy: FaultProxy) -> Fault:
    """The last page of that path that passed, once more, byte for byte."""
    return lambda asked, onward: proxy.last.get(asked.path) or onward(asked)


def _bytes(text: str | bytes) -> bytes:
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
