"""`record_ingest`: what it takes, what it counts, what it refuses as a whole."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from isolation.sessions import Session, World, obj, refused
from psycopg.types.json import Jsonb


@pytest.fixture
def one(world: World) -> Session:
    return world.set_up()


def raw(one: Session, records: str | None, sync: str | None = "y", collection: str | None = "push:o") -> Any:
    return tuple(one.one("select * from record_ingest(%s, %s, %s::jsonb)", sync, collection, records))


def test_new_changed_unchanged(one: Session) -> None:
    assert one.ingest(obj("a", {"n": 1}), obj("b", {"n": 1})) == (2, 0, 0, 0)
    assert one.ingest(obj("a", {"n": 1}), obj("b", {"n": 2}), obj("c", {"n": 1})) == (1, 1, 1, 0)
    assert one.ingest() == (0, 0, 0, 0)


def test_a_page_whose_ends_are_new_and_whose_middle_is_known(one: Session) -> None:
    one.ingest(obj("same", 1), obj("other", 1), obj("newer", 1, "2026-02-01T00:00:00Z"), obj("touched", 1, "2026-01-01T00:00:00Z"))
    xmin = one.value("select xmin::text from records where upstream_id = 'same'")
    before = {i: r.updated_idx for i, r in one.records().items()}
    page = (
        obj("first", 1),
        obj("same", 1),
        obj("other", 2),
        obj("newer", 2, "2026-01-01T00:00:00Z"),
        obj("touched", 1, "2026-02-01T00:00:00Z"),
        obj("last", 1),
    )
    assert one.ingest(*page) == (2, 1, 2, 1)
    records = one.records()
    assert {i: r.data for i, r in records.items()} == {"first": 1, "same": 1, "other": 2, "newer": 1, "touched": 1, "last": 1}
    assert {i for i in before if records[i].updated_idx != before[i]} == {"other"}
    assert one.value("select xmin::text from records where upstream_id = 'same'") == xmin
    order = sorted(("first", "other", "last"), key=lambda i: records[i].updated_idx)
    assert order == ["first", "other", "last"]
    assert sorted(m.upstream_id for m in one.drain(ack=True)) == ["first", "last", "newer", "other", "same", "touched"]
    assert one.ingest(*page) == (0, 0, 5, 1)


def test_a_page_of_new_objects_with_one_of_them_twice(one: Session) -> None:
    assert one.ingest(obj("a", 1), obj("b", 1), obj("b", 2), obj("c", 1)) == (3, 1, 0, 0)
    assert {i: r.data for i, r in one.records().items()} == {"a": 1, "b": 2, "c": 1}


def test_columns_and_names(one: Session) -> None:
    row = one.one(
        """select * from record_ingest(records => '[{"upstream_id": "a", "data": {}}]', collection_id => 'push:o', sync_id => 'y')"""
    )
    assert row._fields == ("new", "changed", "unchanged", "refused")


def test_the_whole_record_is_kept(one: Session) -> None:
    one.ingest(obj("a", {"k": [1, None, "x"]}, "2026-02-03T04:05:06.123456Z", upstream_created_at="2025-01-01T00:00:00+02:00"))
    (record,) = one.rows("select * from records")
    assert (record.sync_id, record.collection_id, record.upstream_id, record.stream_id) == ("y", "push:o", "a", "s")
    assert (record.deleted, record.data) == (False, {"k": [1, None, "x"]})
    assert record.upstream_created_at.isoformat().startswith("202")
    assert one.value(
        "select upstream_updated_at = '2026-02-03 04:05:06.123456+00' and upstream_created_at = '2024-12-31 22:00+00' from records"
    )
    assert record.updated_idx > 0


def test_optional_fields_may_be_null(one: Session) -> None:
    nothing = {"upstream_created_at": None, "upstream_updated_at": None, "deleted": None}
    assert one.ingest({"upstream_id": "a", "data": {}} | nothing) == (1, 0, 0, 0)
    (record,) = one.rows("select * from records")
    assert (record.upstream_created_at, record.upstream_updated_at, record.deleted) == (None, None, False)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("style", ["ISO, DMY", "SQL, DMY", "German", "Postgres, MDY"])
def test_times_do_not_depend_on_the_session(world: World, zone: str, style: str) -> None:
    world.set_up()
    odd = world.session(TimeZone=zone, DateStyle=style.replace(" ", "\\ "))
    odd.ingest(obj("a", {}, "2026-02-03T04:05:06"), obj("b", {}, "2026-02-03T04:05:06Z"))
    times = {i: r.upstream_updated_at for i, r in world.look.records().items()}
    assert times["a"] == times["b"]
    assert world.look.value("select count(*) from records where upstream_updated_at = '2026-02-03 04:05:06+00'") == 2
    assert odd.ingest(obj("a", {}, "2026-02-03T04:05:06Z")) == (0, 0, 1, 0)


NOT_AN_ARRAY = ["{}", '"x"', "1", "true", "null", '{"upstream_id": "a", "data": {}}']


def test_what_is_not_an_array(one: Session, subtests: pytest.Subtests) -> None:
    for records in [*NOT_AN_ARRAY, None]:
        with subtests.test(records=records):
            with refused("SL001", "records"):
                raw(one, records)
            assert one.records() == {}


BAD = {
    "an element that is text": '"x"',
    "an element that is null": "null",
    "an element that is an array": '[{"upstream_id": "a", "data": {}}]',
    "a number": "7",
    "an empty object": "{}",
    "no upstream_id": '{"data": {}}',
    "null upstream_id": '{"upstream_id": null, "data": {}}',
    "a number as upstream_id": '{"upstream_id": 12, "data": {}}',
    "an object as upstream_id": '{"upstream_id": {"a": 1}, "data": {}}',
    "true as upstream_id": '{"upstream_id": true, "data": {}}',
    "an empty upstream_id": '{"upstream_id": "", "data": {}}',
    "an upstream_id of 201 bytes": json.dumps({"upstream_id": "x" * 201, "data": {}}),
    "an upstream_id of 202 bytes in 101 letters": json.dumps({"upstream_id": "ß" * 101, "data": {}}),
    "no data": '{"upstream_id": "a"}',
    "null data": '{"upstream_id": "a", "data": null}',
    "no data, deleted false": '{"upstream_id": "a", "deleted": false}',
    "an unknown field": '{"upstream_id": "a", "data": {}, "colour": 1}',
    "a field in another case": '{"Upstream_Id": "a", "upstream_id": "a", "data": {}}',
    "deleted as text": '{"upstream_id": "a", "data": {}, "deleted": "true"}',
    "deleted as a number": '{"upstream_id": "a", "data": {}, "deleted": 1}',
    "a time that is a number": '{"upstream_id": "a", "data": {}, "upstream_updated_at": 1700000000}',
    "a time that is an object": '{"upstream_id": "a", "data": {}, "upstream_updated_at": {}}',
    "a time that is true": '{"upstream_id": "a", "data": {}, "upstream_created_at": true}',
    "an empty time": '{"upstream_id": "a", "data": {}, "upstream_updated_at": ""}',
    "words for a time": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "soon"}',
    "the 30th of February": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "2026-02-30T00:00:00Z"}',
    "the 25th hour": '{"upstream_id": "a", "data": {}, "upstream_created_at": "2026-02-03T25:00:00Z"}',
    "a time out of range": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "294277-01-01T00:00:00Z"}',
    "a time of the year 10000, elsewhere": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "9999-12-31T23:59:59-01:00"}',
    "a time before our era, elsewhere": '{"upstream_id": "a", "data": {}, "upstream_created_at": "0001-01-01T00:00:00+01:00"}',
    "a zone that is none": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "2026-02-03T00:00:00 Mars/Olympus"}',
    "the clock's time": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "now"}',
    "tomorrow": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "tomorrow"}',
    "the end of time": '{"upstream_id": "a", "data": {}, "upstream_updated_at": "infinity"}',
    "the beginning of time": '{"upstream_id": "a", "data": {}, "upstream_created_at": "-infinity"}',
}


def test_a_bad_element_is_refused_with_its_place_and_nothing_is_written(one: Session, subtests: pytest.Subtests) -> None:
    good = ['{"upstream_id": "good", "data": {}}', '{"upstream_id": "fine", "data": {}}']
    for (name, bad), place in itertools.product(BAD.items(), (0, 1)):
        with subtests.test(name, place=place):
            elements = [*good[:place], bad, *good[place:]]
            with refused("SL001", f"{place}"):
                raw(one, f"[{', '.join(elements)}]")
            assert one.records() == {}
            assert one.next() == []


def test_the_message_names_the_unknown_field_and_the_bad_time(one: Session) -> None:
    with refused("SL001", "colour"):
        raw(one, BAD["an unknown field"].join("[]"))
    with refused("SL001", "upstream_updated_at"):
        raw(one, BAD["words for a time"].join("[]"))
    with refused("SL001", "upstream_id"):
        raw(one, BAD["a number as upstream_id"].join("[]"))


def test_an_error_leaves_the_callers_transaction_to_the_caller(one: Session) -> None:
    one.begin()
    one.push("before")
    one.rows("savepoint p")
    with refused("SL001"):
        raw(one, '[{"upstream_id": 1}]')
    one.rows("rollback to p")
    one.push("after")
    one.commit()
    assert sorted(one.records()) == ["after", "before"]


@pytest.mark.parametrize(
    ("code", "sync", "collection", "culprit"),
    [
        ("SL102", "nope", "push:o", "nope"),
        ("SL102", "", "push:o", ""),
        ("SL102", "s", "push:o", "s"),
        ("SL001", "y", "o", "o"),
        ("SL001", "y", "", ""),
        ("SL001", "y", "push:", "push:"),
        ("SL001", "y", ":o", ":o"),
        ("SL001", "y", "push:" + "x" * 196, "push:"),
        ("SL106", "few", "push:b", "push:b"),
    ],
)
def test_unknown_sync_or_collection(one: Session, code: str, sync: str, collection: str, culprit: str) -> None:
    one.rows("select sync_create('s', 'push', 'few', collection_ids => array['push:a'])")
    with refused(code, culprit):
        raw(one, '[{"upstream_id": "a", "data": {}}]', sync, collection)
    assert one.records() == {}


@pytest.mark.parametrize(("sync", "collection"), [(None, "push:o"), ("y", None), (None, None)])
def test_null_arguments(one: Session, sync: str | None, collection: str | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        raw(one, "[]", sync, collection)
    assert str(caught.value.sqlstate).startswith("SL"), caught.value


def test_a_push_sync_with_named_collections_takes_only_those(world: World) -> None:
    one = world.set_up()
    one.rows("select sync_create('s', 'push', 'few', collection_ids => array['push:a'])")
    assert one.ingest(obj("x"), sync="few", collection="push:a") == (1, 0, 0, 0)


def test_a_collection_of_195_letters_after_the_provider(one: Session) -> None:
    assert one.ingest(obj("a"), collection="push:" + "x" * 195) == (1, 0, 0, 0)


@pytest.mark.parametrize("upstream_id", ["x" * 200, "ß" * 100, "a b", "'\";--", "日本語", "🙂", "a/b?c", " ", "\u0001", "null", "12"])
def test_upstream_ids(one: Session, upstream_id: str) -> None:
    assert one.ingest(obj(upstream_id)) == (1, 0, 0, 0)
    assert [m.upstream_id for m in one.next()] == [upstream_id]


def test_ids_are_told_apart_byte_by_byte(one: Session) -> None:
    assert one.ingest(*(obj(i) for i in ("a", "A", "a ", "é", "e\u0301"))) == (5, 0, 0, 0)


def test_the_same_id_in_other_collections_and_syncs_is_another_record(one: Session) -> None:
    one.rows("select sync_create('s', 'push', 'z')")
    assert one.ingest(obj("a")) == (1, 0, 0, 0)
    assert one.ingest(obj("a"), collection="push:p") == (1, 0, 0, 0)
    assert one.ingest(obj("a"), sync="z") == (1, 0, 0, 0)
    assert len({(m.sync_id, m.collection_id) for m in one.drain()}) == 3


def test_a_nul_cannot_even_be_an_argument(one: Session) -> None:
    with pytest.raises(psycopg.errors.UntranslatableCharacter):
        raw(one, '[{"upstream_id": "a", "data": {"x": "\\u0000"}}]')
    assert one.records() == {}


DIGITS = [
    "123456789012345678901234567890",
    "-0.000000000000000000000000000001",
    "1e400",
    "1.00",
    "0.1",
    "3.14159265358979323846264338327950288419716939937510",
    "9007199254740993",
    "1E-130",
]


@pytest.mark.parametrize("number", DIGITS)
def test_digits_are_kept(one: Session, number: str) -> None:
    raw(one, '[{{"upstream_id": "a", "data": {{"n": {}}}}}]'.format(number))  # noqa: UP032
    stored = one.value("select r.data ->> 'n' from records as r")
    assert Decimal(stored) == Decimal(number)
    assert one.value("select m.data ->> 'n' from consumer_next('c') as m") == stored
    if number == "1.00":
        assert stored == "1.00"


@pytest.mark.parametrize("data", ['"text"', "7", "true", "[]", '[1, {"a": null}]', '""', "{}"])
def test_data_may_be_any_json_but_null(one: Session, data: str) -> None:
    assert raw(one, '[{{"upstream_id": "a", "data": {}}}]'.format(data)) == (1, 0, 0, 0)  # noqa: UP032
    assert raw(one, '[{{"upstream_id": "a", "data": {}}}]'.format(data)) == (0, 0, 1, 0)  # noqa: UP032
    assert one.next()[0].data == json.loads(data)


def test_equal_means_equal_as_jsonb(one: Session) -> None:
    raw(one, '[{"upstream_id": "a", "data": {"a": 1.0, "b": [1, 2], "c": "\\u00e9"}}]')
    assert raw(one, '[{"upstream_id": "a", "data": {"c": "é", "b": [1,2], "a": 1.00}}]') == (0, 0, 1, 0)
    assert raw(one, '[{"upstream_id": "a", "data": {"a": 1, "b": [2, 1], "c": "é"}}]') == (0, 1, 0, 0)


def test_one_object_twice_in_one_call_without_versions_ends_in_the_last(one: Session) -> None:
    counted = one.ingest(obj("a", 1), obj("b", 1), obj("a", 2), obj("a", 3))
    assert sum(counted) == 4
    assert one.records()["a"].data == 3
    assert [m.data for m in one.drain() if m.upstream_id == "a"] == [3]


def test_one_object_twice_in_one_call_with_versions_ends_in_the_newest(one: Session) -> None:
    newest = obj("a", "new", "2026-03-03T00:00:00Z")
    one.ingest(obj("a", "old", "2026-01-01T00:00:00Z"), newest, obj("a", "older", "2025-01-01T00:00:00Z"))
    assert one.records()["a"].data == "new"
    assert [m.data for m in one.drain()] == ["new"]


def test_one_object_there_and_back_in_one_call(one: Session) -> None:
    one.ingest(obj("a", 1))
    one.drain(ack=True)
    before = one.one("select *, ctid, xmin from records")
    one.ingest(obj("a", 2), obj("a", 1))
    assert one.records()["a"].data == 1
    assert one.records()["a"].upstream_updated_at == before.upstream_updated_at
    assert len(one.drain()) <= 1


def test_created_and_deleted_in_one_call(one: Session) -> None:
    one.ingest(obj("a", 1), {"upstream_id": "a", "deleted": True})
    assert (one.records()["a"].deleted, one.records()["a"].data) == (True, 1)
    assert [(m.deleted, m.data) for m in one.drain()] == [(True, 1)]


def test_a_huge_array(one: Session) -> None:
    many = [obj(f"o{i}", {"i": i}) for i in range(20_000)]
    assert one.ingest(*many) == (20_000, 0, 0, 0)
    assert one.ingest(*many) == (0, 0, 20_000, 0)
    assert one.value("select count(distinct updated_idx) from records") == 20_000
    assert len(one.drain(1000)) == 20_000


def test_a_record_of_20_megabytes(one: Session) -> None:
    big = {"text": "é" * 10_000_000}
    assert raw(one, json.dumps([obj("a", big)], ensure_ascii=False)) == (1, 0, 0, 0)
    assert one.next()[0].data == big


def test_deep_data(one: Session) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    assert one.ingest(obj("a", deep)) == (1, 0, 0, 0)
    assert one.ingest(obj("a", deep)) == (0, 0, 1, 0)


def test_data_that_looks_like_the_envelope(one: Session) -> None:
    inner = {"upstream_id": "zzz", "deleted": True, "upstream_updated_at": "not a time", "records": [1]}
    assert one.ingest(obj("a", inner)) == (1, 0, 0, 0)
    assert [(m.upstream_id, m.data, m.deleted) for m in one.next()] == [("a", inner, False)]


def test_the_order_within_a_call_is_the_order_of_the_stream(one: Session) -> None:
    ids = ["m", "z", "a", "q", "b"]
    one.push(*ids)
    assert [r.upstream_id for r in one.rows("select * from records order by updated_idx")] == ids


def test_collections_count_records_and_changes(one: Session) -> None:
    one.ingest(obj("a", 1), obj("b", 1))
    one.ingest(obj("a", 2))
    one.ingest(obj("x", 1), collection="push:p")
    for _ in range(3):
        rows = one.rows("select collection_id, stream_id, records, changes from collections where sync_id = 'y' order by 1")
        assert [tuple(r) for r in rows] == [("push:o", "s", 2, 3), ("push:p", "s", 1, 1)]
        one.ingest(obj("a", 2))  # unchanged: counts nothing


def test_json_in_a_prepared_statement_and_through_binary(one: Session) -> None:
    for n in range(12):  # past the generic plan
        assert sum(one.one("select * from record_ingest('y', 'push:o', %b)", Jsonb([obj(f"p{n}")]))) == 1
    assert len(one.records()) == 12
