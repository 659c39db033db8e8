from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from providers.declared import CREDENTIAL, NOW, feed, provider, reply

from pgsluice.providers import registry
from pgsluice.providers.base import Client, Credential, Write
from pgsluice.providers.errors import (
    Conflict,
    Forbidden,
    Malformed,
    Missing,
    ProviderError,
    RateLimited,
    Refused4xx,
    Unauthorized,
    Unavailable,
    UnknownCollection,
    Unreadable,
)

COLLECTIONS = """
thing:
  list: {path: /things, records: items, paging: {style: none}}
  fetch: {path: "/things/{id}", record: thing}
  create: {path: /things, body: {thing: "{data}"}, record: thing, headers: {Idempotency-Key: "{key}"}}
  update: {path: "/things/{id}", record: "", headers: {If-Match: "{if_match}"}}
  upsert: {path: "/things/by/{match_on}/{value}", record: "", match_on: [email]}
  delete: {path: "/things/{id}"}
part:
  parent: thing
  id: "{parent.id}#{record.n}"
  list: {path: "/things/{parent.id}/parts", records: items, paging: {style: none}}
  create: {path: "/things/{parent.id}/parts", take: {parent.id: thing_id}, record: "", encoding: form}
row:
  list: {path: /rows, records: items, paging: {style: none}}
  create: {path: /rows, body: {records: "{items}"}, batch: {size: 3, each: {fields: "{data}"}, results: records, error: error}}
  delete: {path: /rows, params: {"ids[]": "{ids}"}, batch: {size: 3}}
cell:
  parent: row
  id: "{parent.id}/{record.id}"
  list: {path: "/rows/{parent.id}/cells", records: items, paging: {style: none}}
  create:
    path: "/rows/{parent.id}/cells"
    take: {parent.id: row}
    body: {cells: "{items}", cast: "{data.cast}"}
    batch: {size: 10, each: {value: "{data.value}"}, results: cells}
  update: {path: "/rows/{parent.id}/cells", body: {cells: "{items}"}, batch: {size: 10, each: {id: "{record.id}", value: "{data.value}"}, results: cells}}
  delete: {path: "/rows/{parent.id}/cells", params: {"ids[]": "{ids}"}, batch: {size: 10, id: "{record.id}", results: cells}}
"""


def write(kind: str, name: str = "thing", upstream_id: str | None = None, data: Any = None, **more: Any) -> Write:
    raw = data if isinstance(data, bytes) else None if data is None else json.dumps(data).encode()
    return Write(kind, f"acme:{name}", upstream_id, raw, "the-key", **more)


def test_a_create_is_wrapped_and_keeps_its_digits() -> None:
    rest = provider(COLLECTIONS)
    request = rest.write([write("create", data=b'{"n": 12345678901234567890.10}')], CREDENTIAL)
    assert (request.method, request.url) == ("POST", "https://api.acme.test/v1/things")
    assert request.body == b'{"thing":{"n": 12345678901234567890.10}}'
    assert request.headers["Idempotency-Key"] == "the-key"
    assert request.headers["Authorization"] == "Bearer k-123"
    (written,) = rest.read_written([write("create", data={})], reply({"thing": {"id": 7, "n": 1}}, 201))
    assert not isinstance(written, ProviderError)
    assert written.upstream_id == "7"
    assert written.change is not None
    assert written.change.raw == b'{"id": 7, "n": 1}'


def test_an_update_says_which_version_it_is_meant_for() -> None:
    rest = provider(COLLECTIONS)
    request = rest.write([write("update", upstream_id="a/b", data={"x": 1}, if_match='"v1"')], CREDENTIAL)
    assert (request.method, request.url, request.headers["If-Match"]) == ("PATCH", "https://api.acme.test/v1/things/a%2Fb", '"v1"')
    assert "If-Match" not in rest.write([write("update", upstream_id="a", data={})], CREDENTIAL).headers
    with pytest.raises(Conflict):
        rest.read_written([write("update", upstream_id="a", data={})], reply({"message": "changed"}, 412))
    assert rest.collections["acme:thing"].if_match
    assert not rest.collections["acme:part"].if_match


def test_an_upsert_finds_its_object_by_a_field() -> None:
    rest = provider(COLLECTIONS)
    request = rest.write([write("upsert", data={"email": "a@b.c"}, match_on="email")], CREDENTIAL)
    assert (request.method, request.url) == ("PUT", "https://api.acme.test/v1/things/by/email/a%40b.c")
    with pytest.raises(Refused4xx, match="lacks 'email'"):
        rest.write([write("upsert", data={}, match_on="email")], CREDENTIAL)


def test_what_belongs_into_the_address_is_taken_out_of_the_data() -> None:
    rest = provider(COLLECTIONS)
    one = write("create", "part", data={"thing_id": 5, "a": {"b": [1, True, None]}, "t": "x y"})
    request = rest.write([one], CREDENTIAL)
    assert request.url.endswith("/things/5/parts")
    assert parse_qs((request.body or b"").decode(), keep_blank_values=True) == {
        "a[b][0]": ["1"], "a[b][1]": ["true"], "a[b][2]": [""], "t": ["x y"],
    }  # fmt: skip
    (written,) = rest.read_written([one], reply({"n": 2}))
    assert not isinstance(written, ProviderError)
    assert written.upstream_id == "5#2"


def test_several_go_in_one_request_and_each_gets_its_answer() -> None:
    rest = provider(COLLECTIONS)
    assert (rest.batch_size("create", "acme:row"), rest.batch_size("create", "acme:thing")) == (3, 1)
    two = [write("create", "row", data={"a": 1}), write("create", "row", data={"a": 2})]
    assert json.loads(rest.write(two, CREDENTIAL).body or b"") == {"records": [{"fields": {"a": 1}}, {"fields": {"a": 2}}]}
    good, bad = rest.read_written(two, reply({"records": [{"id": "r1", "a": 1}, {"error": "no such field"}]}))
    assert not isinstance(good, ProviderError)
    assert good.upstream_id == "r1"
    assert isinstance(bad, Refused4xx)
    with pytest.raises(Unreadable, match="1 results for 2 writes"):
        rest.read_written(two, reply({"records": [{"id": "r1"}]}))
    gone = [write("delete", "row", upstream_id=name) for name in ("r1", "r2")]
    assert rest.write(gone, CREDENTIAL).params == (("ids[]", "r1"), ("ids[]", "r2"))


def test_what_is_said_once_for_a_batch_is_the_same_for_all_of_it() -> None:
    rest = provider(COLLECTIONS)
    one, other, elsewhere, cast, bad = (
        write("create", "cell", data=data)
        for data in (
            {"row": "r1", "value": 1.50},
            {"row": "r1", "value": 2},
            {"row": "r2", "value": 3},
            {"row": "r1", "cast": True},
            {"value": 4},
        )
    )
    assert rest.together(one) == rest.together(other)
    assert len({rest.together(each) for each in (one, elsewhere, cast, bad)}) == 4
    assert rest.together(write("create", data={})) == rest.together(write("create", data=b"no JSON"))  # one a request
    request = rest.write([one, other], CREDENTIAL)
    assert (request.url, request.body) == ("https://api.acme.test/v1/rows/r1/cells", b'{"cells":[{"value":1.5},{"value":2}]}')
    assert json.loads(rest.write([cast], CREDENTIAL).body or b"") == {"cells": [], "cast": True}
    answers = rest.read_written([one, other], reply({"cells": [{"id": "a"}, {"id": "b"}]}))
    assert [answer.upstream_id for answer in answers if not isinstance(answer, ProviderError)] == ["r1/a", "r1/b"]
    first, second = (write("update", "cell", upstream_id=name, data={"value": 1}) for name in ("r1/a", "r1/b"))
    assert rest.together(first) == rest.together(second) != rest.together(write("update", "cell", upstream_id="r2/a", data={}))
    assert json.loads(rest.write([first, second], CREDENTIAL).body or b"")["cells"][1] == {"id": "b", "value": 1}
    gone = [write("delete", "cell", upstream_id=name) for name in ("r1/a", "r1/b")]
    assert rest.write(gone, CREDENTIAL).params == (("ids[]", "a"), ("ids[]", "b"))
    assert rest.together(gone[0]) == rest.together(gone[1])


def test_what_the_document_has_not_is_refused() -> None:
    with pytest.raises(UnknownCollection):
        provider(COLLECTIONS).write([write("update", "row", upstream_id="x", data={})], CREDENTIAL)


@pytest.mark.parametrize("upstream_id", [".", "..", ""])
def test_an_id_cannot_lead_to_another_address(upstream_id: str) -> None:
    with pytest.raises(Refused4xx):
        provider(COLLECTIONS).write([write("delete", upstream_id=upstream_id)], CREDENTIAL)


RULES = {
    "rules": [
        {"means": "rate_limited", "status": 403, "path": "message", "matches": "rate limit", "hint": "wait"},
        {"means": "rate_limited", "path": "errors.0.extensions.code", "matches": "^THROTTLED$"},
        {"means": "unauthorized", "status": [400], "path": "code", "matches": "bad_key"},
    ]
}
LIMITS = {"headers": {"remaining": "X-Left", "reset": "X-Reset", "reset_is": "unix"}, "budget": [{"requests": 100, "per": "1m"}]}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"message": "no"}, Unauthorized), (403, {"message": "no"}, Forbidden), (403, {"message": "API rate limit"}, RateLimited),
        (429, {}, RateLimited), (400, {"code": "bad_key"}, Unauthorized), (400, {"message": "no"}, Refused4xx), (422, {}, Refused4xx),
        (500, {}, Unavailable), (503, b"<html>", Unavailable), (404, {}, Refused4xx), (404, b"<html>", Unreadable), (302, b"", Unreadable),
        (200, {"errors": [{"extensions": {"code": "THROTTLED"}}]}, RateLimited),
    ],
)  # fmt: skip
def test_replies_are_told_apart(status: int, body: Any, error: type[ProviderError]) -> None:
    rest = provider(COLLECTIONS, errors=RULES)
    with pytest.raises(error) as caught:
        rest.read(feed(rest, "thing"), None, reply(body, status))
    assert type(caught.value) is error
    assert caught.value.hint


def test_which_right_is_missing() -> None:
    rest = provider(COLLECTIONS)
    with pytest.raises(Forbidden) as reading:
        rest.read(feed(rest, "thing"), None, reply({}, 403))
    with pytest.raises(Forbidden) as writing:
        rest.read_written([write("create", data={"a": 1})], reply({}, 403))
    assert "the right to read it" in reading.value.hint
    assert writing.value.hint == "give the credential the right to write it"


def test_a_reply_says_what_is_left() -> None:
    rest = provider(COLLECTIONS, limits=LIMITS)
    found = rest.signals(reply({}, x_left="7", x_reset=str(NOW + 30)))
    assert found is not None
    assert (found.remaining, found.resets_in, found.wait) == (7, 30, None)
    assert rest.signals(reply({})) is None
    assert [(limit.allowed, limit.seconds) for limit in rest.budget(CREDENTIAL)] == [(100, 60)]
    with pytest.raises(RateLimited) as caught:
        rest.read(feed(rest, "thing"), None, reply({}, 429, x_left="0", x_reset=str(NOW + 30)))
    assert caught.value.retry_after == 30


def test_a_missing_object_is_a_deletion_only_if_the_vendor_says_so() -> None:
    from pgsluice.providers.base import Change, Hint  # noqa: PLC0415

    rest = provider(COLLECTIONS)
    hint = Hint("acme:thing", "a")
    gone = rest.read_fetched(hint, reply({"message": "none"}, 404))
    assert isinstance(gone, Change)
    assert gone.deleted
    with pytest.raises(Unreadable):
        rest.read_fetched(hint, reply(b"<html>", 404))
    with pytest.raises(Unreadable, match="another object"):
        rest.read_fetched(hint, reply({"thing": {"id": "b"}}))
    with pytest.raises(Missing):
        rest.read_written([write("update", upstream_id="a", data={})], reply({"message": "none"}, 404))


def test_a_token_is_renewed_and_its_rolling_partner_kept() -> None:
    auth = {
        "oauth2": {
            "fields": {"access_token": {"description": "t"}, "refresh_token": {"description": "r", "optional": True}},
            "bearer": "{credential.access_token}",
            "renew": {"grant": "refresh_token", "url": "https://id.acme.test/token", "client": "basic", "base_url": "https://{reply.host}"},
        }
    }
    rest = provider(COLLECTIONS, auth=auth)
    old = Credential("acme_oauth2", {"access_token": "a", "refresh_token": "r"}, client=Client("id", "s:ecret"))
    request = rest.renew(old)
    assert request is not None
    assert parse_qs((request.body or b"").decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["r"]}
    assert request.headers["Authorization"] == "Basic " + base64.b64encode(b"id:s%3Aecret").decode()
    renewed = rest.read_renewed(old, reply({"access_token": "b", "refresh_token": "r2", "expires_in": 3600, "host": "eu.acme.test"}))
    assert (dict(renewed.secret), renewed.expires_in) == ({"access_token": "b", "refresh_token": "r2"}, 3600)
    assert renewed.base_url == "https://eu.acme.test"
    assert rest.read_renewed(old, reply({"access_token": "b"})).secret["refresh_token"] == "r"
    with pytest.raises(Unauthorized, match="invalid_grant"):
        rest.read_renewed(old, reply({"error": "invalid_grant"}, 400))
    with pytest.raises(Unavailable):
        rest.read_renewed(old, reply({}, 503))
    assert rest.renew(Credential("acme_oauth2", {"access_token": "a"})) is None


@pytest.mark.parametrize("value", ["evil.test/", "a@b", "a b", "x\n", "a#", ""])
def test_a_value_in_the_address_cannot_lead_elsewhere(value: str) -> None:
    fields = {"secret": {"description": "a key"}, "shop": {"description": "the shop"}}
    rest = provider(
        COLLECTIONS, base_url="https://{credential.shop}.acme.test", auth={"key": {"fields": fields, "bearer": "{credential.secret}"}}
    )
    with pytest.raises(Malformed):
        rest.seal_check("acme_key", {"secret": "s", "shop": value})
    with pytest.raises(Malformed):
        rest.request(feed(rest, "thing"), None, Credential("acme_key", {"secret": "s", "shop": value}))


def test_a_secret_cannot_break_out_of_its_header() -> None:
    rest = provider(COLLECTIONS)
    with pytest.raises(Malformed):
        rest.request(feed(rest, "thing"), None, Credential("acme_key", {"secret": "a\r\nX-Evil: 1"}))
    with pytest.raises(Malformed) as caught:
        rest.seal_check("acme_key", {"secret": "a\nb"})
    assert "a\nb" not in str(caught.value.as_dict())


def test_for_how_long_a_write_is_recognised_may_differ() -> None:
    text = COLLECTIONS.replace('headers: {Idempotency-Key: "{key}"}}', 'headers: {Idempotency-Key: "{key}"}, idempotency: {window: 2h}}')
    some = provider(text)
    assert some.key_window is None
    assert some.key_window_of("create", "acme:thing") == timedelta(hours=2)
    assert some.key_window_of("update", "acme:thing") is None
    every = provider(text, idempotency={"window": "24h"})
    assert every.key_window_of("create", "acme:thing") == timedelta(hours=2)
    assert every.key_window_of("update", "acme:thing") == every.key_window == timedelta(hours=24)
    assert registry.get("zendesk").key_window_of("create", "zendesk:ticket") == timedelta(hours=2)
    assert registry.get("stripe").key_window_of("create", "stripe:customer") == registry.get("stripe").key_window
