from __future__ import annotations

import json
from typing import Any

import pytest
from providers.declared import CREDENTIAL, Reader, feed, provider, query, reply, things

from pgsluice.providers.base import Change, Refused, Request, Response
from pgsluice.providers.errors import ListBroken, Unreadable

ALL = [thing["id"] for thing in things(7)]


def listing(paging: str, params: str = "", more: str = "") -> str:
    return (
        f"thing: {{list: {{path: /things, records: items, page_size: 3, params: {{limit: '{{limit}}'{params}}}, paging: {paging}{more}}}}}"
    )


def read(collections: str, server: Any) -> list[str]:
    rest = provider(collections)
    return Reader(rest, feed(rest, "thing"), server).ids()


def test_one_page_is_all_of_a_list_without_paging() -> None:
    assert read(listing("{style: none}"), lambda _: reply({"items": things(7)})) == ALL


def test_a_link_header_leads_on_with_its_own_query() -> None:
    def server(request: Request) -> Response:
        start = int(query(request).get("from", 0))
        assert request.url == "https://api.acme.test/v1/things"
        rest = {"link": f'<https://api.acme.test/v1/things?from={start + 3}&z=a%20b>; title="x"; rel="next", <https://x.test>; rel="last"'}
        assert start == 0 or query(request)["z"] == "a b"
        return reply({"items": things(7)[start : start + 3]}, **(rest if start + 3 < 7 else {}))

    assert read(listing("{style: link}"), server) == ALL


@pytest.mark.parametrize("address", ["https://api.acme.test/v1/things?page=2", "/v1/things?page=2", "?page=2"])
def test_an_address_in_the_body_may_be_relative(address: str) -> None:
    def server(request: Request) -> Response:
        assert request.url == "https://api.acme.test/v1/things"
        second = query(request).get("page") == "2"
        return reply({"items": things(7)[4:] if second else things(4), "next": None if second else address})

    assert read(listing("{style: next_url, next: next}"), server) == ALL


@pytest.mark.parametrize(
    "address", ["https://evil.test/v1/things", "//evil.test/x", "https://api.acme.test:8443/x", "file:///etc/passwd", "http://[::1"]
)
def test_an_address_on_another_host_is_not_followed(address: str) -> None:
    rest = provider(listing("{style: next_url, next: next}"))
    reader = Reader(rest, feed(rest, "thing"), lambda _: reply({"items": things(1), "next": address}))
    with pytest.raises(ListBroken, match="another host"):
        reader.page()


def test_the_stored_address_is_asked_for_at_the_credentials_own_host() -> None:
    rest = provider(listing("{style: next_url, next: next}"))
    reader = Reader(rest, feed(rest, "thing"), lambda _: reply({"items": things(1), "next": "/v1/things?page=2"}))
    reader.page()
    moved = type(CREDENTIAL)(CREDENTIAL.kind, CREDENTIAL.secret, "https://eu.acme.test/v1")
    assert rest.request(reader.feed, reader.cursor, moved).url == "https://eu.acme.test/v1/things"


@pytest.mark.parametrize("last", [{"cursor": None}, {}, {"cursor": ""}])
def test_a_cursor_ends_where_there_is_none(last: dict[str, Any]) -> None:
    def server(request: Request) -> Response:
        start = int(query(request).get("after", "c0")[1:])
        end = {"cursor": f"c{start + 3}"} if start + 3 < 7 else last
        return reply({"items": things(7)[start : start + 3], "meta": end})

    assert read(listing("{style: cursor, next: meta.cursor}", ", after: '{cursor}'"), server) == ALL


def test_a_cursor_may_be_a_number_and_in_a_header() -> None:
    def server(request: Request) -> Response:
        start = int(query(request).get("after", 0))
        return reply({"items": things(7)[start : start + 3]}, **({"x_next": str(start + 3)} if start + 3 < 7 else {}))

    assert read(listing("{style: cursor, header: X-Next}", ", after: '{cursor}'"), server) == ALL


def test_more_that_brings_no_place_is_no_end() -> None:
    rest = provider(listing("{style: cursor, next: cursor, more: more}", ", after: '{cursor}'"))
    reader = Reader(rest, feed(rest, "thing"), lambda _: reply({"items": things(3), "more": True}))
    with pytest.raises(ListBroken, match="gives no place"):
        reader.page()


@pytest.mark.parametrize("circle", [1, 2, 3, 5])
def test_a_cursor_that_runs_in_circles_is_noticed(circle: int) -> None:
    def server(request: Request) -> Response:
        at = int(query(request).get("after", 0))
        return reply({"items": [{"id": f"x{at}"}], "cursor": str((at % circle) + 1)})

    rest = provider(listing("{style: cursor, next: cursor}", ", after: '{cursor}'"))
    with pytest.raises(ListBroken, match="repeats itself") as caught:
        Reader(rest, feed(rest, "thing"), server).all()
    assert caught.value.cursor is not None


@pytest.mark.parametrize(
    ("paging", "extra"),
    [
        ("{style: offset}", {}),
        ("{style: offset, total: total}", {"total": 7}),
        ("{style: offset, short_page_ends: true}", {}),
    ],
)
def test_offsets_bring_every_record(paging: str, extra: dict[str, Any]) -> None:
    def server(request: Request) -> Response:
        start = int(query(request)["offset"])
        return reply({"items": things(7)[start : start + 3], **extra})

    assert list(dict.fromkeys(read(listing(paging, ", offset: '{offset}'"), server))) == ALL


def test_a_record_that_vanishes_under_an_offset_hides_no_other() -> None:
    here = things(9)

    def server(request: Request) -> Response:
        start = int(query(request)["offset"])
        found = here[start : start + 3]
        if start == 0:
            del here[:2]
        return reply({"items": found})

    assert set(read(listing("{style: offset}", ", offset: '{offset}'"), server)) == {thing["id"] for thing in things(9)}


def test_a_list_that_moves_with_every_page_is_broken_and_not_endless() -> None:
    turn = iter(range(10_000))

    def server(request: Request) -> Response:
        number = next(turn)
        return reply({"items": [{"id": f"r{number}-{i}"} for i in range(3)]})

    rest = provider(listing("{style: offset}", ", offset: '{offset}'"))
    with pytest.raises(ListBroken, match="no fixed order"):
        Reader(rest, feed(rest, "thing"), server).all()


@pytest.mark.parametrize(
    ("paging", "extra"),
    [("{style: page}", {}), ("{style: page, pages: meta.pages}", {"meta": {"pages": 3}}), ("{style: page, more: more}", None)],
)
def test_page_numbers_bring_every_record(paging: str, extra: dict[str, Any] | None) -> None:
    def server(request: Request) -> Response:
        page = int(query(request)["page"])
        found = things(7)[(page - 1) * 3 : page * 3]
        return reply({"items": found, **({"more": page < 3} if extra is None else extra)})

    assert read(listing(paging, ", page: '{page}'"), server) == ALL


def test_a_vendor_that_ignores_the_page_is_noticed() -> None:
    rest = provider(listing("{style: page}", ", page: '{page}'"))
    with pytest.raises(ListBroken, match="came twice"):
        Reader(rest, feed(rest, "thing"), lambda _: reply({"items": things(3)})).all()


def test_keyset_goes_on_behind_the_last_record() -> None:
    def server(request: Request) -> Response:
        after = query(request).get("since_id", "")
        found = [thing for thing in things(7) if thing["id"] > after][:3]
        return reply({"items": found})

    assert read(listing("{style: keyset}", ", since_id: '{cursor}'"), server) == ALL


def test_graphql_goes_by_its_end_cursor() -> None:
    def server(request: Request) -> Response:
        asked = json.loads(request.body or b"")
        assert request.method == "POST"
        assert asked["query"] == "query($n: Int!, $after: String) { things(first: $n) { nodes { id } } }"
        start = int(asked["variables"].get("after", 0))
        assert asked["variables"]["n"] == 3
        page = {"hasNextPage": start + 3 < 7, "endCursor": str(start + 3)}
        edges = [{"node": thing} for thing in things(7)[start : start + 3]]
        return reply({"data": {"things": {"edges": edges, "pageInfo": page}}})

    collections = """
thing:
  list:
    path: /graphql
    graphql:
      query: "query($n: Int!, $after: String) { things(first: $n) { nodes { id } } }"
      variables: {n: "{limit}", after: "{cursor}"}
    records: data.things.edges
    item: node
    page_size: 3
    paging: {style: cursor, next: data.things.pageInfo.endCursor, more: data.things.pageInfo.hasNextPage}
"""
    assert read(collections, server) == ALL


def test_a_body_is_sent_with_the_types_of_its_values() -> None:
    rest = provider(
        "thing: {list: {path: /search, body: {limit: '{limit}', after: '{cursor}', sort: {by: [id]}, filter: {gt: '{cursor}'}}, "
        "records: items, paging: {style: cursor, next: c}}}"
    )
    request = rest.request(feed(rest, "thing"), None, CREDENTIAL)
    assert (request.method, json.loads(request.body or b"")) == ("POST", {"limit": 100, "sort": {"by": ["id"]}})


def test_a_restart_at_any_page_goes_on_there() -> None:
    def server(request: Request) -> Response:
        start = int(query(request).get("after", 0))
        return reply({"items": things(7)[start : start + 3], "c": str(start + 3) if start + 3 < 7 else None})

    rest = provider(listing("{style: cursor, next: c}", ", after: '{cursor}'"))
    reader = Reader(rest, feed(rest, "thing"), server)
    cursors = [None]
    reader.page()
    cursors.append(reader.cursor)
    reader.page()
    cursors.append(reader.cursor)
    for number, cursor in enumerate(cursors):
        assert Reader(rest, reader.feed, server, cursor).ids() == ALL[number * 3 :]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>", b"", b'{"items": [{"id": 1}', b'{"things": []}', b'{"items": null}', b'{"items": {"id": 1}}', b"[]",
        b'{"error": "no"}', b'"x"', b"null",
    ],
)  # fmt: skip
def test_another_reply_is_never_an_empty_page(body: bytes) -> None:
    rest = provider(listing("{style: none}"))
    with pytest.raises(Unreadable):
        Reader(rest, feed(rest, "thing"), lambda _: reply(body)).page()


def test_digits_and_odd_records_come_through_as_they_are() -> None:
    raw = b'{"items": [{"id": 12345678901234567890123, "x": 1.00, "y": 1e400}, {"id": "b", "s": "\\ud800"}, {"n": 1}, 7, {"id": "c"}]}'
    rest = provider(listing("{style: none}"))
    page = Reader(rest, feed(rest, "thing"), lambda _: reply(raw)).page()
    assert page.changes[0].raw == b'{"id": 12345678901234567890123, "x": 1.00, "y": 1e400}'
    assert [change.upstream_id for change in page.changes] == ["12345678901234567890123", "c"]
    assert [(refused.upstream_id, refused.reason.split(":")[0]) for refused in page.refused] == [
        ("b", "half a character"),
        (None, "no id of 1 to 200 bytes"),
        (None, "not an object"),
    ]
    assert isinstance(page.changes[1], Change)
    assert isinstance(page.refused[0], Refused)


TWICE = """
thing:
  id: id
  updated_at: at
  list: {path: /things, records: data, paging: {style: none}}
  sweep: 1h
"""


@pytest.mark.parametrize(
    ("states", "newest"),
    [
        ([{"n": 1}, {"n": 2}], {"n": 2}),  # nothing says which is newer: the last one
        ([{"n": 1, "at": 7}, {"n": 2, "at": 5}], {"n": 1, "at": 7}),
        ([{"n": 1, "at": 5}, {"n": 2, "at": 5}, {"n": 3, "at": 5}], {"n": 3, "at": 5}),
        ([{"n": 1, "at": 5}, {"n": 2, "at": 7}, {"n": 3}], {"n": 3}),
    ],
)
def test_of_two_states_on_a_page_the_newest_counts_where_there_is_no_fetch(states: list[dict[str, Any]], newest: dict[str, Any]) -> None:
    rest = provider(TWICE)
    reader = Reader(rest, feed(rest, "thing"), lambda _: reply({"data": [{"id": "t", **state} for state in states]}))
    page = reader.page()
    assert page.hints == ()
    assert [json.loads(change.raw or b"") for change in page.changes] == [{"id": "t", **newest}]


def test_of_two_states_on_a_page_that_nothing_tells_apart_the_object_is_fetched() -> None:
    rest = provider(TWICE.replace("  sweep: 1h", "  sweep: 1h\n  fetch: {path: '/things/{id}'}"))
    equal, newer = [{"id": "t", "n": 1, "at": 5}, {"id": "t", "n": 2, "at": 5}], {"id": "t", "n": 3, "at": 6}
    page = Reader(rest, feed(rest, "thing"), lambda _: reply({"data": equal})).page()
    assert (page.changes, [hint.upstream_id for hint in page.hints]) == ((), ["t"])
    page = Reader(rest, feed(rest, "thing"), lambda _: reply({"data": [*equal, newer]})).page()
    assert ([json.loads(change.raw or b"") for change in page.changes], page.hints) == ([newer], ())
