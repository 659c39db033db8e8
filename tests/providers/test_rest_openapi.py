"""Drafts out of OpenAPI descriptions: what can be known is in them, and with the open points decided they can be used."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pgsluice.providers.rest_check import checked
from pgsluice.providers.rest_openapi import drafted
from pgsluice.providers.rest_text import BadDocument

PET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
LIMIT = {"name": "limit", "in": "query", "type": "integer", "maximum": 250}


def query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", **schema}


SWAGGER: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Pet Store API v2", "version": "2"},
    "host": "pets.example.com",
    "basePath": "/v2/",
    "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
    "parameters": {"limit": LIMIT},
    "definitions": {"Pet": PET, "Page": {"properties": {
        "next_cursor": {"type": "string"}, "pets": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}}},
    "paths": {
        "/pets": {
            "parameters": [{"$ref": "#/parameters/limit"}],
            "get": {
                "summary": "All the pets",
                "parameters": [query("cursor", type="string"), query("updated_since", type="string")],
                "responses": {"200": {"description": "a page", "schema": {"$ref": "#/definitions/Page"}}},
            },
            "post": {"responses": {"201": {"description": "made"}}},
        },
        "/pets/{petId}": {"get": {"responses": {}}, "put": {"responses": {}}, "delete": {"responses": {}}},
        "/pets/{petId}/visits": {
            "get": {
                "parameters": [query("page", type="integer")],
                "responses": {200: {"schema": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}}},
            },
        },
        "/ping": {"get": {"responses": {"200": {"schema": {"type": "string"}}}}},
    },
}  # fmt: skip
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Pets"},
    "servers": [{"url": "https://{region}.example.com/v3", "variables": {"region": {"default": "eu"}}}],
    "components": {
        "schemas": {"Pet": PET, "More": {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"properties": {"owner": {"type": ["object", "null"]}}}]}},
        "securitySchemes": {"login": {"type": "http", "scheme": "Basic"}},
    },
    "paths": {
        "/puppies": {
            "get": {
                "parameters": [query("offset", schema={"type": "integer"}), query("per_page", schema={"type": "integer", "maximum": 50})],
                "responses": {"200": {"content": {"application/json": {"schema": {
                    "properties": {"data": {"properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/More"}}}}}}}}}},
            },
        },
    },
}  # fmt: skip


def decided(draft: str) -> dict[str, Any]:
    """The draft with its open points answered the simple way."""
    text = draft.replace("/pets/DECIDE/visits", "/pets/{parent.id}/visits")
    return checked(re.sub(r"(    )# DECIDE: name the collection.*", r"\1parent: pet", text))[0]


def test_from_swagger() -> None:
    draft = drafted(json.dumps(SWAGGER).encode())
    assert "DECIDE" in draft
    found = decided(draft)
    assert (found["name"], found["base_url"]) == ("pet_store", "https://pets.example.com/v2")
    assert found["auth"]["key"]["headers"] == {"X-Api-Key": "{credential.secret}"}
    pet, visit = found["collections"]["pet"], found["collections"]["visit"]
    assert pet["list"] == {
        "path": "/pets",
        "params": {"limit": "{limit}", "cursor": "{cursor}"},
        "records": "pets",
        "page_size": 250,
        "paging": {"style": "cursor", "next": "next_cursor"},
    }
    assert pet["incremental"]["params"] == {"updated_since": "{since}"}
    assert (pet["fetch"]["path"], pet["update"]["method"], pet["delete"]["path"]) == ("/pets/{id}", "PUT", "/pets/{id}")
    assert pet["create"]["path"] == "/pets"
    assert (pet["updated_at"], pet["fields"]["tags"], pet["fields"]["updated_at"]) == ("updated_at", "array", "time")
    assert (visit["parent"], visit["list"]["paging"]) == ("pet", {"style": "page"})
    assert "ping" not in found["collections"]


def test_from_openapi_3_in_yaml_by_another_name() -> None:
    import yaml  # noqa: PLC0415

    found = decided(drafted(yaml.safe_dump(OPENAPI).encode(), "dogs"))
    assert (found["name"], found["base_url"]) == ("dogs", "https://eu.example.com/v3")
    assert found["auth"]["key"]["basic"] == {"username": "{credential.secret}"}
    puppy = found["collections"]["puppy"]
    assert (puppy["list"]["records"], puppy["list"]["page_size"], puppy["list"]["paging"]) == ("data.items", 50, {"style": "offset"})
    assert puppy["fields"]["owner"] == "object"
    assert puppy["sweep"] == "1h"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "neither JSON nor YAML"),
        (b"[]", "no OpenAPI description"),
        (b'{"paths": {"/a": {"get": {}}}}', "no path of it answers"),
        (b'{"paths": {"/a": {"get": {"responses": {"200": {"$ref": "#/x"}}}}}, "x": {"$ref": "#/x"}}', "no path of it answers"),
    ],
)
def test_what_nothing_can_be_drafted_from(text: bytes, words: str) -> None:
    with pytest.raises(BadDocument, match=words):
        drafted(text)


ORDER: dict[str, Any] = {
    "type": ["object", "null"],
    "properties": {
        "id": {"type": ["string", "integer"]},
        "on": {"type": "boolean"},
        "total": {"type": "number"},
        "self": {"$ref": "#/components/schemas/Order"},
    },
    "allOf": [{"$ref": "#/components/schemas/Order"}],
}
WRAPPED = {
    "content": {
        "application/json; charset=utf-8": {
            "schema": {"properties": {"data": {"anyOf": [{"$ref": "#/components/schemas/Order"}, {"type": "null"}]}}}
        }
    }
}


def described(orders: Any, one: Any, **more: Any) -> bytes:
    paths = {"/orders": {"parameters": None, "get": orders, "post": {"responses": {"201": WRAPPED}}}, "/orders/{id}": {"get": one}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": None,
            "servers": [{"url": "https://o.example"}],
            "paths": paths,
            "components": {"schemas": {"Order": ORDER}},
            **more,
        }
    ).encode()


def test_what_may_be_null_and_what_stands_inside_something() -> None:
    data = {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/Order"}}
    listed = {"properties": {"data": data, "meta": {"properties": {"total_pages": {"type": "integer"}}}}}
    orders = {"parameters": [query("page")], "responses": {"2XX": {"content": {"application/json": {"schema": listed}}}}}
    found = checked(drafted(described(orders, {"responses": {"200": WRAPPED}})))[0]["collections"]["order"]
    assert (found["list"]["records"], found["list"]["empty_if_absent"]) == ("data", True)
    assert found["list"]["paging"] == {"style": "page", "pages": "meta.total_pages"}
    assert (found["fetch"], found["create"]) == ({"path": "/orders/{id}", "record": "data"}, {"path": "/orders", "record": "data"})
    assert found["fields"] == {"id": "text", "on": "boolean", "total": "number", "self": "object"}


@pytest.mark.parametrize("broken", [{"parameters": 7}, {"responses": []}, {"responses": {"200": {"content": ["application/json"]}}}])
def test_a_description_of_another_form_is_refused_in_words(broken: dict[str, Any]) -> None:
    good = {
        "responses": {
            "200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}}}
        }
    }
    with pytest.raises(BadDocument, match=r"form of OpenAPI|no path of it"):
        drafted(described(good | broken, {}))


def test_what_is_not_decided_is_named_by_the_check() -> None:
    with pytest.raises(BadDocument) as caught:
        checked(drafted(json.dumps(SWAGGER).encode()))
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("collections.visit.list.path", "DECIDE is left in it")
    ]
    with pytest.raises(BadDocument, match="DECIDE"):
        checked(drafted(json.dumps({**OPENAPI, "servers": [{"url": "/v3"}]}).encode()))


def test_lists_inside_of_one_object_are_no_collections_and_what_is_left_out_is_said() -> None:
    pets = SWAGGER["paths"]["/pets"]
    one = {"/pets/{id}": {"get": {"responses": {"200": {"schema": {"properties": {"id": {}, "visits": {"type": "array", "items": PET}}}}}}}}
    found = decided(drafted(json.dumps({**SWAGGER, "paths": {"/pets": pets, **one}}).encode()))
    assert list(found["collections"]) == ["pet"]
    many = {f"/pets{number}": pets for number in range(203)}
    assert "# 3 more lists are left out, the first at /pets200" in drafted(json.dumps({**SWAGGER, "paths": many}).encode())
