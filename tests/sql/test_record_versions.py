"""Rules 2.2 to 2.4: the same again is silent, the older never wins, a deletion keeps what was known."""

from __future__ import annotations

from typing import Any

import pytest
from isolation.sessions import Session, World, obj

OLD, MID, NEW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z", "2026-03-03T00:00:00Z"


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def state(one: Session) -> Any:
    """Everything about the only record, with where its row version lies and who wrote it."""
    return one.one("select *, ctid::text, xmin::text from records")


def test_the_same_again_writes_nothing_at_all(one: Session) -> None:
    one.ingest(obj("a", {"n": 1}, MID, upstream_created_at=OLD))
    one.drain(ack=True)
    before = state(one)
    for _ in range(3):
        assert one.ingest(obj("a", {"n": 1}, MID, upstream_created_at=OLD)) == (0, 0, 1, 0)
    assert state(one) == before
    assert one.next() == []


def test_the_same_again_assigns_no_transaction_id(one: Session) -> None:
    one.push("a", "b")
    one.begin().push("a", "b")
    assert one.value("select pg_current_xact_id_if_assigned()") is None
    one.rollback()


def test_the_same_again_among_changes(one: Session) -> None:
    one.ingest(*(obj(i, 1) for i in "abc"))
    before = {i: r.updated_idx for i, r in one.records().items()}
    one.drain(ack=True)
    assert one.ingest(obj("a", 1), obj("b", 2), obj("c", 1)) == (0, 1, 2, 0)
    after = {i: r.updated_idx for i, r in one.records().items()}
    assert (after["a"], after["c"]) == (before["a"], before["c"])
    assert after["b"] > max(before.values())
    assert [m.upstream_id for m in one.drain()] == ["b"]


def test_an_older_version_is_refused(one: Session) -> None:
    one.ingest(obj("a", "new", NEW))
    one.drain(ack=True)
    before = state(one)
    assert one.ingest(obj("a", "old", OLD)) == (0, 0, 0, 1)
    assert one.ingest({"upstream_id": "a", "deleted": True, "upstream_updated_at": OLD}) == (0, 0, 0, 1)
    assert state(one) == before
    assert one.next() == []


def test_an_older_version_with_the_same_content_changes_nothing(one: Session) -> None:
    one.ingest(obj("a", "same", NEW))
    before = state(one)
    assert sum(one.ingest(obj("a", "same", OLD))[2:]) == 1
    assert state(one) == before


def test_a_microsecond_decides(one: Session) -> None:
    one.ingest(obj("a", 1, "2026-01-01T00:00:00.000001Z"))
    assert one.ingest(obj("a", 2, "2026-01-01T00:00:00Z")) == (0, 0, 0, 1)
    assert one.ingest(obj("a", 2, "2026-01-01T01:00:00.000002+01:00")) == (0, 1, 0, 0)


def test_only_the_version_changed(one: Session) -> None:
    one.ingest(obj("a", "same", OLD))
    one.drain(ack=True)
    idx = state(one).updated_idx
    assert one.ingest(obj("a", "same", NEW)) == (0, 0, 1, 0)
    assert state(one).updated_idx == idx
    assert one.value("select upstream_updated_at = %s from records", NEW)
    assert one.next() == []
    assert one.ingest(obj("a", "between", MID)) == (0, 0, 0, 1)  # the stored version counts


def test_an_equal_version_with_other_data_is_the_order_of_commits(one: Session) -> None:
    one.ingest(obj("a", 1, MID))
    assert one.ingest(obj("a", 2, MID)) == (0, 1, 0, 0)
    assert one.records()["a"].data == 2


def test_of_an_equal_version_the_deletion_stays(one: Session) -> None:
    one.ingest(obj("a", 1, MID))
    assert one.ingest(obj("a", 1, MID, deleted=True)) == (0, 1, 0, 0)
    assert one.ingest(obj("a", 1, MID)) == (0, 0, 0, 1)
    assert one.records()["a"].deleted is True


def test_without_versions_the_order_of_commits_decides(one: Session) -> None:
    for n in (1, 2, 1, 3):
        one.ingest(obj("a", n))
    assert one.records()["a"].data == 3


def test_a_change_moves_to_the_end_and_is_delivered_once_in_its_newest_version(one: Session) -> None:
    one.ingest(obj("a", 1), obj("b", 1))
    one.ingest(obj("a", 2))
    one.ingest(obj("a", 3))
    assert [r.upstream_id for r in one.rows("select * from records order by updated_idx")] == ["b", "a"]
    assert sorted((m.upstream_id, m.data) for m in one.drain()) == [("a", 3), ("b", 1)]


def test_a_deletion_keeps_the_last_data_and_is_delivered(one: Session) -> None:
    one.ingest(obj("a", {"last": "known"}, OLD, upstream_created_at=OLD))
    one.drain(ack=True)
    assert one.ingest({"upstream_id": "a", "deleted": True, "upstream_updated_at": NEW}) == (0, 1, 0, 0)
    record = one.records()["a"]
    assert (record.deleted, record.data) == (True, {"last": "known"})
    assert one.value("select upstream_created_at = %s from records", OLD)
    (message,) = one.drain(ack=True)
    assert (message.deleted, message.data, message.deliver_count) == (True, {"last": "known"}, 1)
    assert one.value("select upstream_updated_at = %s from records", NEW)


def test_a_deletion_may_bring_data_of_its_own(one: Session) -> None:
    one.ingest(obj("a", 1))
    assert one.ingest({"upstream_id": "a", "deleted": True, "data": 2}) == (0, 1, 0, 0)
    assert (one.records()["a"].deleted, one.records()["a"].data) == (True, 2)


def test_a_deletion_with_null_data_keeps_the_last_data(one: Session) -> None:
    one.ingest(obj("a", 1))
    assert one.ingest({"upstream_id": "a", "deleted": True, "data": None}) == (0, 1, 0, 0)
    assert one.records()["a"].data == 1


def test_deleted_again_is_silent(one: Session) -> None:
    one.ingest(obj("a", 1))
    one.ingest({"upstream_id": "a", "deleted": True})
    one.drain(ack=True)
    before = state(one)
    assert one.ingest({"upstream_id": "a", "deleted": True}) == (0, 0, 1, 0)
    assert state(one) == before
    assert one.next() == []


def test_deleting_what_was_never_seen_leaves_a_tombstone(one: Session) -> None:
    assert one.ingest({"upstream_id": "ghost", "deleted": True, "upstream_updated_at": MID}) == (1, 0, 0, 0)
    record = one.records()["ghost"]
    assert (record.deleted, record.data) == (True, None)
    assert [(m.upstream_id, m.deleted, m.data) for m in one.drain(ack=True)] == [("ghost", True, None)]
    assert one.ingest(obj("ghost", "late", OLD)) == (0, 0, 0, 1)
    assert one.records()["ghost"].deleted is True
    assert one.next() == []


def test_a_version_from_before_the_deletion_does_not_resurrect(one: Session) -> None:
    one.ingest(obj("a", 1, OLD))
    one.ingest({"upstream_id": "a", "deleted": True, "upstream_updated_at": NEW})
    one.drain(ack=True)
    assert one.ingest(obj("a", 2, MID)) == (0, 0, 0, 1)
    assert one.records()["a"].deleted is True
    assert one.next() == []


@pytest.mark.parametrize("at", [(OLD, MID, NEW), (None, None, None)], ids=["versions", "commits"])
def test_deleted_and_created_again(one: Session, at: tuple[str | None, ...]) -> None:
    one.ingest(obj("a", 1, at[0]))
    one.ingest(obj("a", 1, at[1], deleted=True))
    one.drain(ack=True)
    assert one.ingest(obj("a", 1, at[2])) == (0, 1, 0, 0)
    assert one.records()["a"].deleted is False
    assert [(m.deleted, m.data, m.deliver_count) for m in one.drain()] == [(False, 1, 1)]


def test_created_and_deleted_before_anyone_looks_is_one_message(one: Session) -> None:
    one.ingest(obj("a", 1))
    one.ingest({"upstream_id": "a", "deleted": True})
    assert [(m.deleted, m.data) for m in one.drain()] == [(True, 1)]


def test_only_upstream_created_at_differs(one: Session) -> None:
    """Content is `data`: a creation time learnt later is kept without a message, or ignored, but never a new message each time."""
    one.ingest(obj("a", 1))
    one.drain(ack=True)
    for _ in range(3):
        one.ingest(obj("a", 1, upstream_created_at=OLD))
    assert len(one.drain(ack=True)) <= 1
    assert one.ingest(obj("a", 1, upstream_created_at=OLD)) == (0, 0, 1, 0)
    assert one.next() == []
