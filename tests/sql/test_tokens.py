"""`token_create`, `token_revoke`, the view `tokens`, and the check that the server makes."""

from __future__ import annotations

import hashlib
import re

import pytest
from isolation.sessions import Session, World, refused

CHECK = "select sluice_internal._token_check(%s, %s)"


@pytest.fixture
def one(world: World) -> Session:
    return world.look


def test_a_token_is_shown_once_and_only_its_digest_is_kept(one: Session) -> None:
    made = one.one("select * from token_create('ci', array['read', 'consume'])")
    assert re.fullmatch(r"pgsl_[A-Za-z0-9]{30}[0-9a-f]{6}", made.token)
    assert made.token[35:] == hashlib.sha256(made.token[:35].encode()).hexdigest()[:6]
    assert (made.name, made.scopes, made.expires_at) == ("ci", ["read", "consume"], None)
    everything = str(one.rows("select t::text from sluice_internal.tokens as t") + one.rows("select t::text from tokens as t"))
    assert made.token not in everything
    assert hashlib.sha256(made.token.encode()).hexdigest() in everything
    assert one.one("select prefix from tokens").prefix == made.token[:10]


def test_tokens_differ(one: Session) -> None:
    tokens = {one.one("select token from token_create()").token for _ in range(50)}
    assert len({token[5:20] for token in tokens}) == 50


@pytest.mark.parametrize(
    ("scopes", "has"),
    [
        (["read"], {"read"}),
        (["consume"], {"read", "consume"}),
        (["mutate"], {"read", "mutate"}),
        (["manage"], {"read", "consume", "mutate", "manage"}),
    ],
)
def test_scopes(one: Session, scopes: list[str], has: set[str]) -> None:
    made = one.one("select * from token_create(scopes => %s)", scopes)
    for scope in ("read", "consume", "mutate", "manage"):
        if scope in has:
            assert one.value(CHECK, made.token, scope) == made.token_id
        else:
            with refused("SL002", scope):
                one.value(CHECK, made.token, scope)


def test_what_is_no_valid_token(one: Session) -> None:
    made = one.one("select * from token_create()")
    ended = one.one("select * from token_create(expires_at => clock_timestamp() + interval '1 hour')")
    one.rows("update sluice_internal.tokens set expires_at = clock_timestamp() - interval '1 s' where token_id = %s", ended.token_id)
    altered = made.token[:-1] + ("0" if made.token[-1] != "0" else "1")
    for token in ("", "pgsl_", altered, made.token.upper(), made.token + " ", ended.token, None):
        with refused("SL140"):
            one.value(CHECK, token, "read")
    one.rows("select token_revoke(%s)", made.token_id)
    with refused("SL140"):
        one.value(CHECK, made.token, "read")
    assert one.one("select revoked_at is not null as gone from tokens where token_id = %s", made.token_id).gone


@pytest.mark.parametrize("scopes", ["{}", "{everything}", "{read,null}", None])
def test_scopes_that_are_none(one: Session, scopes: str | None) -> None:
    with refused("SL001", "scopes"):
        one.rows("select token_create(scopes => %s::text[])", scopes)


def test_an_end_in_the_past(one: Session) -> None:
    with refused("SL001", "expires_at"):
        one.rows("select token_create(expires_at => clock_timestamp())")


@pytest.mark.parametrize("end", ["infinity", "10000-01-01 00:00:00Z"])
def test_an_end_that_clients_cannot_read(one: Session, end: str) -> None:
    with refused("SL001", "expires_at"):
        one.rows("select token_create(expires_at => %s::timestamptz)", end)


def test_ids(one: Session) -> None:
    one.rows("select token_create(token_id => 'mine')")
    with refused("SL110", "mine"):
        one.rows("select token_create(token_id => 'mine')")
    with refused("SL107", "other"):
        one.rows("select token_revoke('other')")
    one.rows("select token_revoke('mine')")
    first = one.value("select revoked_at from tokens")
    one.rows("select token_revoke('mine')")
    assert one.value("select revoked_at from tokens") == first
