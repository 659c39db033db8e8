"""One bad record on a good page: it is kept aside with its bytes and the reason, the others are stored, and it comes once it is sound."""

from __future__ import annotations

import re

import pytest
from e2e.polling import NEWEST

from conformance.account import Account
from conformance.desks import Desk

pytestmark = NEWEST

MARK = "@mark@"
DEEP = 10_000


def _seeded(account: Account, desk: Desk, name: str) -> str:
    """An account with a record whose text is MARK, which the proxy can put other bytes in the place of; its id."""
    desk.seed([name], 4)
    marked = desk.create(name, MARK)
    desk.seed([name], 4)
    account.connect(name)
    return marked


def _mended(account: Account, desk: Desk, name: str, marked: str) -> None:
    """The vendor mends it, and so it comes."""
    desk.proxy.heal()
    desk.advance(2)
    desk.change(name, marked, "sound again")
    desk.settle()
    account.read_well()
    account.assert_complete(name)


# What stands in the place of a string in a record, as bytes on the line.
UNSTORABLE: dict[str, bytes] = {
    "a NUL": rb'"a\u0000b"',
    "a lone surrogate": rb'"\ud800"',
    "the other half of a pair": rb'"a\udc00b"',
    "a number beyond numeric": b"1e200000",
    "no UTF-8": b'"caf\xe9"',
    "a control character": b'"a\x01b"',
    "NaN": b"NaN",
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("value", UNSTORABLE)
def test_what_cannot_be_stored_is_kept_aside(account: Account, desk: Desk, value: str) -> None:
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    desk.proxy.replace(f'"{MARK}"', UNSTORABLE[value])
    tally = account.read_well()
    assert tally.quarantined >= 1
    account.assert_complete(name, but=[marked])
    assert marked not in account.records(name)
    kept = {(row[0], row[1]) for row in account.quarantine()}
    assert kept == {(name, marked)}
    _, _, raw, reason = account.quarantine()[-1]
    assert UNSTORABLE[value] in bytes(raw)
    assert reason
    _mended(account, desk, name, marked)


STORABLE: dict[str, tuple[bytes, str]] = {
    "1e400": (b"1e400", "1" + "0" * 400),
    "30 digits": (b"123456789012345678901234567890", "123456789012345678901234567890"),
    "30 digits behind the point": (b"0.123456789012345678901234567890", "0.123456789012345678901234567890"),
    "1.00": (b"1.00", "1.00"),
    "a pair of surrogates": (rb'"\ud83d\ude00"', '"😀"'),
    "duplicate keys": (b'{"a": 1, "a": 2}', '{"a": 2}'),
    "an empty key": (b'{"": 1}', '{"": 1}'),
}


def test_what_is_only_unusual_is_stored_to_the_digit(account: Account, desk: Desk) -> None:
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    whole = b"{" + b",".join(b'"%d": %s' % (place, raw) for place, (raw, _) in enumerate(STORABLE.values())) + b"}"
    desk.proxy.replace(f'"{MARK}"', whole)
    assert account.read_well().quarantined == 0
    ((text,),) = account.query("select data::text from sluice.records where upstream_id = %s", marked)
    for place, (_, stored) in enumerate(STORABLE.values()):
        assert f'"{place}": {stored}' in text, list(STORABLE)[place]
    account.assert_complete(name, but=[marked])
    _mended(account, desk, name, marked)


def test_10000_levels(account: Account, desk: Desk) -> None:
    """Stored whole or kept aside whole, as the server's stack allows; nothing else is touched by it."""
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    deep = b"[" * DEEP + b"]" * DEEP
    desk.proxy.replace(f'"{MARK}"', deep)
    account.read_well()
    account.assert_complete_beside(name, marked)
    stored = account.query("select data::text like %s from sluice.records where upstream_id = %s", f"%{deep.decode()}%", marked)
    if stored:
        assert stored == [(True,)]
        assert account.quarantine() == []
    else:
        ((_, upstream_id, raw, reason),) = account.quarantine()
        assert (upstream_id, deep in bytes(raw), bool(reason)) == (marked, True, True)
    _mended(account, desk, name, marked)


def test_a_document_of_16_mb(account: Account, desk: Desk) -> None:
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    size = 16 << 20
    desk.proxy.replace(f'"{MARK}"', b'"' + b"x" * size + b'"')
    account.read_well()
    account.assert_complete_beside(name, marked)
    ((length,),) = account.query("select octet_length(data::text) from sluice.records where upstream_id = %s", marked)
    assert length > size
    _mended(account, desk, name, marked)


# What stands in the place of the id's JSON.
NO_IDS: dict[str, bytes] = {
    "null": b"null",
    "an object": b'{"a": 1}',
    "empty": b'""',
    "too long": b'"' + b"x" * 201 + b'"',
    "a NUL": rb'"a\u0000"',
    "a fraction": b"1.5",
    "true": b"true",
}


@pytest.mark.parametrize("value", [*NO_IDS, "missing"])
def test_an_id_that_names_nothing(account: Account, desk: Desk, value: str) -> None:
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    for member in desk.id_members(name, marked):
        if value == "missing":
            desk.proxy.replace(member + b",", re.sub(rb'^"', b'"no_', member) + b",")
        else:
            desk.proxy.replace(member + b",", member.partition(b":")[0] + b": " + NO_IDS[value] + b",")
    tally = account.read()
    kept = account.quarantine()
    assert len({bytes(raw) for _, _, raw, _ in kept}) == 1
    assert all(collection == name and upstream_id is None and reason for collection, upstream_id, _, reason in kept)
    assert MARK.encode() in bytes(kept[0][2])
    assert tally.outcome == "caught_up" or account.sync()["error"]["message"]
    account.assert_complete(name, but=[marked])
    _mended(account, desk, name, marked)


def test_an_id_of_the_other_kind(account: Account, desk: Desk) -> None:
    """A number where it was text, text where it was a number: the record is stored under its digits or characters."""
    name = desk.dear[0]
    marked = _seeded(account, desk, name)
    other = "text-for-once" if desk.number_ids else "123456789012345678"
    for member in desk.id_members(name, marked):
        value = f'"{other}"' if desk.number_ids else other
        desk.proxy.replace(member + b",", member.partition(b":")[0] + f": {value},".encode())
    other = desk.named(name, other)
    account.read()
    account.assert_complete(name, but=[marked, other])
    assert other in account.records(name)
    assert account.quarantine() == []
