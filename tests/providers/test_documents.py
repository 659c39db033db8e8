"""The traps of single vendors that have a document, each with its cure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from providers.declared import NOW, reply

from pgsluice.providers import registry
from pgsluice.providers.base import Change, Credential, Feed, Hint, Request, Write, Written
from pgsluice.providers.errors import Forbidden, Missing, RateLimited, Refused4xx, Unauthorized, Unreadable
from pgsluice.providers.rest import Rest

SECRETS = {"jira": {"site": "acme", "email": "a@b.c", "token": "t" * 20}}


def known(name: str) -> tuple[Rest, Credential]:
    found = registry.get(name)
    assert isinstance(found, Rest)
    return found, Credential(f"{name}_key", SECRETS.get(name, {"secret": "s" * 30}))


def feed(rest: Rest, collection_id: str, kind: str) -> Feed:
    return next(found for found in rest.feeds([collection_id]) if found.kind == kind)


def second_poll(name: str, collection_id: str, first: Any) -> tuple[Request, Any]:
    """The first request for changes after the vendor's clock is known, and the state it is asked with."""
    rest, credential = known(name)
    changes = feed(rest, collection_id, "changes")
    cursor = rest.read(changes, None, reply(first)).cursor
    return rest.request(changes, cursor, credential), cursor


def test_linear_limits_come_with_400_and_in_milliseconds() -> None:
    rest, _ = known("linear")
    body = {"errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}]}
    headers = {"x_ratelimit_requests_remaining": "0", "x_ratelimit_requests_reset": str((NOW + 90) * 1000),
               "x_ratelimit_complexity_remaining": "200000", "x_ratelimit_complexity_reset": str((NOW + 10) * 1000)}  # fmt: skip
    with pytest.raises(RateLimited) as caught:
        rest.read(feed(rest, "linear:issue", "backfill"), None, reply(body, 400, **headers))
    assert caught.value.retry_after == 90
    said = rest.signals(reply({"data": {}}, **headers))
    assert said is not None
    assert (said.remaining, said.resets_in) == (0, 90)


def test_linear_says_everything_with_errors() -> None:
    rest, _ = known("linear")
    for code, error in (("AUTHENTICATION_ERROR", Unauthorized), ("FORBIDDEN", Forbidden), ("INVALID_INPUT", Refused4xx)):
        for status in (200, 400):
            with pytest.raises(error):
                rest.read(
                    feed(rest, "linear:issue", "backfill"),
                    None,
                    reply({"errors": [{"message": "m", "extensions": {"code": code}}]}, status),
                )
    gone = reply({"errors": [{"message": "Entity not found: Issue", "extensions": {"code": "INPUT_ERROR"}}], "data": None})
    found = rest.read_fetched(Hint("linear:issue", "i"), gone)
    assert isinstance(found, Change)
    assert found.deleted
    with pytest.raises(Missing):
        rest.read_written([Write("update", "linear:issue", "i", b"{}", "k")], gone)


def test_linear_trashed_is_deleted_and_keeps_its_time() -> None:
    rest, _ = known("linear")
    node = {"id": "i", "trashed": True, "updatedAt": "2024-07-01T00:00:00.000Z", "createdAt": "2024-06-01T00:00:00.000Z"}
    page = {"data": {"issues": {"nodes": [node], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}
    (change,) = rest.read(feed(rest, "linear:issue", "backfill"), None, reply(page)).changes
    assert change.deleted
    assert change.upstream_updated_at is not None


def test_jira_is_asked_by_the_clock_of_whoever_asks() -> None:
    """JQL's times have minutes, and the zone of a profile that nobody knows: so a day more is asked for, from the newest on."""
    request, _ = second_poll("jira", "jira:issue", {"issues": [], "isLast": True})
    params = dict(request.params)
    assert params["jql"] == 'updated >= "2024-07-02 09:44" ORDER BY updated DESC, id DESC'  # NOW is 2024-07-03 09:46:40
    assert params["fields"] == "*all"


def test_jira_never_asks_without_a_condition() -> None:
    rest, credential = known("jira")
    assert "created >=" in dict(rest.request(feed(rest, "jira:issue", "backfill"), None, credential).params)["jql"]


def test_jira_times_are_without_a_colon() -> None:
    rest, _ = known("jira")
    issue = {"id": "1", "fields": {"created": "2024-07-01T00:00:00.000+0900", "updated": "2024-07-01T01:00:00.000+0900"}}
    (change,) = rest.read(feed(rest, "jira:issue", "backfill"), None, reply({"issues": [issue], "isLast": True})).changes
    assert change.upstream_created_at is not None
    assert change.upstream_created_at.isoformat() == "2024-07-01T00:00:00+09:00"


def test_jira_an_issue_that_is_gone_and_a_board_without_sprints() -> None:
    rest, credential = known("jira")
    for body, status in (
        ({"issues": [], "isLast": True}, 200),
        ({"errorMessages": ["The value '1' does not exist for the field 'id'."]}, 400),
    ):
        found = rest.read_fetched(Hint("jira:issue", "1"), reply(body, status))
        assert isinstance(found, Change)
        assert found.deleted
    sprints = feed(rest, "jira:sprint", "backfill")
    boards = rest.read(sprints, None, reply({"values": [{"id": 5}], "isLast": True}))
    assert rest.request(sprints, boards.cursor, credential).url.endswith("/rest/agile/1.0/board/5/sprint")
    page = rest.read(sprints, boards.cursor, reply({"errorMessages": ["The board does not support sprints"]}, 400))
    assert (page.changes, page.done) == ((), True)


def test_notion_is_read_from_the_newest_on_and_never_trusted_for_all() -> None:
    rest, credential = known("notion")
    request, cursor = second_poll("notion", "notion:page", {"results": [], "next_cursor": None, "has_more": False})
    assert json.loads(request.body or b"")["sort"] == {"timestamp": "last_edited_time", "direction": "descending"}
    pages = [{"id": "new", "last_edited_time": "2024-07-03T09:45:00.000Z"}, {"id": "old", "last_edited_time": "2024-07-01T00:00:00.000Z"}]
    page = rest.read(feed(rest, "notion:page", "changes"), cursor, reply({"results": pages, "next_cursor": "c", "has_more": True}))
    assert not page.more
    assert feed(rest, "notion:page", "sweep").every is not None
    assert rest.request(feed(rest, "notion:user", "backfill"), None, credential).headers["Notion-Version"] == "2025-09-03"


def test_notion_the_number_of_an_answer_is_no_change_of_the_page() -> None:
    rest, _ = known("notion")
    one, other = (
        rest.read_fetched(Hint("notion:page", "p"), reply({"object": "page", "id": "p", "request_id": number})) for number in "ab"
    )
    assert one == other


def test_airtable_an_offset_that_ended_begins_the_table_again() -> None:
    rest, credential = known("airtable")
    records = feed(rest, "airtable:record", "backfill")
    cursor = rest.read(records, None, reply({"bases": [{"id": "app1"}]})).cursor
    cursor = rest.read(records, cursor, reply({"tables": [{"id": "tbl1"}]})).cursor
    assert rest.request(records, cursor, credential).url == "https://api.airtable.com/v0/app1/tbl1"
    page = rest.read(records, cursor, reply({"records": [{"id": "rec1", "fields": {}}], "offset": "o"}))
    assert [change.upstream_id for change in page.changes] == ["app1/tbl1/rec1"]
    ended = reply({"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "message": "gone"}}, 422)
    again = rest.read(records, page.cursor, ended)
    assert again.more
    assert dict(rest.request(records, again.cursor, credential).params).get("offset") is None


def test_airtable_waits_for_thirty_seconds_and_asks_five_times_a_second() -> None:
    rest, credential = known("airtable")
    with pytest.raises(RateLimited) as caught:
        rest.read(feed(rest, "airtable:base", "backfill"), None, reply({"errors": [{"error": "RATE_LIMIT_REACHED"}]}, 429))
    assert caught.value.retry_after == 30
    assert [(limit.allowed, limit.seconds) for limit in rest.budget(credential)] == [(5, 1)]


def test_airtable_a_table_that_may_not_be_read_is_not_taken_for_an_empty_one() -> None:
    rest, _ = known("airtable")
    records = feed(rest, "airtable:record", "sweep")
    cursor = rest.read(records, None, reply({"bases": [{"id": "app1"}]})).cursor
    cursor = rest.read(records, cursor, reply({"tables": [{"id": "tbl1"}]})).cursor
    with pytest.raises(Forbidden):
        rest.read(records, cursor, reply({"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"}}, 403))


def test_intercom_compares_days_so_the_day_before_is_asked_for() -> None:
    request, _ = second_poll("intercom", "intercom:contact", {"data": [], "pages": {}})
    given = json.loads(request.body or b"")
    assert request.url.endswith("/contacts/search")
    assert request.params == ()
    assert given["query"] == {"field": "updated_at", "operator": ">", "value": NOW - 60 - 86_400}
    assert given["sort"] == {"field": "updated_at", "order": "descending"}


def test_intercom_a_scroll_that_is_over_begins_again_and_an_open_one_is_waited_for() -> None:
    rest, credential = known("intercom")
    companies = feed(rest, "intercom:company", "backfill")
    page = rest.read(companies, None, reply({"data": [{"id": "1"}], "scroll_param": "s"}))
    assert dict(rest.request(companies, page.cursor, credential).params) == {"scroll_param": "s"}
    over = reply({"type": "error.list", "errors": [{"code": "not_found", "message": "scroll parameter not found"}]}, 404)
    assert rest.request(companies, rest.read(companies, page.cursor, over).cursor, credential).params == ()
    with pytest.raises(RateLimited) as caught:
        rest.read(
            companies, None, reply({"errors": [{"code": "scroll_exists", "message": "scroll already exists for this workspace"}]}, 400)
        )
    assert caught.value.retry_after == 60


def test_intercom_a_contact_that_exists_is_a_refusal_and_not_another_version() -> None:
    rest, _ = known("intercom")
    taken = reply(
        {"type": "error.list", "errors": [{"code": "conflict", "message": "A contact matching those details already exists with id=5"}]},
        409,
    )
    with pytest.raises(Refused4xx) as caught:
        rest.read_written([Write("create", "intercom:contact", None, b"{}", "k")], taken)
    assert type(caught.value) is Refused4xx
    assert "already exists with id=5" in caught.value.message
    made = rest.read_written(
        [Write("create", "intercom:conversation", None, b"{}", "k")], reply({"type": "user_message", "conversation_id": "77"})
    )
    assert made == (Written("77", None),)


@pytest.mark.parametrize("name", ["airtable", "github", "intercom", "jira", "linear", "notion", "zendesk"])
def test_another_page_in_the_place_of_an_answer_is_never_an_empty_list(name: str) -> None:
    rest, _ = known(name)
    for found in rest.feeds(None):
        if found.kind == "backfill":
            for body in (b"<html>", b"{}", b"null", b'{"ok": true}', b""):
                with pytest.raises(Unreadable):
                    rest.read(found, None, reply(body))
