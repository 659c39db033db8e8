"""Webhooks that documents register: a poller makes them at the vendor's fake, deliveries come in by the server's door, and the record is there
without a poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conformance.account import SYNC, Account
from conformance.desks.airtable import AirtableDesk
from conformance.desks.base import Desk
from conformance.desks.github import GitHubDesk
from conformance.desks.jira import JiraDesk
from conformance.desks.linear import LinearDesk
from e2e.polling import NEWEST, until
from e2e.test_webhooks import doorway, info, is_subscribed, notices, subscribe, switch_off, working
from fakes import hooked
from fakes.hooked import Hook

from pgsluice.db.client import Client

pytestmark = NEWEST
HOURLY = "3600 seconds"
Deliver = Callable[[Any, Hook, str], int]


def _github(desk: Any, hook: Hook, upstream_id: str) -> int:
    owner = {"owner": {"login": desk.fake.owner}, "name": desk.fake.repo}
    return hooked.github(hook, owner, {"number": int(upstream_id.rpartition("#")[2])})


CASES: list[tuple[type[Desk], str, Deliver]] = [
    (AirtableDesk, "airtable:record", lambda _desk, hook, _id: hooked.airtable(hook)),
    (LinearDesk, "linear:issue", lambda _desk, hook, id_: hooked.linear(hook, id_)),
    (JiraDesk, "jira:issue", lambda _desk, hook, id_: hooked.jira(hook, id_)),
    (GitHubDesk, "github:issue", _github),
]


@pytest.mark.parametrize(("desk_of", "name", "deliver"), CASES, ids=[desk.provider for desk, _, _ in CASES])
def test_a_change_arrives_by_the_vendors_word(db: str, desk_of: type[Desk], name: str, deliver: Deliver) -> None:
    with desk_of() as desk, doorway(db) as door:
        fake: Any = desk.fake  # type: ignore[attr-defined]
        account = Account(db, desk)
        upstream_id = desk.seed([name], 1)[name][0]
        account.connect(name)
        with Client.connect(db) as client:
            client.sync_update(SYNC, sync_frequency=HOURLY)
        account.read_well()
        subscribe(db)
        with working(db, door.url):
            until(lambda: is_subscribed(db))
            (hook,) = fake.hooks
            assert hook.url.startswith(f"{door.url}/webhooks/{SYNC}?tag=")
            assert not account.query("select from sluice_internal.webhooks where strpos(encode(sealed, 'escape'), %s) > 0", hook.secret)
            # What is asked for once a minute is due: here its minute has passed.
            account.query("update sluice_internal.sync_feeds set next_attempt_at = null where kind <> 'sweep'")
            desk.change(name, upstream_id, "by word of the vendor")
            desk.settle()
            assert deliver(desk, hook, upstream_id) == 200
            until(lambda: "by word of the vendor" in str(account.records(name)[upstream_id]))
            switch_off(db, SYNC)
            until(lambda: not fake.hooks)
        assert (info(db)["deliveries"], info(db)["unreadable"], info(db)["error"]) == (1, 0, None)


def test_one_that_was_dropped_is_made_again_with_a_notice(db: str) -> None:
    with JiraDesk() as desk, doorway(db) as door:
        account = Account(db, desk)
        account.connect("jira:issue")
        subscribe(db)
        with working(db, door.url):
            until(lambda: is_subscribed(db))
            (first,) = desk.fake.hooks  # type: ignore[attr-defined]
            desk.fake.hooks.clear()  # type: ignore[attr-defined]
            since = info(db)["subscribed_at"]
            subscribe(db)
            until(lambda: is_subscribed(db, since))
            (again,) = desk.fake.hooks  # type: ignore[attr-defined]
            # The secret is stored; so it stays, and deliveries under way are still taken.
            assert (again.url, again.secret) == (first.url, first.secret)
            until(lambda: "webhooks_renewed" in notices(db))
