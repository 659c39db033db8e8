"""Each test runs on every desk; with `collection`, on every collection of it; with `dear`, on those that stand for all.

What has many values (each broken reply, each record that cannot be stored) is tried with each of them on one desk, in turn; and of the light
desks, which share one provider's code, each has what is in EVERYWHERE and, in turn, one of the other tests. All on all of them: `make conformance`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.account import Account
from conformance.desks import DESKS, Desk
from pgsluice.poller import asking
from pgsluice.providers.limits import Backoff
from pgsluice.providers.rest import Rest

EVERYWHERE = frozenset({
    "test_every_page_of_every_collection_arrives", "test_changes_after_the_backfill", "test_deletions", "test_stopped_after_each_page_and_started_again",
    "test_create_update_delete_come_back_before_the_next_poll",
})  # fmt: skip
LIGHT = [key for key, desk in DESKS.items() if desk.light]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "desk" not in metafunc.fixturenames:
        return
    for name in ("collection", "dear"):
        if name in metafunc.fixturenames:
            pairs = [(key, one) for key, desk in DESKS.items() for one in (desk.collections if name == "collection" else desk.dear)]
            metafunc.parametrize(("desk", name), pairs, indirect=["desk"], ids=[one for _, one in pairs])
            return
    metafunc.parametrize("desk", list(DESKS), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "CONFORMANCE" in os.environ:
        return
    values: defaultdict[str, dict[str, list[pytest.Item]]] = defaultdict(dict)
    light: defaultdict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and Path(__file__).parent in item.path.parents and hasattr(item, "callspec"):
            params = {name: value for name, value in item.callspec.params.items() if name not in {"desk", "collection", "dear", "server"}}
            if params:
                values[f"{item.path}::{item.originalname}"].setdefault(repr(params), []).append(item)
            elif item.callspec.params.get("desk") in LIGHT and item.originalname not in EVERYWHERE:
                light[item.originalname].append(item)
    left_out = {
        item
        for turn, name in enumerate(sorted(light))
        for item in light[name]
        if LIGHT.index(item.callspec.params["desk"]) != turn % len(LIGHT)
    }
    left_out |= {
        item
        for of_one_test in values.values()
        for place, same in enumerate(of_one_test.values())
        for turn, item in enumerate(same)
        if turn != place % len(same)
    }
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


@pytest.fixture
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with DESKS[request.param]() as desk:
        yield desk


@pytest.fixture
def account(db: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Account:
    # What is waited between two tries does not matter here, that it is tried again does.
    monkeypatch.setattr(asking, "BETWEEN", Backoff(base=0.01, cap=0.02))
    # Nor does how many requests a second a vendor allows; that it is kept to is tried with the limits.
    monkeypatch.setattr(Rest, "budget", lambda _self, _credential: ())
    return Account(db, desk)
