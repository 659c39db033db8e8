"""Rule 2.3: the versions of an object, in any order and however they are cut into calls and transactions, end in the newest one."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from isolation.sessions import Session, obj

_numbers = itertools.count()


@pytest.fixture(scope="module")
def one(shared_db: str) -> Any:
    with Session(shared_db) as session:
        session.rows("select stream_create('s')")
        session.rows("select sync_create('s', 'push', 'y')")
        yield session


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, list[dict[str, Any]]], list[list[dict[str, Any]]]]:
    """The versions of up to four objects, deletions and re-creations among them; and the same ones shuffled and cut into pages."""
    histories: dict[str, list[dict[str, Any]]] = {}
    for name in "abcd"[: draw(st.integers(1, 4))]:
        times = draw(st.lists(st.integers(0, 3599), min_size=1, max_size=5, unique=True).map(sorted))
        histories[name] = [
            obj(name, draw(st.integers(0, 3)), f"2026-01-01T00:{t // 60:02}:{t % 60:02}Z", deleted=draw(st.booleans())) for t in times
        ]
    versions = draw(st.permutations([v for history in histories.values() for v in history]))
    repeated = versions + draw(st.lists(st.sampled_from(versions), max_size=3))  # pages overlap
    cuts = draw(st.lists(st.integers(1, len(repeated)), max_size=4).map(lambda c: sorted({0, *c, len(repeated)})))
    return histories, [repeated[a:b] for a, b in itertools.pairwise(cuts)]


def named(page: list[dict[str, Any]], tag: str) -> list[dict[str, Any]]:
    return [element | {"upstream_id": tag + element["upstream_id"]} for element in page]


@settings(max_examples=120)
@given(histories(), st.booleans())
def test_any_order_ends_in_the_newest_state(one: Session, drawn: Any, together: bool) -> None:
    histories, pages = drawn
    tag = f"{next(_numbers)}-"
    if together:
        one.begin()
    for page in pages:
        assert sum(one.ingest(*named(page, tag))) == len(page)
    if together:
        one.commit()
    stored = {r.upstream_id: r for r in one.rows("select * from records where starts_with(upstream_id, %s)", tag)}
    assert set(stored) == {tag + name for name in histories}
    for name, history in histories.items():
        record, newest = stored[tag + name], history[-1]
        assert (record.data, record.deleted) == (newest["data"], newest["deleted"])
        assert record.upstream_updated_at.strftime("%Y-%m-%dT%H:%M:%SZ") == newest["upstream_updated_at"]
    # and all of it again is silent
    before = one.rows(
        "select upstream_id, updated_idx, ctid::text, xmin::text from records where starts_with(upstream_id, %s) order by 1", tag
    )
    for page in pages:
        new, changed, unchanged, refused = one.ingest(*named(page, tag))
        assert (new, changed, unchanged + refused) == (0, 0, len(page))
    assert (
        one.rows("select upstream_id, updated_idx, ctid::text, xmin::text from records where starts_with(upstream_id, %s) order by 1", tag)
        == before
    )
