"""Providers of one's own over HTTP: stored, read, replaced, used, deleted."""

from __future__ import annotations

import httpx
from api.serving import connected

SOURCE = """name: crm
title: The CRM
base_url: https://api.crm.test
auth: {key: {fields: {secret: {description: a key}}, bearer: "{credential.secret}"}}
collections:
  company: {list: {path: /companies, paging: {style: none}}}
"""


def test_a_provider_from_its_text(http: httpx.Client) -> None:
    made = http.post("/v1/providers", json={"source": SOURCE})
    assert made.status_code == 201, made.text
    found = http.get("/v1/providers/crm").json()
    assert (found["id"], found["title"], found["built_in"]) == ("crm", "The CRM", False)
    listed = http.get("/v1/providers").json()
    assert "crm" in str(listed)
    again = http.post("/v1/providers", json={"source": SOURCE})
    assert (again.status_code, again.json()["code"]) == (409, "SL110")
    assert http.post("/v1/providers", json={"source": SOURCE.replace("The CRM", "CRM 2"), "replace": True}).status_code == 201
    assert http.get("/v1/providers/crm").json()["title"] == "CRM 2"
    # It can be used at once: its kinds of credential and its collections are known.
    made = http.post("/v1/credentials", json={"id": "k", "kind": "crm_key", "secret": "s-1"})
    assert made.status_code == 201, made.text
    assert http.delete("/v1/providers/crm").status_code == 409
    assert http.delete("/v1/credentials/k").status_code in {200, 204}
    assert http.delete("/v1/providers/crm").status_code == 204
    assert http.get("/v1/providers/crm").json()["code"] == "SL105"


def test_a_provider_from_an_object(http: httpx.Client) -> None:
    document = {
        "name": "erp", "base_url": "https://erp.test", "auth": {"key": {"fields": {"secret": {"description": "a key"}}, "params": {"k": "{credential.secret}"}}},
        "collections": {"order": {"list": {"path": "/orders", "paging": {"style": "none"}}}},
    }  # fmt: skip
    assert http.post("/v1/providers", json={"document": document}).status_code == 201
    assert http.get("/v1/providers/erp").json()["id"] == "erp"


def test_what_is_no_document_is_named_with_line_and_column(http: httpx.Client) -> None:
    refused = http.post("/v1/providers", json={"source": SOURCE.replace("paging:", "pageing:")})
    assert (refused.status_code, refused.json()["code"]) == (422, "SL150")
    assert "line 6, column" in refused.json()["message"]
    for body in (
        {},
        {"source": SOURCE, "document": {}},
        {"source": SOURCE, "replace": "yes"},
        {"source": 1},
        {"source": SOURCE, "more": 1},
    ):
        assert http.post("/v1/providers", json=body).status_code == 422, body
    taken = http.post("/v1/providers", json={"source": SOURCE.replace("name: crm", "name: stripe")})
    assert taken.status_code in {409, 422}
    assert http.get("/v1/providers/nobody").json()["code"] == "SL105"
    assert http.delete("/v1/providers/stripe").status_code in {403, 409, 422}


def test_who_may(running, http: httpx.Client) -> None:
    reader = http.post("/v1/tokens", json={"name": "r", "scopes": ["read"]}).json()
    with connected(running, reader["token"]) as client:
        assert client.get("/v1/providers").status_code == 200
        assert client.get("/v1/providers/stripe").status_code == 200
        assert client.post("/v1/providers", json={"source": SOURCE}).status_code == 403
        assert client.delete("/v1/providers/crm").status_code == 403
    with connected(running, None) as nobody:
        assert nobody.get("/v1/providers").status_code == 401
