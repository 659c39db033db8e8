"""The ASGI application: the table of routes, and what holds for all of them.

In this order: the token's form, the route, the body, and then in one transaction the token itself, its scope and the call. Whatever is
wrong with a request is told only to who has a valid token. A large body is not read before its token was looked up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pgsluice.db.errors import SluiceError, make
from pgsluice.db.serving import Hub, Store, Token
from pgsluice.server import bodies, collections, consume, consumers, manage, mutate, oauth, providing, signing_in, syncs, webhooks
from pgsluice.server.answers import raw
from pgsluice.server.auth import token_of
from pgsluice.server.errors import answer, malformed
from pgsluice.server.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.server")


class App:
    """The application over a pool and a hub; `stopping` ends what waits."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.conninfo, connections=settings.connections, statement_timeout=settings.statement_timeout)
        self.hub = Hub(settings.conninfo, lambda words: log.warning("database away", error=words))
        self.stopping = asyncio.Event()
        # Of those who wait, as many look at once as there are connections: a commit wakes all of a stream, and the pool refuses a crowd.
        self.looking = asyncio.Semaphore(settings.connections)
        self.webhooks = webhooks.Desk(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        begun = time.monotonic()
        response = await self._respond(request)
        if request.method == "HEAD":
            response.body = b""
        try:
            await response(scope, receive, send)
        finally:
            took = round((time.monotonic() - begun) * 1000, 1)
            log.debug("request", method=request.method, path=request.url.path, status=response.status_code, ms=took)

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._handled(request)
        except SluiceError as exc:
            headers = {"Allow": exc.allow} if isinstance(exc, WrongMethod) else None
            return answer(exc, headers)
        except Exception as exc:  # noqa: BLE001  whatever it is, the client gets an answer in the one shape
            # Its text may hold what was sent; the traceback is for whoever runs with a debugger.
            log.error("a request failed", path=request.url.path, error=type(exc).__name__)  # noqa: TRY400
            return answer(make("the server made a mistake", code="XX000", hint="its log names it; please report it"))

    async def _handled(self, request: Request) -> Response:
        if request.url.path in {"/healthz", "/readyz"}:
            return await self._health(request)
        if request.url.path.startswith(webhooks.PREFIX):
            return await self._webhook(request)
        if (door := _door(request)) is not None:
            return await door(self, request)
        token = token_of(request, self.settings.bootstrap_token)
        scope = "read"
        try:
            call, scope = _find(request)
            if bodies.is_large(request):
                await self.store.check(token, scope)
            return await call(self, request, token)
        except SluiceError as exc:
            if exc.code not in {"SL140", "SL002"} and exc.http_status < 500:
                # It was found before the token was looked up, perhaps.
                await self.store.check(token, scope)
            raise

    async def _webhook(self, request: Request) -> Response:
        """From a vendor, who has no token. No other answer than for any other id before the signature is checked."""
        _, _, *rest = _segments(request)
        if len(rest) != 1 or not rest[0]:
            raise make("nothing is served here", code="SL109", hint="webhooks come to /webhooks/{sync_id}")
        if request.method != "POST":
            raise WrongMethod(request.method, "POST")
        return await self.webhooks.receive(request, rest[0])

    async def _health(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise WrongMethod(request.method, "GET, HEAD")
        if request.url.path == "/readyz":
            await self.store.ready()
        return raw(b'{"status":"ok"}')


class WrongMethod(SluiceError):
    """SL113; `allow` is what the path takes."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"this path does not take {method[:20]}", code="SL113", hint=f"it takes: {allow}")
        self.allow = allow


Handler = Callable[[App, Request, Token], Awaitable[Response]]


class Call(NamedTuple):
    handler: Handler
    scope: str


_CONSUMER: Final = "/v1/http-consumers/{id}"
ROUTES: Final[Mapping[str, Mapping[str, Call]]] = {
    f"{_CONSUMER}/next": {"POST": Call(consume.consumer_next, "consume")},
    f"{_CONSUMER}/ack": {"POST": Call(consume.consumer_ack, "consume")},
    f"{_CONSUMER}/nack": {"POST": Call(consume.consumer_nack, "consume")},
    f"{_CONSUMER}/extend": {"POST": Call(consume.consumer_extend, "consume")},
    f"{_CONSUMER}/term": {"POST": Call(consume.consumer_term, "consume")},
    f"{_CONSUMER}/peek": {"GET": Call(consume.consumer_peek, "read")},
    f"{_CONSUMER}/seek": {"POST": Call(consumers.consumer_seek, "manage")},
    f"{_CONSUMER}/pause": {"POST": Call(consumers.consumer_pause, "manage")},
    f"{_CONSUMER}/resume": {"POST": Call(consumers.consumer_resume, "manage")},
    f"{_CONSUMER}/dead-letters": {"GET": Call(consumers.dead_letter_list, "read")},
    f"{_CONSUMER}/dead-letters/retry": {"POST": Call(consumers.dead_letter_retry, "manage")},
    f"{_CONSUMER}/dead-letters/purge": {"POST": Call(consumers.dead_letter_purge, "manage")},
    "/v1/http-consumers": {"GET": Call(consumers.consumer_list, "read"), "POST": Call(consumers.consumer_create, "manage")},
    _CONSUMER: {
        "GET": Call(consumers.consumer_info, "read"),
        "PATCH": Call(consumers.consumer_update, "manage"),
        "DELETE": Call(consumers.consumer_delete, "manage"),
    },
    "/v1/streams": {"GET": Call(manage.stream_list, "read"), "POST": Call(manage.stream_create, "manage")},
    "/v1/streams/{id}": {"GET": Call(manage.stream_info, "read"), "DELETE": Call(manage.stream_delete, "manage")},
    "/v1/streams/{id}/prune": {"POST": Call(manage.stream_prune, "manage")},
    "/v1/syncs": {"GET": Call(syncs.sync_list, "read"), "POST": Call(providing.knowing(syncs.sync_create), "manage")},
    "/v1/syncs/{id}": {
        "GET": Call(syncs.sync_info, "read"),
        "PATCH": Call(syncs.sync_update, "manage"),
        "DELETE": Call(syncs.sync_delete, "manage"),
    },
    "/v1/syncs/{id}/restart": {"POST": Call(syncs.sync_restart, "manage")},
    "/v1/syncs/{id}/move": {"POST": Call(syncs.sync_move, "manage")},
    "/v1/syncs/{id}/webhook": {
        "GET": Call(syncs.sync_webhook_info, "read"),
        "PUT": Call(syncs.sync_webhook_set, "manage"),
        "DELETE": Call(syncs.sync_webhook_delete, "manage"),
    },
    "/v1/syncs/{id}/webhook/subscribe": {"POST": Call(syncs.sync_webhook_subscribe, "manage")},
    "/v1/syncs/{id}/tidy": {"POST": Call(syncs.sync_tidy, "manage")},
    "/v1/quarantine": {"GET": Call(syncs.quarantine_list, "read")},
    "/v1/quarantine/retry": {"POST": Call(syncs.quarantine_retry, "manage")},
    "/v1/quarantine/purge": {"POST": Call(syncs.quarantine_purge, "manage")},
    "/v1/quarantine/{id}": {"GET": Call(syncs.quarantine_info, "read")},
    "/v1/notices": {"GET": Call(syncs.notice_list, "read")},
    "/v1/credentials": {"GET": Call(manage.credential_list, "read"), "POST": Call(providing.knowing(manage.credential_create), "manage")},
    # Before the credentials themselves: none can be asked for that is called so.
    "/v1/credentials/start-auth": {"POST": Call(providing.knowing(oauth.start_auth), "manage")},
    "/v1/oauth-apps": {"GET": Call(oauth.oauth_app_list, "read"), "POST": Call(oauth.oauth_app_create, "manage")},
    "/v1/oauth-apps/{id}": {
        "GET": Call(oauth.oauth_app_info, "read"),
        "PATCH": Call(oauth.oauth_app_update, "manage"),
        "DELETE": Call(oauth.oauth_app_delete, "manage"),
    },
    "/v1/credentials/{id}": {
        "GET": Call(manage.credential_info, "read"),
        "PATCH": Call(providing.knowing(manage.credential_update), "manage"),
        "DELETE": Call(manage.credential_delete, "manage"),
    },
    "/v1/records": {"GET": Call(manage.record_list, "read")},
    "/v1/records/erase": {"POST": Call(manage.record_erase, "manage")},
    "/v1/providers": {"GET": Call(manage.provider_list, "read"), "POST": Call(providing.provider_create, "manage")},
    "/v1/providers/{id}": {"GET": Call(providing.provider_info, "read"), "DELETE": Call(providing.provider_delete, "manage")},
    "/v1/collections/{credential_id}": {"GET": Call(collections.collection_list, "read")},
    "/v1/collections/{credential_id}/refresh": {"POST": Call(collections.collection_refresh, "manage")},
    "/v1/collections/{credential_id}/{collection_id}": {"GET": Call(collections.collection_info, "read")},
    "/v1/views": {"GET": Call(collections.view_list, "read"), "POST": Call(collections.view_create, "manage")},
    "/v1/views/{id}": {"GET": Call(collections.view_info, "read"), "DELETE": Call(collections.view_delete, "manage")},
    "/v1/mutations/run": {"POST": Call(mutate.mutation_run, "mutate")},
    "/v1/mutations/{id}": {"GET": Call(mutate.mutation_info, "read")},
    "/v1/tokens": {"GET": Call(manage.token_list, "manage"), "POST": Call(manage.token_create, "manage")},
    "/v1/tokens/{id}": {"DELETE": Call(manage.token_revoke, "manage")},
}
_TABLE: Final = [(path.split("/"), methods) for path, methods in ROUTES.items()]
# What a browser opens, which has no token.
Door = Callable[[App, Request], Awaitable[Response]]
DOORS: Final[Mapping[str, Door]] = {f"{oauth.START}/{{token}}": signing_in.start, oauth.CALLBACK: signing_in.callback}


def _door(request: Request) -> Door | None:
    """The door at the request's path, None where there is none. SL113."""
    if not request.url.path.startswith("/v1/oauth/"):
        return None
    segments = _segments(request)
    for template, door in DOORS.items():
        given = _matched(template.split("/"), segments)
        if given is not None:
            if request.method not in {"GET", "HEAD"}:
                raise WrongMethod(request.method, "GET, HEAD")
            request.scope["path_params"] = given
            return door
    return None


def _find(request: Request) -> Call:
    """The call of the request's path and method; SL005, SL109, SL113."""
    segments = _segments(request)
    for template, methods in _TABLE:
        given = _matched(template, segments)
        if given is not None:
            request.scope["path_params"] = given
            call = methods.get("GET" if request.method == "HEAD" else request.method)
            if call is None:
                raise WrongMethod(request.method, ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])]))
            return call
    raise make(f"nothing is served at {request.url.path[:200]}", code="SL109", hint="the paths begin with /v1/, for example /v1/syncs")


def _segments(request: Request) -> list[str]:
    """The path as it was sent, cut at its slashes and decoded after that: an id may contain one."""
    raw: bytes | None = request.scope.get("raw_path")
    sent = quote(request.scope["path"], safe="/%") if raw is None else raw.partition(b"?")[0].decode("latin-1")
    try:
        return [unquote(segment, errors="strict") for segment in sent.split("/")]
    except UnicodeDecodeError:
        raise malformed("the path is not UTF-8", "percent-encode the UTF-8 bytes of an id") from None


def _matched(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    """What stands in the places of the template's names; None if it is another path."""
    if len(template) != len(segments):
        return None
    given: dict[str, str] = {}
    for name, segment in zip(template, segments, strict=True):
        if name.startswith("{") and segment:
            given[name[1:-1]] = segment
        elif name != segment:
            return None
    return given
