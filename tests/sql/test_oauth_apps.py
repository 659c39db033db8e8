"""OAuth apps in SQL, and what is asked of a consent in the database."""

from __future__ import annotations

import json
from typing import Any

import pytest
from isolation.sessions import Session, World, refused
from sql.test_providers import DOCUMENT


@pytest.fixture
def app(world: World) -> Session:
    one = world.look
    put(one)
    return one


def put(one: Session, oauth_app_id: str = "app", **more: Any) -> Any:
    query = """
        select * from sluice_internal._oauth_app_put(
            %s, %s, 'ca_1', '\\xc0ffee', 1, redirect_urls => %s, scopes => '{read}', metadata => %s::jsonb
        )"""
    urls = more.get("redirect_urls", ["https://app.example/done"])
    return one.one(query, oauth_app_id, more.get("provider", "stripe"), urls, more.get("metadata"))


def begun(one: Session, *, browser: str = "b", **given: Any) -> str:
    """A consent whose browser is at the vendor; its state."""
    row = one.one("select * from sluice_internal._signin_open('app', 'stripe_oauth2', %s)", given.get("redirect_url"))
    state = f"state of {row.signin_id}"
    one.rows(BEGIN, row.start_token, state, browser)
    return state


BEGIN = """
    select * from sluice_internal._signin_begin(
        %s, sha256(convert_to(%s, 'UTF8')), sha256(convert_to(%s, 'UTF8')), 'https://us.example/v1/oauth/callback', '\\xab', 1
    )"""
ANSWER = """
    select sluice_internal._signin_answer(
        sha256(convert_to(%s, 'UTF8')), sha256(convert_to(%s, 'UTF8')), '\\xcd', 1, %s::jsonb
    )"""


def test_oauth_app_update(app: Session) -> None:
    row = app.one("select * from oauth_app_update('app', name => 'Ours', scopes => '{}', redirect_urls => '{https://a.example/x?y=1}')")
    assert (row.name, row.scopes, row.redirect_urls, row.client_id) == ("Ours", [], ["https://a.example/x?y=1"], "ca_1")
    assert app.one("select * from oauth_app_update('app', name => '')").name is None
    with refused("SL175", "nobody"):
        app.rows("select oauth_app_update('nobody', name => 'x')")


@pytest.mark.parametrize(
    "url", ["app.example/done", "https://a@b.example/", "https://*.example/", "https://a.example/#x", "javascript:alert(1)", "https://"]
)
def test_an_address_that_a_browser_is_not_sent_to(app: Session, url: str) -> None:
    with refused("SL001", "redirect_urls"):
        app.rows("select oauth_app_update('app', redirect_urls => %s)", [url])


def test_oauth_app_delete(app: Session) -> None:
    app.rows(
        "select sluice_internal._credential_put('k', 'stripe', 'stripe_oauth2', null, '\\xc0ffee', 1, null, '{}', oauth_app_id => 'app')"
    )
    assert app.value("select oauth_app_id from credentials") == "app"
    with refused("SL111", '"k"'):
        app.rows("select oauth_app_delete('app')")
    app.rows("select credential_delete('k')")
    begun(app)
    app.rows("select oauth_app_delete('app')")
    assert app.rows("select from oauth_apps") == []
    with refused("SL175"):
        app.rows("select oauth_app_delete('app')")


def test_what_is_no_app(app: Session) -> None:
    with refused("SL110", "taken"):
        put(app)
    with refused("SL105"):
        put(app, "other", provider="nobody")
    with refused("SL175"):
        app.rows("select sluice_internal._credential_put('k', 'stripe', 'x', null, '\\xc0', 1, null, '{}', oauth_app_id => 'none')")
    with refused("SL001", "one of stripe"):
        app.rows("select sluice_internal._credential_put('k', 'github', 'x', null, '\\xc0', 1, null, '{}', oauth_app_id => 'app')")


def test_a_browser_is_sent_only_where_the_app_allows(app: Session) -> None:
    for url in ("https://app.example/done/", "https://app.example/done?x=1", "https://evil.example/", "https://app.example.evil/done"):
        with refused("SL176"):
            app.rows("select sluice_internal._signin_open('app', 'stripe_oauth2', %s)", url)
    begun(app, redirect_url="https://app.example/done")


def test_a_start_address_is_good_once(app: Session) -> None:
    row = app.one("select * from sluice_internal._signin_open('app', 'stripe_oauth2')")
    assert (
        app.value("select count(*) from sluice_internal.oauth_signins where strpos(to_jsonb(oauth_signins)::text, %s) > 0", row.start_token)
        == 0
    )
    app.rows(BEGIN, row.start_token, "s", "b")
    with refused("SL177"):
        app.rows(BEGIN, row.start_token, "t", "b")


def test_an_answer_counts_once_and_in_time_and_there(app: Session) -> None:
    state = begun(app)
    with refused("SL177", "another browser"):
        app.rows(ANSWER, state, "c", None)
    with refused("SL177", "not one that was given out"):
        app.rows(ANSWER, "other", "b", None)
    app.rows("update sluice_internal.oauth_signins set begun_at = begun_at - interval '11 minutes'")
    with refused("SL177", "older than 10 minutes"):
        app.rows(ANSWER, state, "b", None)
    app.rows("update sluice_internal.oauth_signins set begun_at = begun_at + interval '11 minutes'")
    app.rows(ANSWER, state, "b", None)
    with refused("SL177", "used before"):
        app.rows(ANSWER, state, "b", None)


def claim(one: Session, poller: str = "p1") -> Any:
    one.rows("select sluice_internal._poller_heartbeat(%s, 'host', 1)", poller)
    found = one.rows("select * from sluice_internal._signin_claim(%s)", poller)
    return found[0] if found else None


def store(one: Session, signin_id: str, credential_id: str, account: str = "acct") -> bool:
    query = "select sluice_internal._signin_store(%s, %s, '\\xfeed', 1, null, %s, interval '1 hour', '{read}')"
    return bool(one.value(query, signin_id, credential_id, account))


def test_one_poller_takes_an_answer_and_an_account_has_one_credential(app: Session) -> None:
    app.rows(ANSWER, begun(app), "b", None)
    app.rows(ANSWER, begun(app), "b", None)
    first, second = claim(app), claim(app, "p2")
    assert first.signin_id != second.signin_id
    assert claim(app) is None
    # Both found no credential of the account: the second has to seal for the id of the first.
    assert store(app, first.signin_id, "k1")
    assert not store(app, second.signin_id, "k2")
    assert app.value("select sluice_internal._signin_credential('stripe', 'acct')") == "k1"
    assert store(app, second.signin_id, "k1")
    assert app.one("select credential_id, version, oauth_app_id, scopes from credentials") == ("k1", 2, "app", ["read"])
    assert app.value("select count(*) from sluice_internal.oauth_signins where num_nonnulls(answer, verifier) > 0") == 0


def test_a_consent_is_kept_where_the_person_signed_in(app: Session) -> None:
    """Somebody may have stored a credential of that account with an address of his own, and waited for the person."""
    app.rows(
        "select sluice_internal._credential_put('k', 'stripe', 'stripe_oauth2', null, '\\xc0', 1, 'https://evil.example', '{}', 'acct')"
    )
    app.rows(ANSWER, begun(app), "b", None)
    assert store(app, claim(app).signin_id, "k")
    assert app.one("select version, oauth_app_id, base_url from credentials") == (2, "app", None)


def test_a_dead_pollers_answer_is_taken_over_and_an_old_one_ends_in_words(app: Session) -> None:
    app.rows(ANSWER, begun(app), "b", None)
    taken = claim(app)
    app.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 s'")
    assert claim(app, "p2") is None
    app.rows("update sluice_internal.oauth_signins set taken_at = taken_at - interval '41 s'")
    assert claim(app, "p2").signin_id == taken.signin_id
    app.rows("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '11 s'")
    app.rows("update sluice_internal.oauth_signins set answered_at = answered_at - interval '6 minutes'")
    assert claim(app, "p3") is None
    found = app.one("select * from sluice_internal._signin_result(%s)", taken.signin_id)
    assert (found.finished, found.error["code"]) == (True, "SL177")


def test_a_replacement_of_an_older_secret_is_refused(app: Session) -> None:
    app.rows("select sluice_internal._credential_put('k', 'stripe', 'x', null, '\\xc0', 1, null, '{}')")
    query = "select sluice_internal._credential_replace('k', 'x', '\\xbeef', 1, null, held_version => %s)"
    app.rows(query, 1)
    with refused("SL179"):
        app.rows(query, 1)


CREDENTIAL = "select sluice_internal._credential_put('k', %s, 'x_key', null, '\\xc0ffee', 1, null, '{}', oauth_app_id => %s)"


def test_a_credential_of_an_app_that_is_being_deleted(world: World, app: Session) -> None:
    maker, remover = world.sessions(2)
    remover.begin().rows("select oauth_app_delete('app')")
    making = maker.start(lambda: maker.rows(CREDENTIAL, "stripe", "app"))
    app.await_blocked(maker, by=remover)
    remover.commit()
    with refused("SL175", "app"):
        making.result(10)


def test_a_credential_of_a_provider_that_is_being_deleted(world: World) -> None:
    maker, remover = world.sessions(2)
    remover.rows("select provider_create('crm', %s::jsonb)", json.dumps(DOCUMENT))
    remover.begin().rows("select provider_delete('crm')")
    making = maker.start(lambda: maker.rows(CREDENTIAL, "crm", None))
    world.look.await_blocked(maker, by=remover)
    remover.commit()
    with refused("SL105", "crm"):
        making.result(10)
