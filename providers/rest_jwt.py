"""Tokens for an app that signs for itself: a JSON Web Token (RFC 7519) with the app's private key, exchanged for a token of the account.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app:
RS256, `iss` the app's client id (or its id), no longer than ten minutes, and begun a minute ago, since clocks differ.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pgsluice.providers.base import Credential
from pgsluice.providers.errors import Malformed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

CLIENT_ID: Final = "client_id"
PRIVATE_KEY: Final = "private_key"
_BEFORE: Final = 60
_LASTS: Final = 300
_HEAD: Final = {"alg": "RS256", "typ": "JWT"}


def signed(credential: Credential) -> str:
    """A token that says who the app is, for the next minutes. Raises Malformed."""
    issuer, key = _app(credential)
    assert credential.now is not None, "a renewal has its time"
    return _signed(issuer, key, credential.now)


def check_key(text: str) -> None:
    """Raises Malformed if this is no private RSA key. Never repeats it."""
    _key(text)


def _given(credential: Credential) -> tuple[str, str]:
    client, secret = credential.client, credential.secret
    issuer = secret.get(CLIENT_ID) or (client.client_id if client else "")
    return issuer, secret.get(PRIVATE_KEY) or (client.client_secret if client else "")


def _app(credential: Credential) -> tuple[str, RSAPrivateKey]:
    issuer, text = _given(credential)
    if not issuer or not text:
        raise Malformed(
            "the credential names no app to get its token with",
            hint=f"store it again with {CLIENT_ID} and {PRIVATE_KEY}, or with an oauth_app_id whose client secret is the private key",
        )
    return issuer, _key(text)


def _key(text: str) -> RSAPrivateKey:
    # Dear to load, and few accounts are opened this way.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        # In an environment file the lines are often written with \n.
        key = load_pem_private_key(text.replace("\\n", "\n").strip().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise Malformed(
            "this is no private RSA key in PEM form",
            hint="give the whole file that the vendor let you download, from -----BEGIN to END-----, without a passphrase",
        )
    return key


def _signed(issuer: str, key: RSAPrivateKey, now: datetime) -> str:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    at = int(now.timestamp())
    said = f"{_part(_HEAD)}.{_part({'iat': at - _BEFORE, 'exp': at + _LASTS, 'iss': issuer})}"
    return f"{said}.{_text(key.sign(said.encode(), PKCS1v15(), SHA256()))}"


def _part(value: Mapping[str, object]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
