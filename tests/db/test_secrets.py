from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgsluice.db.errors import MasterKeyMissing, SecretUnreadable, SettingsInvalid
from pgsluice.db.secrets import load_key, make_key_file, open_sealed, parse_key, read_key_file, seal

RAW = bytes(range(32))
BASE64 = base64.b64encode(RAW).decode()
OTHER = base64.b64encode(bytes(32)).decode()
KEY = parse_key(BASE64)
SECRET = {"secret": "sk_live_sesame"}


@given(st.dictionaries(st.text(), st.text()), st.text(min_size=1))
def test_what_is_sealed_opens(secret: dict[str, str], row: str) -> None:
    assert open_sealed(seal(secret, row, KEY), row, KEY) == secret


def test_two_seals_of_one_secret_differ_and_show_nothing() -> None:
    first, second = seal(SECRET, "id", KEY), seal(SECRET, "id", KEY)
    assert first != second
    assert first[0] == 1
    assert b"sesame" not in first


@pytest.mark.parametrize("text", [BASE64, RAW.hex(), RAW.hex().upper(), BASE64.rstrip("="), f" {BASE64}\n", f"1:{BASE64}"])
def test_spellings_of_one_key(text: str) -> None:
    assert open_sealed(seal(SECRET, "id", KEY), "id", parse_key(text)) == SECRET


def test_urlsafe_base64() -> None:
    raw = bytes([251, 239, 190] * 10 + [1, 2])
    assert open_sealed(seal(SECRET, "id", parse_key(raw.hex())), "id", parse_key(base64.urlsafe_b64encode(raw).decode())) == SECRET


@pytest.mark.parametrize("text", ["sesame", BASE64[:-8], BASE64 + BASE64, "0" * 63, f"x:{BASE64}", f"0:{BASE64}", f"{BASE64} {BASE64}"])
def test_malformed_keys_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse_key(text)
    assert text not in str(caught.value.as_dict())
    assert caught.value.hint


def test_several_keys() -> None:
    both = parse_key(f"2:{OTHER}, 1:{BASE64}")
    assert both.version == 2
    assert open_sealed(seal(SECRET, "id", KEY), "id", both, 1) == SECRET
    assert open_sealed(seal(SECRET, "id", both), "id", parse_key(f"2:{OTHER}"), 2) == SECRET
    with pytest.raises(SecretUnreadable):
        open_sealed(seal(SECRET, "id", both), "id", KEY, 2)


@pytest.mark.parametrize("damage", ["key", "row", "bytes", "short", "format"])
def test_what_does_not_open(damage: str) -> None:
    sealed, row, key = seal(SECRET, "id", KEY), "id", KEY
    match damage:
        case "key":
            key = parse_key(OTHER)
        case "row":
            row = "another"
        case "bytes":
            sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        case "short":
            sealed = sealed[:10]
        case "format":
            sealed = b"\x02" + sealed[1:]
    with pytest.raises(SecretUnreadable) as caught:
        open_sealed(sealed, row, key)
    assert caught.value.hint
    assert "sesame" not in str(caught.value.as_dict())


def test_nothing_shows_in_repr() -> None:
    opened = open_sealed(seal(SECRET, "id", KEY), "id", KEY)
    assert "sesame" not in f"{opened!r} {opened} {KEY!r}"
    assert BASE64 not in repr(KEY)
    assert "secret" in repr(opened)


def test_the_setting_wins_over_the_file(tmp_path: Path) -> None:
    made = make_key_file(tmp_path / "key")
    assert open_sealed(seal(SECRET, "id", KEY), "id", load_key(BASE64, tmp_path / "key")) == SECRET
    assert open_sealed(seal(SECRET, "id", made), "id", load_key(" ", tmp_path / "key")) == SECRET
    for missing in (load_key, lambda: load_key("", None), lambda: load_key(None, tmp_path / "other"), lambda: parse_key("\n")):
        with pytest.raises(MasterKeyMissing) as caught:
            missing()
        assert caught.value.hint


def test_a_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    os.umask(0o000)
    try:
        with ThreadPoolExecutor(16) as pool:
            keys = list(pool.map(lambda _: make_key_file(tmp_path / "key"), range(32)))
    finally:
        os.umask(0o022)
    sealed = seal(SECRET, "id", keys[0])
    assert all(open_sealed(sealed, "id", key) == SECRET for key in keys)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key_file(path)
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(SettingsInvalid) as caught:
            read_key_file(path)
        assert caught.value.hint == f"chmod 600 {path}"


def test_what_is_not_a_plain_file_of_ours_is_refused(tmp_path: Path) -> None:
    make_key_file(tmp_path / "key")
    (tmp_path / "link").symlink_to("key")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "link", tmp_path / "pipe", tmp_path):
        with pytest.raises(SettingsInvalid):
            read_key_file(path)
    with pytest.raises(SettingsInvalid):
        make_key_file(tmp_path / "nowhere" / "key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path) -> None:
    make_key_file(tmp_path / "key")
    os.chown(tmp_path / "key", 65534, 65534)
    with pytest.raises(SettingsInvalid) as caught:
        read_key_file(tmp_path / "key")
    assert "another user" in caught.value.message


def test_the_present_key_seals_and_previous_ones_open() -> None:
    key = load_key(f"1:{BASE64}", None, f"2:{OTHER}")
    assert key.version == 1
    assert open_sealed(seal(SECRET, "id", parse_key(f"2:{OTHER}")), "id", key, 2) == SECRET
    with pytest.raises(SettingsInvalid):
        load_key(BASE64, None, OTHER)


def test_a_key_that_is_added_to_the_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"1:{BASE64}\n")
    file.chmod(0o600)
    running = read_key_file(file)
    file.write_text(f"1:{BASE64}\n2:{OTHER}\n")
    newer = read_key_file(file)
    assert (running.version, newer.version) == (1, 2)
    assert open_sealed(seal(SECRET, "id", newer), "id", running, 2) == SECRET
    with pytest.raises(SecretUnreadable):
        running.key(3)


def test_what_seals_is_the_newest_key_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"1:{BASE64}\n")
    file.chmod(0o600)
    running = read_key_file(file).beside(parse_key(f"7:{BASE64}"))
    assert running.newest().version == 1
    file.write_text(f"2:{OTHER}\n")  # and the old one is gone already
    newer = running.newest()
    assert newer.version == 2
    assert open_sealed(seal(SECRET, "id", newer), "id", read_key_file(file), 2) == SECRET
    assert open_sealed(seal(SECRET, "id", running), "id", newer, 1) == SECRET
    assert newer.key(7) == running.key(7)
    for text, mode in ((f"1:{OTHER}", 0o600), ("nonsense", 0o600), (f"3:{OTHER}", 0o644)):
        file.write_text(text)
        file.chmod(mode)
        assert running.newest() is running, text
    file.unlink()
    assert running.newest() is running
