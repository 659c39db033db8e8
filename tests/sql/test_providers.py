"""Providers of the users' own: stored, seen in the views, replaced and deleted."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

DOCUMENT: dict[str, Any] = {
    "name": "crm",
    "title": "The CRM",
    "collections": {
        "company": {
            "description": "who buys",
            "list": {"path": "/companies"},
            "create": {"path": "/companies"},
            "upsert": {"path": "/companies", "match_on": ["email", "domain"]},
            "update": {"path": "/companies/{id}", "headers": {"If-Match": "{if_match}"}},
            "fields": {"id": {"type": "text", "key": True}, "size": "integer"},
        },
        "note": {"list": {"path": "/notes"}},
    },
}


def create(conn: psycopg.Connection, document: Any = DOCUMENT, name: str = "crm", **more: Any) -> Any:
    return conn.execute(
        "select provider, built_in, title from provider_create(%s, %s, %s, %s)",
        [name, json.dumps(document), more.get("source"), more.get("replace", False)],
    ).fetchone()


def test_provider_create_info_delete(conn: psycopg.Connection) -> None:
    assert create(conn, source="name: crm # mine") == ("crm", False, "The CRM")
    rows = conn.execute(
        "select collection_id, description, mutations, match_on, if_match from provider_collections where provider = 'crm' order by 1"
    ).fetchall()
    assert rows == [
        ("crm:company", "who buys", ["create", "update", "upsert"], ["email", "domain"], True),
        ("crm:note", "", [], [], False),
    ]
    fields = conn.execute(
        "select name, type, primary_key from provider_fields where collection_id = 'crm:company' order by place"
    ).fetchall()
    assert fields == [("id", "text", True), ("size", "integer", False)]
    assert conn.execute("select source from provider_documents").fetchone() == ("name: crm # mine",)
    assert conn.execute("select built_in from provider_info('stripe')").fetchone() == (True,)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("crm", {"name": "other", "collections": {}}),
        ("crm", {"name": "crm"}),
        ("crm", []),
        ("Crm", {"name": "Crm", "collections": {}}),
        (None, DOCUMENT),
    ],
)
def test_provider_create_refuses_what_is_no_document(conn: psycopg.Connection, name: Any, document: Any) -> None:
    with pytest.raises(psycopg.Error) as caught:
        create(conn, document, name)
    assert caught.value.sqlstate == "SL150"


def test_names_are_taken_once(conn: psycopg.Connection) -> None:
    create(conn)
    for name in ("crm", "stripe", "github"):
        with pytest.raises(psycopg.Error) as caught:
            create(conn, {**DOCUMENT, "name": name}, name)
        assert caught.value.sqlstate == "SL110"
    assert create(conn, {**DOCUMENT, "title": "Anew"}, replace=True) == ("crm", False, "Anew")


def test_what_is_used_stays(conn: psycopg.Connection) -> None:
    create(conn)
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('c', 'crm', 'crm_key', null, '\\x00', 1, null, '{}')")
    with pytest.raises(psycopg.Error, match='used by credential "c"') as caught:
        conn.execute("select provider_delete('crm')")
    assert caught.value.sqlstate == "SL111"
    conn.execute("select sync_create('dev', 'crm', 's', null, '{crm:note}', 'c')")
    with pytest.raises(psycopg.Error, match="lacks a collection"):
        create(conn, {**DOCUMENT, "collections": {"company": DOCUMENT["collections"]["company"]}}, replace=True)
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select sync_create('dev', 'crm', 't', null, '{crm:nothing}', 'c')")
    assert caught.value.sqlstate == "SL106"


def test_what_is_not_used_goes(conn: psycopg.Connection) -> None:
    create(conn)
    conn.execute("select provider_delete('crm')")
    for statement in ("select provider_info('crm')", "select provider_delete('crm')", "select provider_delete('stripe')"):
        with pytest.raises(psycopg.Error) as caught:
            conn.execute(statement)
        assert caught.value.sqlstate == "SL105"


HOSTS: dict[str, Any] = {
    **DOCUMENT,
    "base_url": "https://api.crm.example/v1",
    "auth": {
        "key": {"fields": {"secret": {"description": "see https://crm.example"}}, "bearer": "{credential.secret}"},
        "oauth2": {
            "fields": {"access_token": {"description": "a token"}},
            "headers": {"X-Token": "{credential.access_token}"},
            "base_url": "https://{credential.site}.crm.example",
            "renew": {"grant": "refresh_token", "url": "https://login.crm.example/token"},
        },
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """HOSTS with another value there."""
    document = json.loads(json.dumps(HOSTS))
    *outer, last = path.split("/")
    place = document
    for name in outer:
        place = place.setdefault(name, {})
    place[last] = value
    return document


@pytest.mark.parametrize("holds", ["credential", "app"])
def test_a_document_in_use_sends_secrets_nowhere_else(conn: psycopg.Connection, holds: str) -> None:
    """Who may store documents need not know the secrets that are sent where they say."""
    create(conn, HOSTS)
    put = {
        "credential": "select sluice_internal._credential_put('k', 'crm', 'crm_key', null, '\\xc0', 1, null, '{}')",
        "app": "select sluice_internal._oauth_app_put('k', 'crm', 'ca', '\\xc0', 1)",
    }[holds]
    create(conn, changed("base_url", "https://first.example"), replace=True)  # nobody's secret yet
    create(conn, HOSTS, replace=True)
    conn.execute(put)
    for path, value in {
        "base_url": "https://evil.example/v1",
        "auth/key/base_url": "https://evil.example",
        "auth/key/headers/Echo": "{credential.secret}",
        "auth/oauth2/base_url": "https://{credential.site}",
        "auth/oauth2/renew/url": "http://login.crm.example/token",
        "auth/oauth2/renew/base_url": "{reply.where}",
        "auth/oauth2/consent/token": "https://evil.example/token",
        "auth/new": {"fields": {}, "renew": {"grant": "client_credentials", "url": "https:\\\\evil.example//token", "base_url": "//evil"}},
        "collections/note/create": {"path": "/gists", "body": {"text": ["{data.x|credential.secret}"]}},
        "headers/X-App": "{client.secret}",
        "webhooks/subscribe/make/path": "https://evil.example/hooks",
    }.items():
        with pytest.raises(psycopg.Error) as caught:
            create(conn, changed(path, value), replace=True)
        assert (caught.value.sqlstate, f'"k" to another place: {path.split("/")[0]}' in str(caught.value)) == ("SL111", True), path
    assert conn.execute("select document from provider_documents").fetchone() == (HOSTS,)
    for path, value in {
        "title": "https://other.example",
        "base_url": "https://api.crm.example/v2",
        "auth/oauth2/renew/url": "https://login.crm.example/oauth/token",
        "auth/key/fields/secret/description": "see https://other.example",
        "collections/note/list/path": "/all-notes",
        "auth/oauth2/headers": {},
    }.items():
        create(conn, changed(path, value), replace=True)
        create(conn, HOSTS, replace=True) if path != "auth/oauth2/headers" else None
    elsewhere = json.dumps(changed("base_url", "https://moved.example"))
    conn.execute("select provider_create('crm', %s, replace => true, readdress => true)", [elsewhere])
    with pytest.raises(psycopg.Error) as caught:
        conn.execute("select provider_delete('crm')")
    assert (caught.value.sqlstate, '"k"' in str(caught.value)) == ("SL111", True)
