"""Words of the language that single vendors need: nested lists, scrolls, inexact filters, fragments, members that are left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from providers.declared import CREDENTIAL, NOW, Reader, feed, provider, query, reply

from pgsluice.providers.base import Change, Hint, Request, Response
from pgsluice.providers.errors import ListBroken, RateLimited, Unreadable

BLOCKS = """
page:
  updated_at: at
  list: {path: /pages, records: items, params: {page: "{page}"}, page_size: 2, paging: {style: page}}
  incremental: {order: desc, params: {newest: "1"}, format: unix}
block:
  parent: page
  nested: {path: more, equals: true, but: {path: type, equals: [page]}}
  list: {path: "/blocks/{parent.id}", records: items, params: {page: "{page}"}, page_size: 2, paging: {style: page}}
  incremental: {narrows_parents: true, format: unix}
"""


class Pages:
    """Four pages; a block b has blocks below it, two generations deep; what is of type page has its own."""

    def __init__(self) -> None:
        self.at = {f"p{number}": NOW - 100_000 * number for number in range(1, 5)}
        self.now = NOW
        self.circle = False

    def __call__(self, request: Request) -> Response:
        given, path = query(request), request.url.rpartition("/")[2]
        if path == "pages":
            found = sorted(
                ({"id": name, "at": at} for name, at in self.at.items()), key=lambda one: str(one["at"]), reverse="newest" in given
            )
        else:
            found = self._blocks(path)
        start = (int(given["page"]) - 1) * 2
        return reply({"items": found[start : start + 2]}, now=self.now)

    def _blocks(self, above: str) -> list[dict[str, Any]]:
        if self.circle:
            return [{"id": f"{above}x", "more": True, "type": "text"}]
        depth = above.count("b")
        more = depth < 2
        return [
            {"id": f"{above}a", "more": False},
            {"id": f"{above}b", "more": more, "type": "list"},
            {"id": f"{above}c", "more": True, "type": "page"},
        ]


def below(page: str) -> set[str]:
    return {page + name for name in ("a", "b", "c", "ba", "bb", "bc", "bba", "bbb", "bbc")}


def test_records_below_records_are_read_however_deep() -> None:
    reader = Reader(provider(BLOCKS), feed(provider(BLOCKS), "block"), Pages())
    found = reader.ids()
    assert set(found) == set().union(*(below(f"p{number}") for number in range(1, 5)))
    assert len(found) == len(set(found))
    assert max(len(json.dumps(page.cursor)) for page in reader.pages) < 700


def test_a_circle_of_nested_records_ends() -> None:
    pages = Pages()
    pages.circle = True
    with pytest.raises(ListBroken, match="deep in each other"):
        Reader(provider(BLOCKS), feed(provider(BLOCKS), "block"), pages).all()


def test_parents_that_are_listed_newest_first_are_gone_through_as_far_as_they_changed() -> None:
    pages, rest = Pages(), provider(BLOCKS)
    reader = Reader(rest, feed(rest, "block", "changes"), pages)
    reader.page()
    asked = len(reader.asked)
    assert reader.all() == []
    assert len(reader.asked) - asked == 1
    pages.now += 1000
    pages.at["p3"] = pages.now - 10
    assert set(reader.ids()) == below("p3")


def test_a_scroll_ends_with_an_empty_page() -> None:
    text = 'thing:\n  list: {path: /scroll, records: data, params: {scroll: "{cursor}"}, paging: {style: scroll, next: token}}\n'
    pages = iter([["a", "b"], ["c"], []])

    def server(request: Request) -> Response:
        assert ("scroll" in query(request)) == (len(reader.asked) > 1)
        return reply({"data": [{"id": name} for name in next(pages)], "token": "always-the-same"})

    rest = provider(text)
    reader = Reader(rest, feed(rest, "thing"), server)
    assert reader.ids() == ["a", "b", "c"]
    stuck = Reader(rest, feed(rest, "thing"), lambda _: reply({"data": [{"id": "a"}, {"id": "b"}], "token": "t"}))
    with pytest.raises(ListBroken, match="a page came twice"):
        stuck.all()
    lost = Reader(rest, feed(rest, "thing"), lambda _: reply({"data": [{"id": "a"}]}))
    with pytest.raises(ListBroken, match="no place"):
        lost.all()


def test_an_inexact_filter_is_asked_for_more_and_read_as_far_as_needed() -> None:
    text = """
thing:
  updated_at: at
  list: {path: /things, records: items, params: {page: "{page}"}, page_size: 2, paging: {style: page}}
  incremental: {params: {day: "{since}"}, format: date, blur: 1d, order: desc, overlap: 10s}
"""
    rest = provider(text)
    now, at = NOW, {f"t{number}": NOW - 3600 * number for number in range(1, 9)}

    def server(request: Request) -> Response:
        found = sorted(({"id": name, "at": moment} for name, moment in at.items()), key=lambda one: -int(one["at"]))
        start = (int(query(request)["page"]) - 1) * 2
        return reply({"items": found[start : start + 2]}, now=now)

    reader = Reader(rest, feed(rest, "thing", "changes"), server)
    reader.page()
    now += 100
    at["t7"] = now
    assert reader.ids()[:1] == ["t7"]
    assert query(reader.asked[1])["day"] == "2024-07-02"  # the day before
    assert len(reader.asked) == 2


def test_one_record_in_the_place_of_a_list_and_a_member_that_is_called_parent() -> None:
    text = """
source:
  list: {path: /sources, records: items, paging: {style: none}}
base:
  parent: source
  omit: [request_id]
  list: {path: "/bases/{parent.parent.base}", single: true, paging: {style: none}}
  fetch: {path: "/bases/{id}"}
"""
    rest = provider(text)

    def server(request: Request) -> Response:
        name = request.url.rpartition("/")[2]
        return reply(
            {"items": [{"id": "s", "parent": {"base": "b-1"}}]} if name == "sources" else {"id": name, "request_id": "r-1", "n": 1}
        )

    (found,) = Reader(rest, feed(rest, "base"), server).all()
    assert isinstance(found, Change)
    assert json.loads(found.raw or b"") == {"id": "b-1", "n": 1}
    fetched = rest.read_fetched(Hint("acme:base", "b-1"), reply({"request_id": "r-2", "id": "b-1", "n": 1}))
    assert isinstance(fetched, Change)
    assert json.loads(fetched.raw or b"") == {"id": "b-1", "n": 1}
    with pytest.raises(Unreadable):
        Reader(rest, feed(rest, "base"), lambda request: server(request) if "sources" in request.url else reply([])).all()


def test_the_first_of_several_placeholders_that_has_a_value() -> None:
    text = """
thing:
  list: {path: /things, records: items, paging: {style: none}}
  deletions:
    path: /gone
    params: {since: "{cursor|since}"}
    records: values
    order: none
    format: ms
    deleted_at: {path: at, format: ms}
    paging: {style: cursor, next: until, end: last}
"""
    rest = provider(text)
    pages = iter([{"values": [], "until": 0, "last": True}, {"values": [{"id": "a", "at": 1}], "until": 55, "last": False},
                  {"values": [{"id": "b", "at": 2}], "until": 66, "last": True}])  # fmt: skip
    reader = Reader(rest, feed(rest, "thing", "deletions"), lambda _: reply(next(pages)))
    reader.page()
    assert [found.upstream_id for found in reader.all()] == ["a", "b"]
    assert [query(request)["since"] for request in reader.asked[1:]] == [str((NOW - 60) * 1000), "55"]


def test_an_object_that_is_looked_for_in_a_list() -> None:
    text = 'thing:\n  list: {path: /things, paging: {style: none}}\n  fetch: {path: /find, body: {ids: ["{id}"]}, record: found.0}\n'
    rest = provider(text)
    request = rest.fetch(Hint("acme:thing", "7"), CREDENTIAL)
    assert (request.method, request.body) == ("POST", b'{"ids":["7"]}')
    gone = rest.read_fetched(Hint("acme:thing", "7"), reply({"found": []}))
    assert isinstance(gone, Change)
    assert gone.deleted
    there = rest.read_fetched(Hint("acme:thing", "7"), reply({"found": [{"id": 7}]}))
    assert isinstance(there, Change)
    assert not there.deleted
    with pytest.raises(Unreadable):
        rest.read_fetched(Hint("acme:thing", "7"), reply({"error": "no"}))


def test_how_long_to_wait_where_the_vendor_does_not_say() -> None:
    rules = [{"means": "rate_limited", "status": 429, "wait": "30s"}]
    rest = provider("thing:\n  list: {path: /things, paging: {style: none}}\n", errors={"rules": rules})
    for headers, seconds in (({}, 30.0), ({"retry_after": "3"}, 3.0)):
        with pytest.raises(RateLimited) as caught:
            rest.read(feed(rest, "thing"), None, reply({}, 429, **headers))
        assert caught.value.retry_after == seconds


def test_a_fragment_goes_with_each_query_that_spreads_it() -> None:
    text = """
thing:
  fragment: "fragment Fields on Thing {id}"
  list: {path: /g, graphql: {query: "{things {...Fields}}"}, records: data.things, paging: {style: none}}
  fetch: {path: /g, graphql: {query: "query($id: ID!) {thing(id: $id) {id}}", variables: {id: "{id}"}}, record: data.thing}
"""
    rest = provider(text)
    listed = json.loads(rest.request(feed(rest, "thing"), None, CREDENTIAL).body or b"")
    assert listed["query"] == "{things {...Fields}}\nfragment Fields on Thing {id}"
    assert "fragment" not in str(rest.fetch(Hint("acme:thing", "1"), CREDENTIAL).body)
