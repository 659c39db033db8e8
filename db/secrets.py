"""Seals credentials before they reach SQL: AES-256-GCM, the row's id authenticated, the key from a setting or a file.

A sealed secret is one byte of format (1), 12 random bytes of nonce, and the ciphertext with its 16-byte tag. The id of the row and the
format byte are authenticated, so a sealed value copied to another row does not open. The key's version is stored beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pgsluice.db.errors import SluiceError, make

_FORMAT: Final = b"\x01"
_NONCE: Final = 12
_KEY_BYTES: Final = 32
_HOW: Final = (
    "set PGSLUICE_MASTER_KEY to 32 random bytes in base64 or hex (openssl rand -base64 32), "
    "or PGSLUICE_MASTER_KEY_FILE to a file of mode 0600 that holds them"
)


@dataclass(frozen=True)
class MasterKey:
    """One or more keys by version. The highest version seals; each opens what it sealed. Neither repr nor errors show a key.

    `_seals`: another version that seals. `_path`: the file they came from, which is read again for a version that is not known yet: a key
    is added there while processes run.
    """

    _keys: Mapping[int, bytes] = field(repr=False)
    _seals: int | None = None
    _path: Path | None = None

    @property
    def version(self) -> int:
        return self._seals or max(self._keys)

    def key(self, version: int) -> bytes:
        """The key of that version; SL302 if it is not here."""
        known = self._keys
        if version not in known and self._path is not None:
            known = {**known, **read_key_file(self._path).all()}
        if version not in known:
            raise _unreadable(f"it was sealed with version {version} of the master key, and only {sorted(known)} is at hand")
        return known[version]

    def all(self) -> dict[int, bytes]:
        """Each key by its version."""
        return dict(self._keys)

    def newest(self) -> MasterKey:
        """The same, and what was added to the file meanwhile: what seals must be the newest one, since the others are about to go."""
        if self._path is None:
            return self
        try:
            found = read_key_file(self._path)
        except SluiceError:
            return self  # what was read once is as good as it was
        if any(self._keys.get(version, key) != key for version, key in found.all().items()):
            return self  # another key under a version that is known: a mistake, which nothing new is to follow
        return replace(self, _keys={**self._keys, **found.all()}, _seals=found.version)

    def kept_in(self, path: Path) -> MasterKey:
        """The same, read again from there when it has to be."""
        return replace(self, _path=path)

    def beside(self, earlier: MasterKey) -> MasterKey:
        """With others that only open what they sealed."""
        return replace(self, _keys={**earlier.all(), **self._keys}, _seals=self.version)


def parse_key(text: str) -> MasterKey:
    """The master key in `text`: 32 bytes in base64 or hex. Several may stand there, apart by white space or commas, as `version:key`.

    A key without a version is version 1. SL301 if there is none, SL406 if one is malformed: the message never repeats it.
    """
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if not words:
        raise make("the master key is empty", code="SL301", hint=_HOW)
    keys: dict[int, bytes] = {}
    for word in words:
        version, separator, encoded = word.rpartition(":")
        number = int(version) if separator and version.isdecimal() else 1
        if (separator and not version.isdecimal()) or number < 1 or number in keys:
            raise make("the versions of the master keys must be different whole numbers", code="SL406", hint=_HOW)
        keys[number] = _decode(encoded)
    return MasterKey(keys)


@lru_cache(maxsize=8)
def _cipher(key: bytes) -> AESGCM:
    """Made once: with a key it costs more than to open a secret. The keys are in memory all the time anyway."""
    return AESGCM(key)


def _with_previous(key: MasterKey, previous: str | None) -> MasterKey:
    if previous is None or not previous.strip():
        return key
    earlier = parse_key(previous)
    if earlier.all().keys() & key.all().keys():
        raise make(
            "the previous master keys and the present one have the same version",
            code="SL406",
            hint="name the versions: PGSLUICE_MASTER_KEY=2:<key> and PGSLUICE_MASTER_KEY_PREVIOUS=1:<key>",
        )
    return key.beside(earlier)


def _decode(encoded: str) -> bytes:
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64}", encoded):
            return bytes.fromhex(encoded)
        # The standard and the URL alphabet, with or without padding.
        bare = encoded.replace("-", "+").replace("_", "/").rstrip("=")
        raw = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise make("the master key is not 32 bytes in base64 or hex", code="SL406", hint=_HOW)
    return raw


def load_key(value: str | None = None, path: Path | None = None, previous: str | None = None) -> MasterKey:
    """The key from a setting's `value`, else from the file `path`. SL301 if neither is given.

    `previous`: keys that open what they sealed, and seal nothing. Versions are needed then: SL406 where two are the same.
    """
    if value is not None and value.strip():
        return _with_previous(parse_key(value), previous)
    if path is not None:
        return _with_previous(read_key_file(path), previous)
    raise make("there is no master key to seal credentials with", code="SL301", hint=_HOW)


def read_key_file(path: Path) -> MasterKey:
    """The key in `path`, which must be a plain file of this user that nobody else can read (SL406 otherwise; SL301 if it is not there)."""
    try:
        # O_NOFOLLOW and fstat on what was opened: checks by name could be about another file than the one that is read.
        # O_NONBLOCK: a named pipe would hold us up for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise make(f"the master key file {path} does not exist", code="SL301", hint=_HOW) from None
    except OSError as exc:
        raise make(f"the master key file {path} cannot be opened", code="SL406", details=exc.strerror, hint=_HOW) from None
    try:
        _check_owner(path, os.fstat(handle))
        return parse_key(os.read(handle, 65536).decode("ascii", errors="replace")).kept_in(path)
    finally:
        os.close(handle)


def _check_owner(path: Path, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise make(f"the master key file {path} is not a plain file", code="SL406", hint=_HOW)
    if info.st_uid != os.geteuid():
        hint = f"chown it to the user that runs pgsluice (uid {os.geteuid()})"
        raise make(f"the master key file {path} belongs to another user", code="SL406", hint=hint)
    if info.st_mode & 0o077:
        raise make(f"the master key file {path} can be read by other users", code="SL406", hint=f"chmod 600 {path}")


def make_key_file(path: Path) -> MasterKey:
    """The key in `path`; if the file does not exist, a new random one is written there, mode 0600. Its folder must exist.

    Safe for many processes at once: the file appears complete or not at all (a hard link, which fails if the name is taken), and all of
    them return the same key.
    """
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
                file.flush()
                # A key lost in a power cut takes every sealed credential with it.
                os.fsync(file.fileno())
            os.link(draft, path)
            _sync_folder(path.parent)
        except FileExistsError:
            pass
        except OSError as exc:
            raise make(f"the master key file {path} cannot be written", code="SL406", details=exc.strerror, hint=_HOW) from None
        finally:
            draft.unlink(missing_ok=True)
    return read_key_file(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Secret(dict[str, str]):
    """An opened secret: a dict whose repr shows its keys and hides their values."""

    def __repr__(self) -> str:
        return f"Secret({', '.join(f'{key}=***' for key in self)})"

    __str__ = __repr__


def seal(plaintext: Mapping[str, str], aad: str, key: MasterKey) -> bytes:
    """`plaintext` encrypted with the newest key and bound to `aad`, the id of its row. Store `key.version` beside it."""
    nonce = os.urandom(_NONCE)
    body = json.dumps(dict(plaintext), separators=(",", ":")).encode()
    return _FORMAT + nonce + _cipher(key.key(key.version)).encrypt(nonce, body, _bound(aad))


def open_sealed(sealed: bytes, aad: str, key: MasterKey, key_version: int = 1) -> Secret:
    """What `seal` was given. SL302 if the key is another one, the row is another one, or the bytes were changed."""
    sealed = bytes(sealed)
    if sealed[:1] != _FORMAT or len(sealed) < 1 + _NONCE + 16:
        raise _unreadable("it is not in a format this version knows")
    nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        opened = _cipher(key.key(key_version)).decrypt(nonce, body, _bound(aad))
    except InvalidTag:
        raise _unreadable("this master key did not seal it, or it was sealed for another id") from None
    return Secret(json.loads(opened))


def of_oauth_app(oauth_app_id: str) -> str:
    """What the secret of an OAuth app is bound to. No credential has such an id: Postgres keeps no NUL."""
    return f"oauth app\0{oauth_app_id}"


def of_signin(signin_id: str) -> str:
    """What the secrets of a consent are bound to."""
    return f"signin\0{signin_id}"


def _bound(aad: str) -> bytes:
    return b"pgsluice credential\x00" + _FORMAT + aad.encode()


def _unreadable(details: str) -> SluiceError:
    return make(
        "the stored secret cannot be opened",
        code="SL302",
        details=details,
        hint="start pgsluice with the master key that was in use when the credential was created, or create the credential again",
    )
