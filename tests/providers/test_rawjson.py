from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgsluice.providers import rawjson
from pgsluice.providers.rawjson import NotJson

SPACE = st.sampled_from(["", " ", "\r\n\t  "])


def _number(parts: tuple[int, str, str]) -> str:
    return "".join(map(str, parts))


# Numbers of any length: the ones that readers round.
FRACTIONS = st.just("") | st.integers(0, 10**40).map(lambda digits: f".{digits:05}")
EXPONENTS = st.sampled_from(["", "e400", "E-17", "e+99999", "E0"])
NUMBERS = st.tuples(st.integers(-(10**40), 10**40), FRACTIONS, EXPONENTS).map(_number)
# Any text as JSON, escaped or not.
TEXTS = st.tuples(st.text(st.characters(codec="utf-8"), max_size=12), st.booleans()).map(lambda t: json.dumps(t[0], ensure_ascii=t[1]))


def spaced(parts: list[str], brackets: str, space: str) -> str:
    return brackets[0] + space + f"{space},{space}".join(parts) + space + brackets[1]


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(TEXTS, SPACE, inner).map(lambda m: f"{m[0]}{m[1]}:{m[1]}{m[2]}")
    arrays = st.tuples(st.lists(inner, max_size=4), SPACE).map(lambda a: spaced(a[0], "[]", a[1]))
    return arrays | st.tuples(st.lists(member, max_size=4), SPACE).map(lambda o: spaced(o[0], "{}", o[1]))


VALUES = st.recursive(st.sampled_from(["null", "true", "false"]) | NUMBERS | TEXTS, containers, max_leaves=12)
# What msgspec refuses, and so takes the page down the slow way: half a surrogate pair, too deep, a bad escape, no JSON at all.
BAD = st.sampled_from([r'{"a":"\ud800"}', r'{"a":"\q"}', '{"a":' + "[" * 3000 + "]" * 3000 + "}", '{"a":NaN}', '{"a":01}', "nonsense"])


@given(st.lists(VALUES, max_size=5), SPACE, VALUES)
def test_any_json_comes_out_in_its_own_bytes(values: list[str], space: str, other: str) -> None:
    body = f'{{"other":{space}{other}{space},"data":{spaced(values, "[]", space)},"has_more":true}}'.encode()
    sliced = rawjson.slice_list(body, "data")
    assert sliced.records == [value.encode() for value in values]
    assert sliced.members == {"other": other.encode(), "has_more": b"true"}


@given(st.lists(VALUES | BAD, max_size=5), SPACE, st.integers(0, 5), BAD)
def test_a_bad_record_moves_no_border(values: list[str], space: str, at: int, bad: str) -> None:
    values.insert(at, bad)
    body = f'{{"data":{spaced(values, "[]", space)}{space},"has_more":{space}false}}'.encode()
    sliced = rawjson.slice_list(body, "data")
    assert sliced.records == [value.encode() for value in values]
    assert sliced.members == {"has_more": b"false"}


@given(VALUES)
def test_what_a_reader_of_json_takes_is_sound(value: str) -> None:
    assert rawjson.unsound(f'{{"a":{value}}}'.encode()) is None


@pytest.mark.parametrize("number", ["12345678901234567890123", "0.12345678901234567890123", "1e400", "-0", "1.00", "1e200000"])
def test_digits_are_kept(number: str) -> None:
    (record,) = rawjson.slice_list(f'{{"data":[{{"n":{number}}}]}}'.encode(), "data").records
    assert record == f'{{"n":{number}}}'.encode()
    assert rawjson.unsound(record) is None
    assert json.loads(record, parse_int=Decimal, parse_float=Decimal)["n"] == Decimal(number)


@given(st.lists(VALUES, min_size=1, max_size=3), st.data())
def test_a_cut_body_is_never_a_page(values: list[str], data: st.DataObject) -> None:
    body = f'{{"data":{spaced(values, "[]", "")},"has_more":false}}'.encode()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with pytest.raises(NotJson):
        rawjson.slice_list(cut, "data")


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_noise_is_refused_in_words(noise: bytes) -> None:
    with pytest.raises(NotJson, match=r"\w"):
        rawjson.slice_list(b"<" + noise, "data")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"[]", "no object"),
        (b'"text"', "no object"),
        (b"null", "no object"),
        (b"{}", "no 'data'"),
        (b'{"data":{}}', "no array"),
        (b'{"data":null}', "no array"),
        (b'{"data":[1,]}', "comma"),
        (b'{"data":[1]} {"data":[2]}', "follows"),
        (b'{"data":[{"a":"', "cut off"),
        (b'{"data":[{"a":1}', "cut off"),
        (b"<html></html>", "no JSON"),
        (b'{"data" [1]}', "no JSON"),
        ('{"data":[]}'.encode("utf-16"), "no JSON"),
    ],
)
def test_what_came_instead_is_said(body: bytes, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        rawjson.slice_list(body, "data")


def test_a_byte_order_mark_is_passed_over() -> None:
    assert rawjson.slice_list(b'\xef\xbb\xbf{"data":[{}]}', "data").records == [b"{}"]


def test_of_a_name_given_twice_the_last_counts_on_both_ways() -> None:
    assert rawjson.object_members(b'{"a":1,"a":2}') == {"a": b"2"}
    assert rawjson.object_members(b'{"a":"\\q","a":2}') == {"a": b"2"}


def test_an_escaped_name_is_read_on_both_ways() -> None:
    assert rawjson.slice_list(rb'{"d\u0061ta":[1]}', "data").records == [b"1"]
    assert rawjson.slice_list(rb'{"d\u0061ta":["\q"]}', "data").records == [rb'"\q"']


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a":"\xff"}', "not UTF-8: byte 0xff at 6"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        (rb'{"a":"\ud800"}', r"half a character: \\ud800"),
        (rb'{"a":"\\\udc00 and more text"}', r"half a character: \\udc00"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b'{"a":1', "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b"[1]", "not an object"),
        (b"7", "not an object"),
    ],
)
def test_unsound_records_are_told_apart(raw: bytes, words: str) -> None:
    reason = rawjson.unsound(raw)
    assert reason is not None
    assert reason.startswith(words.replace("\\\\", "\\")) or words in reason


@pytest.mark.parametrize("raw", [rb'{"a":"\u0000"}', rb'{"a":"\ud83d\ude80"}', rb'{"a":"\\ud800"}', '{"a":"🚀"}'.encode(), b'{"a":1e400}'])
def test_sound_records_pass(raw: bytes) -> None:
    assert rawjson.unsound(raw) is None


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'"cus_1"', "cus_1"),
        (b'"\\u00e9"', "é"),
        (b"42", "42"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b'""', None),
        (b"1.5", None),
        (b"null", None),
        (b"true", None),
        (b"{}", None),
        (b"", None),
        (rb'"a\u0000"', None),
        (rb'"\ud800"', None),
        (b'"\xff"', None),
        (b'"' + b"x" * 201 + b'"', None),
    ],
)
def test_identity(raw: bytes, name: str | None) -> None:
    assert rawjson.identity(raw) == name


@given(st.integers())
def test_integer_reads_what_fits(value: int) -> None:
    assert rawjson.integer(str(value).encode()) == (value if len(str(value)) < 20 else None)


@pytest.mark.parametrize("raw", [b"1.0", b"1e3", b'"1"', b"null", b"", b"1" * 5000])
def test_integer_refuses_the_rest(raw: bytes) -> None:
    assert rawjson.integer(raw) is None


def test_a_string_of_many_escapes_takes_little_memory() -> None:
    # A pattern that could go back would keep a mark of 50 bytes and more for each escape.
    body = b'{"data":["\\q' + b'\\"' * 500_000 + b'"]}'
    tracemalloc.start()
    try:
        (record,) = rawjson.slice_list(body, "data").records
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(record) == 1_000_004
    assert peak < 10 * len(body)
