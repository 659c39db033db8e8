"""What can go wrong, each as a value for StripeFake.fail(). A fault acts when the request arrives, in place of the endpoint, or on
the reply of a request that was carried out; the docstring says which."""

from __future__ import annotations

import gzip as gzip_
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fakes.stripe import errors
from fakes.stripe.wire import Reply, Request

if TYPE_CHECKING:
    from fakes.stripe.engine import Engine

PAGE = "<html>\n<head><title>{0}</title></head>\n<body><center><h1>{0}</h1></center><hr><center>nginx</center></body>\n</html>\n"


class Fault:
    """Does nothing; each kind overrides the moment it acts at."""

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        """Before anything else. A reply ends the request; it has had no effect."""
        return None

    def execute(self) -> None:
        """In place of the endpoint: raises the error that it answers."""

    def reply(self, engine: Engine, request: Request, reply: Reply) -> Reply:
        """On the reply of a request that was carried out."""
        return reply


@dataclass(frozen=True)
class RateLimited(Fault):
    """429, without effect. `retry_after`, in seconds, and `should_retry` ("true", "false") become headers when given."""

    retry_after: int | str | None = None
    should_retry: str | None = None
    reason: str | None = "global-rate"
    code: str = "rate_limit"
    message: str = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        headers = {"Retry-After": self.retry_after, "Stripe-Should-Retry": self.should_retry, "Stripe-Rate-Limited-Reason": self.reason}
        given = {name: str(value) for name, value in headers.items() if value is not None}
        return engine.failed(errors.ApiError(429, self.message, code=self.code, headers=given), request)


def lock_timeout() -> RateLimited:
    """429 because another request holds the object."""
    message = "This object cannot be accessed right now because another API request or Stripe process is currently accessing it."
    return RateLimited(reason=None, code="lock_timeout", message=message)


@dataclass(frozen=True)
class ServerError(Fault):
    """500 or 503 in place of the endpoint. An idempotency key keeps this result, as the vendor says."""

    status: int = 500
    should_retry: str | None = None

    def execute(self) -> None:
        headers = {"Stripe-Should-Retry": self.should_retry} if self.should_retry else {}
        message = "An unknown error occurred. Please contact support@stripe.com if the problem persists."
        raise errors.ApiError(self.status, message, type="api_error", headers=headers, saved=True)


@dataclass(frozen=True)
class BadParameter(Fault):
    """400 on a parameter, as if the vendor no longer took it."""

    param: str
    message: str = "Received unknown parameter: {}"
    code: str = "parameter_unknown"

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        return engine.failed(errors.invalid(self.message.format(self.param), self.param, self.code), request)


@dataclass(frozen=True)
class Body(Fault):
    """Any bytes in place of the reply; the request has no effect. str: as UTF-8, lone surrogates (in one str) as they are."""

    content: bytes | str = b""
    status: int = 200
    content_type: str = "application/json"

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        content = self.content.encode("utf-8", "surrogatepass") if isinstance(self.content, str) else self.content
        return Reply(self.status, content, content_type=self.content_type)


def html(status: int = 502) -> Body:
    """A page of a proxy in place of JSON."""
    titles = {200: "Welcome", 404: "404 Not Found", 502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable"}
    return Body(PAGE.format(titles.get(status, str(status))), status, "text/html")


def empty(status: int = 200) -> Body:
    """No body at all."""
    return Body(b"", status)


def endless_empty() -> Body:
    """A list without entries that says there is more."""
    return Body(json.dumps({"object": "list", "data": [], "has_more": True, "url": "/v1/customers"}, indent=2))


@dataclass(frozen=True)
class Truncated(Fault):
    """The reply of a request that was carried out breaks off: Content-Length says more than what comes. `keep`: share that is sent."""

    keep: float = 0.5

    def reply(self, engine: Engine, request: Request, reply: Reply) -> Reply:
        return replace(reply, sent=int(len(reply.body) * self.keep))


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset without an answer; `executed`: after the request was carried out."""

    executed: bool = False

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        return None if self.executed else Reply(0, b"", reset=True)

    def reply(self, engine: Engine, request: Request, reply: Reply) -> Reply:
        return replace(reply, reset=True)


@dataclass(frozen=True)
class Slow(Fault):
    """Waits before anything happens; stopping the fake ends the wait."""

    seconds: float

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        engine.stopping.wait(self.seconds)
        return None


@dataclass(frozen=True)
class Hold(Fault):
    """Holds each request until Rule.release(); `executed`: it was carried out, only the answer waits. Rule.wait() says it is there."""

    executed: bool = False
    gate: threading.Event = field(default_factory=threading.Event, compare=False)

    def execute(self) -> None:
        if not self.executed:
            self.gate.wait(60)

    def reply(self, engine: Engine, request: Request, reply: Reply) -> Reply:
        if self.executed:
            self.gate.wait(60)
        return reply


@dataclass(frozen=True)
class Revoke(Fault):
    """The key of this request is revoked, for good: 401 from here on."""

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        engine.revoke(engine.key_of(request))
        return None


@dataclass(frozen=True)
class Query(Fault):
    """Changes the parameters before the request is read: what a vendor's paging gone wrong looks like."""

    change: Callable[[dict[str, Any], Engine, Request], None]

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        self.change(request.params, engine, request)
        return None


def ignore_cursor() -> Query:
    """`starting_after` is not heeded: the first page again."""
    return Query(lambda params, engine, request: params.pop("starting_after", None))


def short_page(entries: int) -> Query:
    """A page of so many entries, whatever the limit says; has_more tells the truth."""
    return Query(lambda params, engine, request: params.update(limit=str(entries)))


def overlap(entries: int = 1) -> Query:
    """The page begins so many entries too early: it repeats the end of the one before."""
    return Query(lambda params, engine, request: engine.step_back(params, request, entries))


@dataclass(frozen=True)
class RepeatPage(Fault):
    """The reply is, byte for byte, the one that the last list under this path gave before."""

    def arrive(self, engine: Engine, request: Request) -> Reply | None:
        body = engine.last_lists.get(request.path)
        return None if body is None else Reply(200, body)


@dataclass(frozen=True)
class Rewrite(Fault):
    """Any change of the reply's bytes (in-process only)."""

    change: Callable[[bytes], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self, engine: Engine, request: Request, reply: Reply) -> Reply:
        return replace(reply, body=self.change(reply.body), headers={**reply.headers, **self.headers})


def bom() -> Rewrite:
    """A byte order mark before the JSON."""
    return Rewrite(lambda body: b"\xef\xbb\xbf" + body)


def gzip() -> Rewrite:
    """The body compressed, and so marked."""
    return Rewrite(gzip_.compress, {"Content-Encoding": "gzip"})


NAMES: Mapping[str, Callable[..., Fault]] = {
    "rate_limited": RateLimited,
    "lock_timeout": lock_timeout,
    "server_error": ServerError,
    "bad_parameter": BadParameter,
    "body": Body,
    "html": html,
    "empty": empty,
    "endless_empty": endless_empty,
    "truncated": Truncated,
    "reset": Reset,
    "slow": Slow,
    "hold": Hold,
    "revoke": Revoke,
    "ignore_cursor": ignore_cursor,
    "short_page": short_page,
    "overlap": overlap,
    "repeat_page": RepeatPage,
    "rewrite": Rewrite,
    "bom": bom,
    "gzip": gzip,
}


class Rule:
    """A fault and the requests that it strikes; answered by StripeFake.fail()."""

    def __init__(
        self,
        name: str,
        fault: Fault,
        *,
        method: str | None = None,
        path: str | None = None,
        params: Mapping[str, Any] | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        self.name = name
        self.fault = fault
        self.hits = 0
        self._method = method
        self._path = path
        self._params = params or {}
        self._left = times
        self._skip = skip
        self._changed = threading.Condition()

    def strikes(self, request: Request) -> bool:
        """Whether this request is struck; counts it."""
        if not self._matches(request):
            return False
        with self._changed:
            if self._left == 0:
                return False
            if self._skip:
                self._skip -= 1
                return False
            if self._left is not None:
                self._left -= 1
            self.hits += 1
            self._changed.notify_all()
            return True

    def _matches(self, request: Request) -> bool:
        if self._method is not None and request.method != self._method:
            return False
        if self._path is not None and not fnmatchcase(request.path, self._path):
            return False
        return all(request.params.get(name) == value for name, value in self._params.items())

    def wait(self, hits: int = 1, timeout: float = 30) -> bool:
        """Until so many requests were struck: for the fault `hold`, they stand there (or their answers do)."""
        with self._changed:
            return self._changed.wait_for(lambda: self.hits >= hits, timeout)

    def release(self) -> None:
        """Lets go what a `hold` holds, and holds no more."""
        self.remove()
        if isinstance(self.fault, Hold):
            self.fault.gate.set()

    def remove(self) -> None:
        with self._changed:
            self._left = 0
