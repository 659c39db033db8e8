"""One object of a reply: the quick look at it says what the close one says, or nothing."""

from __future__ import annotations

import random

import pytest

from pgsluice.providers import stripe_lists
from pgsluice.providers.base import Change, Refused

SOUND = (
    '{"id":"cus_1","object":"customer","created":1700000000,"n":1.50,"s":"aé\\u00e9\\ud83d\\ude00\\n",'
    '"o":{"a":[1,2,{"b":null}],"id":"x"},"m":{"k":"v"}}'
).encode()
PIECES = (b"\\ud800", b"\\u0000", b"\\x", b"1e400", b"01", b".5", b"nul", b"{", b"}", b'"', b",", b"[", b"]", b":", b"\\", b" ", b"\n", b"-",
          b"1.0", b"true", b"null", b"\x01", b"\xc3", b"\xff", b'"id":"y",', b'"id":5,', b'"deleted":true,', b'"deleted":null,',
          b'"created":"5",', b"9" * 30, b"/")  # fmt: skip


def closely(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> Change | Refused:
    with monkeypatch.context() as patched:
        patched.setattr(stripe_lists, "_usual", lambda *_: None)
        return stripe_lists.read_record("c", raw)


def test_both_looks_say_the_same_of_whatever_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(5)
    assert stripe_lists._usual("c", SOUND) == closely(SOUND, monkeypatch)
    usual = 0
    for _ in range(1500):
        raw = bytearray(SOUND)
        for _ in range(dice.randint(1, 2)):
            at, piece = dice.randrange(len(raw)), dice.choice(PIECES)
            end = at + dice.choice((0, 0, len(piece), 3))
            raw[at:end] = piece if dice.random() < 0.8 else b""
        said = stripe_lists._usual("c", bytes(raw))
        usual += said is not None
        assert said is None or said == closely(bytes(raw), monkeypatch), bytes(raw)
    assert 50 < usual < 1000
