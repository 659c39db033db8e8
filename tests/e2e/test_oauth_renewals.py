"""Tokens that rotate and die when they are used twice: many pollers in processes of their own, SIGKILL, SIGTERM, a revoked grant."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from e2e.oauth import SECRET, one, vendor
from e2e.polling import KEY, KEY_TEXT, process, read_once, until
from fakes.oauth import OAuthFake
from fakes.stripe import StripeFake

from pgsluice.db.client import Client
from pgsluice.db.secrets import open_sealed, parse_key, read_key_file

CUSTOMERS = 30
POLLERS = int(os.environ.get("OAUTH_POLLERS", "8"))


@pytest.fixture
def stripe() -> Iterator[StripeFake]:
    with StripeFake() as fake:
        fake.seed(customers=CUSTOMERS)
        yield fake


def made(stripe: StripeFake, **more: Any) -> OAuthFake:
    return vendor(stripe, "stripe_app_oauth2", **more)


def connect(db: str, fake: OAuthFake, *sync_ids: str, grant: dict[str, Any] | None = None) -> None:
    """One account, and syncs that read it. `grant`: what was typed in of it."""
    found = grant or {name: value for name, value in fake.consent().items() if name in {"access_token", "refresh_token"}}
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        client.oauth_app_create("stripe", fake.client_id, client_secret=SECRET, oauth_app_id="app", base_url=fake.url)
        more = {"base_url": fake.url, "account": "acct_1", "oauth_app_id": "app"}
        client.credential_create("stripe", "k", "stripe_app_oauth2", secret=found, **more)
        for sync_id in sync_ids:
            client.sync_create("s", "stripe", sync_id, collection_ids=["stripe:customer"], credential_id="k")


def ago(db: str, seconds: int) -> None:
    """As if somebody had begun a renewal so long ago, and had been silent for a minute."""
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("update sluice_internal.pollers set heartbeat_at = clock_timestamp() - interval '1 minute'")
        conn.execute("update sluice_internal.credential_renewals set begun_at = clock_timestamp() - make_interval(secs => %s)", [seconds])


def again(db: str, fake: OAuthFake) -> None:
    """The person signs in again."""
    found = {name: value for name, value in fake.consent().items() if name in {"access_token", "refresh_token"}}
    with Client.connect(db, master_key=KEY) as client:
        client.credential_create("stripe", None, "stripe_app_oauth2", secret=found, account="acct_1", oauth_app_id="app")


@pytest.mark.timeout(300)
def test_many_pollers_never_renew_twice_and_lose_no_pair(db: str, stripe: StripeFake) -> None:
    with made(stripe, uses=9) as fake, ExitStack() as stack:
        connect(db, fake, *(f"y{number}" for number in range(POLLERS)))
        for _ in range(POLLERS):
            stack.enter_context(process(db, "--database-patience", "20", PGSLUICE_POLL_INTERVAL="1"))
        until(lambda: one(db, "select count(*) from sluice.records") == CUSTOMERS * POLLERS, 240)
        until(lambda: fake.renewals >= 5, 120)
        assert (fake.double, fake.alive("acct_1")) == (0, True)
        until(lambda: one(db, "select count(*) from sluice_internal.credential_renewals") == 0, 60)
        # A token that nine requests use up may be at its end before the next poller has asked with it; no renewal was ever refused.
        assert one(db, "select count(*) from sluice.notices where error ->> 'message' like '%%no longer%%'") == 0


def test_a_refresh_token_alone_is_renewed_before_anything_is_asked(db: str, stripe: StripeFake) -> None:
    with made(stripe) as fake:
        connect(db, fake, "y", grant={"refresh_token": fake.consent()["refresh_token"]})
        assert read_once(db)["y"].outcome == "caught_up"
        assert (fake.renewals, one(db, "select count(*) from sluice.records")) == (1, CUSTOMERS)
        assert one(db, "select expires_at > now() + interval '50 minutes' from sluice.credentials")
        assert fake.refused == []


@pytest.mark.parametrize("grace", [True, False])
def test_killed_between_the_vendors_answer_and_ours(db: str, stripe: StripeFake, grace: bool) -> None:
    """With a vendor that gives its answer once more nothing is lost; with a strict one it ends in words, and a consent repairs it."""
    with made(stripe, grace=grace) as fake:
        connect(db, fake, "y")
        fake.end_access()
        fake.hold = threading.Event()
        with process(db) as started:
            until(fake.held.is_set, 120)
            started.send(signal.SIGKILL)
            started.wait()
        fake.hold.set()
        fake.hold = None
        # Its answer might still come: nobody else asks in the meantime.
        ago(db, -3600)
        assert read_once(db)["y"].outcome == "rate_limited"
        assert fake.double == 0
        ago(db, 60)
        outcome = read_once(db)["y"].outcome
        if grace:
            assert (outcome, fake.double, fake.alive("acct_1")) == ("caught_up", 0, True)
            return
        assert outcome == "error"
        error = one(db, "select error from sluice.syncs")
        assert (error["code"], fake.double) == ("SL201", 1)
        assert "/v1/credentials/start-auth" in error["hint"]
        assert one(db, "select count(*) from sluice.notices where kind = 'broken'") == 1
        again(db, fake)
        assert read_once(db)["y"].outcome == "caught_up"
        assert one(db, "select count(*) from sluice.notices where kind = 'recovered'") == 1
        assert one(db, "select count(*) from sluice.records") == CUSTOMERS


def test_ended_by_sigterm_in_the_middle_of_a_renewal_it_stores_the_answer_first(db: str, stripe: StripeFake) -> None:
    with made(stripe) as fake:
        connect(db, fake, "y")
        fake.end_access()
        fake.hold = threading.Event()
        with process(db) as started:
            until(fake.held.is_set, 120)
            started.send(signal.SIGTERM)
            # Longer than a page is waited for: the pair exists once.
            threading.Timer(9, fake.hold.set).start()
            assert started.wait(90) == 0
        fake.hold = None
        assert one(db, "select version from sluice.credentials") == 2
        assert read_once(db)["y"].outcome == "caught_up"
        assert (fake.renewals, fake.double, fake.alive("acct_1")) == (1, 0, True)


def test_an_answer_that_comes_while_the_database_is_away_is_stored_when_it_is_back(db: str, stripe: StripeFake) -> None:
    with made(stripe) as fake:
        connect(db, fake, "y")
        fake.end_access()
        fake.hold = threading.Event()
        with process(db, "--database-patience", "60") as started:
            until(fake.held.is_set, 120)
            with psycopg.connect(db, autocommit=True) as conn:
                cut = (
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                )
                conn.execute(cut)
            fake.hold.set()
            until(lambda: one(db, "select version from sluice.credentials") == 2, 90)
            until(lambda: one(db, "select count(*) from sluice.records") == CUSTOMERS, 90)
            started.send(signal.SIGTERM)
            assert started.wait(60) == 0
        assert (fake.renewals, fake.double) == (1, 0)


def test_a_revoked_grant_ends_in_words_and_a_notice(db: str, stripe: StripeFake) -> None:
    with made(stripe) as fake:
        connect(db, fake, "y")
        assert read_once(db)["y"].outcome == "caught_up"
        fake.revoke("acct_1")
        assert read_once(db)["y"].outcome == "error"
        error = one(db, "select error from sluice.syncs")
        assert (error["code"], error["hint"][:27]) == ("SL201", "let the person sign in again"[:27])
        assert "revoked" in error["message"]
        assert one(db, "select count(*) from sluice.notices where kind = 'broken'") == 1


def test_a_new_secret_of_the_app_counts_at_once(db: str, stripe: StripeFake) -> None:
    with made(stripe) as fake:
        connect(db, fake, "y")
        fake.end_access()
        fake.client_secret = "rotated at the vendor"
        assert read_once(db)["y"].outcome == "error"
        assert "secret key" in one(db, "select error ->> 'message' from sluice.syncs")
        with Client.connect(db, master_key=KEY) as client:
            client.oauth_app_secret("app", "rotated at the vendor")
        assert one(db, "select next_attempt_at <= clock_timestamp() from sluice.syncs")
        assert read_once(db)["y"].outcome == "caught_up"
        assert fake.double == 0


def test_a_poller_renews_with_the_key_that_was_added_while_it_runs(db: str, stripe: StripeFake, tmp_path: Path) -> None:
    """And what is renewed after a rotation opens once the old key is gone."""
    file, added = tmp_path / "key", parse_key("2:" + "7b" * 32)
    file.write_text(f"1:{KEY_TEXT}")
    file.chmod(0o600)
    with made(stripe) as fake:
        connect(db, fake, "y")
        with process(db, PGSLUICE_MASTER_KEY="", PGSLUICE_MASTER_KEY_FILE=str(file), PGSLUICE_POLL_INTERVAL="1"):
            until(lambda: one(db, "select count(*) from sluice.records") == CUSTOMERS, 60)
            file.write_text(f"1:{KEY_TEXT}\n2:{'7b' * 32}\n")
            with Client.connect(db, master_key=read_key_file(file)) as client:
                assert client.credential_rotate_key()["left"] == 0
            file.write_text(f"2:{'7b' * 32}\n")
            fake.end_access()
            until(lambda: one(db, "select version from sluice.credentials") == 2, 60)
        assert one(db, "select key_version from sluice.credentials") == 2
        with psycopg.connect(db) as conn:
            (sealed,) = conn.execute("select sealed from sluice_internal.credentials").fetchone() or (b"",)
        assert open_sealed(sealed, "k", added, 2).keys() == {"access_token", "refresh_token"}
        assert (fake.double, fake.alive("acct_1")) == (0, True)
