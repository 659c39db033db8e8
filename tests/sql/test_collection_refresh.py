"""What accounts have: at once where it is the same for everybody, else as the account itself said when a poller asked it."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]
FOUND = [
    {
        "collection_id": "stripe:own",
        "description": "their own",
        "mutations": ["create"],
        "match_on": ["email"],
        "if_match": True,
        "fields": [{"name": "id", "type": "text", "primary_key": True}, {"name": "n", "type": "number"}],
    },
    {"collection_id": "stripe:plan", "description": "as this account has it"},
]


@pytest.fixture
def account(conn: Connection) -> Connection:
    conn.execute("select sluice_internal._credential_put('plain', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    return conn


@pytest.fixture
def asked(account: Connection) -> Connection:
    """The credential `k` of a provider whose accounts differ, and a poller."""
    account.execute(
        "create or replace view sluice_internal._builtin_providers as select 'stripe' as provider, false as free_form, true as describes"
    )
    account.execute("select sluice_internal._credential_put('k', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    for poller in ("p", "q"):
        account.execute("select sluice_internal._poller_heartbeat(%s, 'h', 1)", (poller,))
    return account


def claim(conn: Connection, poller: str = "p") -> Any:
    return conn.execute("select credential_id, epoch, next_in from sluice_internal._description_claim(%s)", (poller,)).fetchone()


def end(conn: Connection, claimed: Any, *, found: Any = None, error: Any = None, poller: str = "p") -> bool:
    row = conn.execute(
        "select sluice_internal._description_end(%s, %s, %s, %s::jsonb, %s::jsonb, '1 hour')",
        (claimed[0], poller, claimed[1], json.dumps(found or []), None if error is None else json.dumps(error)),
    ).fetchone()
    return bool(row and row[0])


def status(conn: Connection, credential_id: str = "k") -> str:
    row = conn.execute("select status from descriptions where credential_id = %s", (credential_id,)).fetchone()
    assert row
    return row[0]


def had(conn: Connection, credential_id: str = "k") -> dict[str, str]:
    rows = conn.execute("select collection_id, description from credential_collections where credential_id = %s", (credential_id,))
    return dict(rows.fetchall())


def test_collection_refresh_where_all_accounts_are_alike(account: Connection) -> None:
    row = account.execute("select status from collection_refresh('plain')").fetchone()
    assert row == ("known",)
    assert "stripe:customer" in had(account, "plain")
    assert claim(account) is None
    with pytest.raises(psycopg.Error) as refused:
        account.execute("select collection_refresh('no')")
    assert refused.value.sqlstate == "SL104"


def test_a_new_credential_is_asked(asked: Connection) -> None:
    assert status(asked) == "pending"
    claimed = claim(asked)
    assert claimed[0] == "k"
    # one poller alone
    assert claim(asked, "q")[0] is None
    assert end(asked, claimed, found=FOUND)
    assert status(asked) == "described"
    assert had(asked)["stripe:own"] == "their own"
    assert had(asked)["stripe:plan"] == "as this account has it"
    assert "stripe:own" not in had(asked, "plain")
    fields = asked.execute(
        "select place, name, type, primary_key from credential_fields where credential_id = 'k' and collection_id = 'stripe:own' order by place"
    ).fetchall()
    assert fields == [(1, "id", "text", True), (2, "n", "number", False)]
    assert claim(asked) is None


def test_asked_again_it_is_what_was_said_last(asked: Connection) -> None:
    end(asked, claim(asked), found=FOUND)
    asked.execute("select collection_refresh('k')")
    claimed = claim(asked)
    # and again, while the poller is at it
    asked.execute("select collection_refresh('k')")
    assert end(asked, claimed, found=FOUND[:1])
    assert status(asked) == "pending"
    assert had(asked)["stripe:plan"] != "as this account has it"
    assert end(asked, claim(asked), found=FOUND)
    assert status(asked) == "described"


def test_what_went_wrong_is_told_and_what_was_known_stays(asked: Connection) -> None:
    end(asked, claim(asked), found=FOUND)
    asked.execute("select collection_refresh('k')")
    assert end(asked, claim(asked), error={"code": "SL201", "message": "no"})
    assert asked.execute("select status, error ->> 'message' from descriptions where credential_id = 'k'").fetchone() == ("failed", "no")
    assert had(asked)["stripe:own"] == "their own"
    nobody, _, next_in = claim(asked)
    assert nobody is None
    assert 3000 < next_in.total_seconds() <= 3600


def test_a_poller_that_died_is_replaced_and_comes_too_late(asked: Connection) -> None:
    lost = claim(asked)
    asked.execute("update sluice_internal.pollers set heartbeat_at = now() - interval '1 minute' where poller_id = 'p'")
    claimed = claim(asked, "q")
    assert claimed[:2] == ("k", lost[1] + 1)
    assert not end(asked, lost, found=FOUND)
    assert end(asked, claimed, found=[], poller="q")
    assert "stripe:own" not in had(asked)
