"""Each test runs on every desk; with `collection`, on every collection of it; with `dear`, on those that stand for all.

What has many values (each broken reply, each record that cannot be stored) is tried with each of them on one desk, in turn; on all of them
by `make conformance`.
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
    for item in items:
        if isinstance(item, pytest.Function) and Path(__file__).parent in item.path.parents and hasattr(item, "callspec"):
            params = {name: value for name, value in item.callspec.params.items() if name not in {"desk", "collection", "dear", "server"}}
            if params:
                values[f"{item.path}::{item.originalname}"].setdefault(repr(params), []).append(item)
    left_out = {
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
    return Account(db, desk)
