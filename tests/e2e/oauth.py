"""What the tests of consents share: Stripe behind an authorization server, a server and a poller of ours, and a platform."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from api.serving import Running, connected, served
from e2e.polling import poller
from fakes.oauth import Browser, Family, OAuthFake, Page
from fakes.stripe import StripeFake

from pgsluice.db.client import Client
from pgsluice.poller.loop import Poller

DONE = "https://app.example/connected"
SECRET = "sk_test_platform"
CONNECT = {"authorize_path": "/oauth/authorize", "token_path": "/oauth/token", "lifetime": None, "rotates": False}
APP = {"authorize_path": "/oauth/v2/authorize", "token_path": "/v1/oauth/token", "lifetime": None}
KINDS = {"stripe_oauth2": CONNECT, "stripe_app_oauth2": APP}


def account_of(family: Family) -> dict[str, Any]:
    """What Stripe's token address says beside the tokens: not how long they live."""
    return {"stripe_user_id": family.account, "livemode": True, "stripe_publishable_key": "pk_live_1"}


def vendor(stripe: StripeFake, kind: str = "stripe_oauth2", **more: Any) -> OAuthFake:
    facts = {"client_secret": SECRET, "pkce": False, "reply": account_of, "upstream": stripe.url, "upstream_key": stripe.key}
    return OAuthFake(**{**facts, **KINDS[kind], **more})


@contextmanager
def polling(db: str, **settings: Any) -> Iterator[Poller]:
    """A poller in a thread of its own."""
    made = poller(db, **{"poll_interval": 0.2, **settings})
    loops: list[asyncio.AbstractEventLoop] = []
    ready = threading.Event()

    def run() -> None:
        async def main() -> None:
            loops.append(asyncio.get_running_loop())
            ready.set()
            await made.run()

        asyncio.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(30)
    try:
        yield made
    finally:
        loops[0].call_soon_threadsafe(made.stop)
        thread.join(60)
        assert not thread.is_alive()


@dataclass
class Platform:
    """Whoever connects its customers' accounts."""

    http: httpx.Client
    fake: OAuthFake
    kind: str = "stripe_oauth2"
    browser: Browser = field(default_factory=Browser)

    def app(self, **more: Any) -> dict[str, Any]:
        body = {
            "id": "app",
            "provider": "stripe",
            "client_id": self.fake.client_id,
            "client_secret": SECRET,
            "base_url": self.fake.url,
            "redirect_urls": [DONE],
            **more,
        }
        made = self.http.post("/v1/oauth-apps", json=body)
        assert made.status_code == 201, made.text
        self.fake.redirect_uris = [made.json()["redirect_uri"]]
        return dict(made.json())

    def start(self, **more: Any) -> httpx.Response:
        body = {"oauth_app_id": "app", "credential_kind": self.kind, "redirect_url": DONE, "state": "customer 7", **more}
        return self.http.post("/v1/credentials/start-auth", json=body)

    def connect(self, **more: Any) -> Page:
        """A customer signs in, in the browser."""
        asked = self.start(**more)
        assert asked.status_code == 200, asked.text
        return self.browser.follow(asked.json()["start_url"])


@contextmanager
def platform(db: str, fake: OAuthFake, kind: str = "stripe_oauth2", **settings: Any) -> Iterator[Platform]:
    with served(db, **settings) as running, connected(running) as http:
        made = Platform(http, fake, kind)
        made.app()
        yield made


def one(db: str, query: str, *values: Any) -> Any:
    with psycopg.connect(db) as conn:
        row = conn.execute(query, values).fetchone()
        assert row is not None
        return row[0]


def sync_of(db: str, credential_id: str, sync_id: str = "y") -> None:
    with Client.connect(db) as client:
        if not client.streams(stream_id="s"):
            client.stream_create("s")
        client.sync_create("s", "stripe", sync_id, collection_ids=["stripe:customer"], credential_id=credential_id)


__all__ = ["APP", "CONNECT", "DONE", "SECRET", "Platform", "Running", "one", "platform", "polling", "sync_of", "vendor"]
