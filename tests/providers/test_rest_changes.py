from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from providers.declared import CREDENTIAL, NOW, Reader, feed, provider, query, reply

from pgsluice.providers.base import Change, Hint, Request, Response
from pgsluice.providers.errors import ListBroken, Refused4xx

START = NOW - 100_000


class Vendor:
    """A list with a filter by time, three to a page."""

    def __init__(self, order: str = "asc", most: int | None = None) -> None:
        self.things: dict[str, int] = {}
        self.now = NOW
        self.order, self.most = order, most
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: Request) -> Response:
        given = dict(query(request))
        self.asked.append(given)
        since, until = int(given.get("since", 0)), int(given.get("until", 10**12))
        found = sorted((at, name) for name, at in self.things.items() if since <= at <= until)
        if self.order == "desc":
            found.reverse()
        if "behind" in given or self.order == "id":
            found = sorted((pair for pair in found if pair[1] > given.get("behind", "")), key=lambda pair: pair[1])
        start = (int(given.get("page", 1)) - 1) * 3
        if self.most is not None and start + 3 > self.most:
            return reply({"message": "too deep"}, 400)
        page = [{"id": name, "at": at} for at, name in found[start : start + 3]]
        return reply({"items": page}, now=self.now)

    def change(self, *names: str, at: int | None = None) -> None:
        self.now += 1000
        self.things.update(dict.fromkeys(names, self.now if at is None else at))


def collections(incremental: str, params: str = "page: '{page}'", paging: str = "{style: page}") -> str:
    return f"""
thing:
  updated_at: at
  list: {{path: /things, records: items, page_size: 3, params: {{{params}}}, paging: {paging}}}
  incremental: {{format: unix, params: {{since: "{{since}}"}}, {incremental}}}
"""


def following(text: str, vendor: Vendor) -> Reader:
    """The feed of changes, begun."""
    rest = provider(text)
    reader = Reader(rest, feed(rest, "thing", "changes"), vendor)
    assert reader.page().changes == ()
    assert not reader.pages[0].more
    return reader


@pytest.mark.parametrize("incremental", ["order: asc", "order: asc, move_after: 1", "order: none"])
def test_what_changes_comes_with_the_next_poll_and_nothing_else(incremental: str) -> None:
    vendor = Vendor()
    vendor.things = {f"old{i}": START + i for i in range(5)}
    reader = following(collections(incremental), vendor)
    assert reader.ids() == []
    vendor.change("a")
    assert set(reader.ids()) == {"a"}
    vendor.change("b", "old3")
    assert {"b", "old3"} <= set(reader.ids())
    vendor.now += 5000
    assert "old0" not in reader.ids()


def test_equal_times_at_a_page_border_are_all_seen() -> None:
    vendor = Vendor()
    reader = following(collections("order: asc, move_after: 1"), vendor)
    vendor.change(*[f"x{i}" for i in range(11)])
    vendor.change("y")
    assert set(reader.ids()) == {f"x{i}" for i in range(11)} | {"y"}


def test_a_record_that_moves_while_its_list_is_read_hides_no_other() -> None:
    vendor = Vendor()
    reader = following(collections("order: asc, move_after: 1"), vendor)
    for i in range(9):
        vendor.change(f"x{i}")
    first = reader.page()
    vendor.change("x0", "x1", "x2")  # now behind all others: with page numbers three would fall under the border
    rest = reader.ids()
    assert {change.upstream_id for change in first.changes} | set(rest) == {f"x{i}" for i in range(9)}


def test_late_ones_come_within_the_overlap() -> None:
    vendor = Vendor()
    reader = following(collections("order: asc, overlap: 5m"), vendor)
    vendor.change("a")
    reader.all()
    vendor.things["late"] = vendor.now - 200
    assert "late" in reader.ids()


def test_newest_first_is_read_as_far_back_as_needed() -> None:
    vendor = Vendor("desc")
    vendor.things = {f"old{i:02}": START + i for i in range(30)}
    text = collections("order: desc").replace('params: {since: "{since}"}, ', "")
    reader = following(text, vendor)
    for name in "abcd":
        vendor.change(name)
    asked = len(reader.asked)
    assert set("abcd") <= set(reader.ids())
    assert len(reader.asked) - asked <= 2
    assert not any("since" in given for given in vendor.asked)


def test_a_window_is_frozen_and_read_by_id() -> None:
    vendor = Vendor("id")
    reader = following(
        collections('order: none, params: {since: "{since}", until: "{until}"}', "behind: '{cursor}'", "{style: keyset}").replace(
            'params: {since: "{since}"}, ', ""
        ),
        vendor,
    )
    vendor.change(*[f"x{i:02}" for i in range(20)])
    vendor.now += 5000
    assert set(reader.ids()) == {f"x{i:02}" for i in range(20)}
    untils = {given["until"] for given in vendor.asked if "until" in given}
    assert len(untils) == 1
    vendor.now += 5000
    assert reader.ids() == []


def test_a_list_of_limited_depth_is_asked_anew_from_the_last_time() -> None:
    vendor = Vendor(most=9)
    reader = following(collections("order: asc, max_depth: 9"), vendor)
    for i in range(25):
        vendor.change(f"x{i:02}")
    assert set(reader.ids()) == {f"x{i:02}" for i in range(25)}


def test_more_of_one_time_than_can_be_reached_is_said() -> None:
    vendor = Vendor(most=9)
    reader = following(collections("order: asc, max_depth: 9"), vendor)
    vendor.change(*[f"x{i:02}" for i in range(25)])
    with pytest.raises(ListBroken, match="more than 9 records have one time") as caught:
        reader.all()
    assert caught.value.cursor is not None


def test_a_feed_that_resumes_by_cursor_goes_on_where_it_ended() -> None:
    log = [f"t{i}" for i in range(5)]

    def server(request: Request) -> Response:
        given = query(request)
        assert ("since" in given) != ("cursor" in given)
        start = int(given.get("cursor", len(log) if int(given.get("since", 0)) > START else 0))
        found = log[start : start + 2]
        return reply({"items": [{"id": name} for name in found], "next": str(start + len(found)), "last": start + 2 >= len(log)})

    text = """
thing:
  list: {path: /all, records: items, paging: {style: none}}
  incremental:
    path: /export
    params: {since: "{since}", cursor: "{cursor}"}
    paging: {style: cursor, next: next, end: last}
    format: unix
    from_start: true
    resume: cursor
"""
    rest = provider(text)
    assert Reader(rest, feed(rest, "thing"), server).ids() == log
    reader = Reader(rest, feed(rest, "thing", "changes"), server)
    reader.page()
    assert reader.ids() == []
    log += ["new1", "new2", "new3"]
    assert reader.ids() == ["new1", "new2", "new3"]
    assert reader.ids() == []


def test_an_etag_makes_an_unchanged_poll_cheap() -> None:
    vendor = Vendor()

    def server(request: Request) -> Response:
        if request.headers.get("If-None-Match") == '"e"' and not fresh:
            return reply(b"", 304, now=vendor.now)
        found = vendor(request)
        return Response(found.status, {**found.headers, "etag": '"e"'}, found.body, found.url, found.received_at)

    fresh = False
    reader = following(collections("order: asc, etag: true", paging="{style: page, short_page_ends: true}"), vendor)
    reader.server = server
    vendor.change("a")
    reader.all()
    reader.all()
    assert reader.ids() == []
    vendor.change("b")
    fresh = True
    assert "b" in reader.ids()


def test_after_too_long_a_pause_everything_is_read_again() -> None:
    vendor = Vendor()
    reader = following(collections("order: asc, retention: 1d"), vendor)
    vendor.now += 2 * 86_400
    page = reader.page()
    assert page.restart == ("acme:thing",)
    assert page.notice


def test_a_cursor_of_another_document_begins_anew_and_reads_everything() -> None:
    vendor = Vendor()
    rest = provider(collections("order: asc"))
    page = Reader(rest, feed(rest, "thing", "changes"), vendor, {"levels": [{}, {}, {}]}).page()
    assert page.restart == ("acme:thing",)


def test_a_refused_parameter_is_an_error_and_not_zero_rows() -> None:
    reader = following(collections("order: asc"), Vendor())
    reader.server = lambda _: reply({"message": "no parameter since"}, 400)
    with pytest.raises(Refused4xx, match="no parameter since"):
        reader.page()


def test_a_place_that_the_vendor_forgot_begins_the_window_again() -> None:
    text = """
thing:
  list: {path: /things, records: items, params: {cursor: "{cursor}"}, paging: {style: cursor, next: next}}
"""
    rest = provider(text, errors={"rules": [{"means": "lost_place", "status": 410}]})

    def server(request: Request) -> Response:
        if "cursor" in query(request):
            return reply({"message": "expired"}, 410)
        return reply({"items": [{"id": "a"}], "next": "n"})

    reader = Reader(rest, feed(rest, "thing"), server)
    with pytest.raises(ListBroken, match="again and again"):
        reader.all()
    assert sum("cursor" not in query(request) for request in reader.asked) == 4


@pytest.mark.parametrize("fetched", [True, False])
def test_a_page_with_two_versions_of_one_record_keeps_the_newer(*, fetched: bool) -> None:
    """Of two of the same time nobody knows which is newer: it is fetched, or where it cannot be, the last one counts."""
    rest = provider(collections("order: asc") + ('  fetch: {path: "/items/{id}"}\n' if fetched else ""))
    body = {"items": [{"id": "a", "at": 5}, {"id": "a", "at": 7}, {"id": "b", "at": 5, "x": 1}, {"id": "b", "at": 5, "x": 2}]}
    page = Reader(rest, feed(rest, "thing"), lambda _: reply(body)).page()
    found = [json.loads(change.raw or b"") for change in page.changes]
    assert found == ([{"id": "a", "at": 7}] if fetched else [{"id": "a", "at": 7}, {"id": "b", "at": 5, "x": 2}])
    assert [hint.upstream_id for hint in page.hints] == (["b"] if fetched else [])


PARENTS = """
board:
  list: {path: /boards, records: items, page_size: 2, params: {page: "{page}"}, paging: {style: page}}
list:
  parent: board
  list: {path: "/boards/{parent.id}/lists", records: items, paging: {style: none}}
card:
  parent: list
  id: "{parent.parent.id}/{parent.id}#{record.n}"
  updated_at: at
  list: {path: "/boards/{parent.parent.id}/lists/{parent.id}/cards", records: items, params: {page: "{page}", since: "{since}"},
         page_size: 2, paging: {style: page}}
  incremental: {format: unix}
  fetch: {path: "/boards/{parent.parent.id}/lists/{parent.id}/cards/{record.n}"}
"""


class Boards:
    """Five boards; board b has no lists, board d is gone, the others two lists of three cards."""

    def __call__(self, request: Request) -> Response:
        path, given = request.url.removeprefix("https://api.acme.test/v1"), query(request)
        start = (int(given.get("page", 1)) - 1) * 2
        if path == "/boards":
            return self._page([{"id": name} for name in "abcde"][start : start + 2])
        parts = path.split("/")
        if parts[2] == "d":
            return reply({"message": "gone"}, 404)
        if path.endswith("/lists"):
            return self._page([] if parts[2] == "b" else [{"id": "1 x"}, {"id": "2"}])
        found = [{"n": number, "at": NOW} for number in range(3)] if int(given.get("since", 0)) <= NOW else []
        return self._page(found[start : start + 2])

    @staticmethod
    def _page(items: list[Any]) -> Response:
        return reply({"items": items})


def test_children_are_read_parent_by_parent_through_two_generations() -> None:
    rest = provider(PARENTS.replace('since: "{since}"},', "},").replace("{format: unix}", '{format: unix, params: {since: "{since}"}}'))
    reader = Reader(rest, feed(rest, "card"), Boards())
    expected = [f"{board}/{name}#{n}" for board in "ace" for name in ("1 x", "2") for n in range(3)]
    assert reader.ids() == expected
    assert any(request.url.endswith("/boards/a/lists/1%20x/cards") for request in reader.asked)
    changes = Reader(rest, feed(rest, "card", "changes"), Boards())
    changes.page()
    assert changes.ids() == expected
    assert changes.ids() == expected  # within the overlap
    assert len(json.dumps(changes.cursor)) < 200
    sweep = Reader(rest, feed(rest, "card", "sweep"), Boards())
    assert sweep.ids() == expected
    assert sweep.pages[-1].done


def test_a_childs_id_leads_to_the_child() -> None:
    rest = provider(PARENTS.replace('since: "{since}"},', "},").replace("{format: unix}", '{format: unix, params: {since: "{since}"}}'))

    hint = Hint("acme:card", "a/1 x#2")
    assert rest.fetch(hint, CREDENTIAL).url.endswith("/boards/a/lists/1%20x/cards/2")
    found = rest.read_fetched(hint, reply({"n": 2, "at": NOW}))
    assert isinstance(found, Change)
    assert found.upstream_id == hint.upstream_id
    assert found.upstream_updated_at == datetime.fromtimestamp(NOW, UTC)


def test_dates_divide_a_first_reading() -> None:
    text = """
thing:
  list: {path: /things, records: items, paging: {style: none}, params: {a: "1"}}
  parts: {params: {from: "{since}", to: "{until}"}, start: "2024-01-01", every: 60d, format: date}
"""
    rest = provider(text)
    source = feed(rest, "thing")
    page = Reader(rest, source, lambda _: reply({"items": [{"id": "x"}]})).page()
    assert not page.done
    windows = [dict(rest.request(source, part.cursor, CREDENTIAL).params) for part in page.parts]
    assert windows[0] == {"a": "1", "to": "2024-01-01"}
    assert windows[1] == {"a": "1", "from": "2024-01-01", "to": "2024-03-01"}
    assert "to" not in windows[-1]
    for part in page.parts:
        read = Reader(rest, source, lambda _: reply({"items": [{"id": "y"}]}), part.cursor)
        assert read.ids() == ["y"]
        assert read.pages[-1].done


DELETIONS = """
thing:
  updated_at: at
  list: {path: /things, records: items, paging: {style: none}}
  deletions:
    path: /trash
    params: {SINCE page: "{page}"}
    records: gone
    id: thing.id
    deleted_at: {path: at, format: unix}
    page_size: 2
    paging: {style: page}
    format: unix
    order: ORDER
"""


@pytest.mark.parametrize("filtered", [False, True])
def test_what_the_vendor_lists_as_deleted_is_gone(filtered: bool) -> None:
    """Newest first, read until what is known; or asked for since then."""
    text = DELETIONS.replace("SINCE", 'since: "{since}",' if filtered else "").replace("ORDER", "none" if filtered else "desc")
    rest = provider(text)
    trash = [{"thing": {"id": f"old{number}"}, "at": NOW - 5000 * number} for number in range(1, 9)]
    now = NOW

    def server(request: Request) -> Response:
        given = query(request)
        found = [one for one in trash if int(one["at"]) >= int(given.get("since", 0))]
        start = (int(given["page"]) - 1) * 2
        return reply({"gone": found[start : start + 2]}, now=now)

    # A collection whose deletions are listed needs no sweep for them; the first reading begins behind both feeds' first pages.
    feeds = {found.name: found for found in rest.feeds(["acme:thing"])}
    assert set(feeds) == {"acme:thing", "acme:thing:deletions", "acme:thing:sweep"}
    assert "acme:thing:deletions" in feeds["acme:thing"].after
    reader = Reader(rest, feeds["acme:thing:deletions"], server)
    assert reader.page().changes == ()
    assert len(reader.all()) <= 2  # a page, by which it is seen that there is nothing new
    now += 1000
    trash[:0] = [{"thing": {"id": f"new{number}"}, "at": NOW + 500 - number} for number in range(3)]
    gone = reader.all()
    assert {(found.upstream_id, found.deleted, found.raw) for found in gone if isinstance(found, Change)} >= {
        (f"new{number}", True, None) for number in range(3)
    }
    assert {str(found.upstream_id)[:3] for found in gone[3:]} <= {"old"}
    assert len(gone) <= 4
    assert all(isinstance(found, Change) and found.upstream_updated_at is not None for found in gone)
    asked = len(reader.asked)
    now += 1000
    reader.all()
    assert len(reader.asked) - asked <= 3  # the old ones are not gone through again
