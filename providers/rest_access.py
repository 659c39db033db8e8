"""The words of a provider document about access: credentials, consents, and what the vendor sends by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec


class Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a document: what it does not know, it refuses."""


class SecretSpec(Frozen, frozen=True, kw_only=True):
    """One value of a credential."""

    description: str
    pattern: str = ""
    optional: bool = False
    form: Literal["text", "pem"] = "text"


class Renew(Frozen, frozen=True, kw_only=True):
    """How a token is renewed."""

    grant: Literal["refresh_token", "client_credentials", "jwt"]
    url: str
    encoding: Literal["form", "json"] = "form"
    client: Literal["body", "basic"] = "body"
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    base_url: str = ""
    token: str = "access_token"  # noqa: S105  where the answer has it
    expires_at: str = ""  # where the answer says when it ends; without this expires_in counts


class Consent(Frozen, frozen=True, kw_only=True):
    """How a person's consent brings the credential. Completed with what `renew` says."""

    authorize: str
    token: str
    scopes: tuple[str, ...] = ()
    separator: str = " "
    pkce: bool = True
    params: Mapping[str, str] = {}
    values: tuple[str, ...] = ()
    encoding: Literal["form", "json"] = "form"
    client: Literal["body", "basic"] = "body"
    headers: Mapping[str, str] = {}
    account: str = ""  # where the answer names the account
    keep: Mapping[str, str] = {}  # field of the credential → where the answer has it
    base_url: str = ""


class Basic(Frozen, frozen=True, kw_only=True):
    """HTTP's own login."""

    username: str
    password: str = ""


class Auth(Frozen, frozen=True, kw_only=True):
    """One kind of credential."""

    fields: Mapping[str, SecretSpec]
    description: str = ""
    bearer: str = ""
    headers: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    basic: Basic | None = None
    base_url: str = ""  # in place of the document's
    renew: Renew | None = None
    consent: Consent | None = None


class Signature(Frozen, frozen=True, kw_only=True):
    """How a delivery is signed: an HMAC."""

    header: str
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    message: str = "{body}"
    key: Literal["text", "base64"] = "text"


class Stamp(Frozen, frozen=True, kw_only=True):
    """When it was signed."""

    header: str = ""
    path: str = ""
    format: str = "auto"
    tolerance: str = "5m"


class At(Frozen, frozen=True, kw_only=True):
    """A header, or a place in the body."""

    header: str = ""
    path: str = ""


class Condition(At, frozen=True, kw_only=True):
    """What a header or a place in the body must say."""

    equals: Any = None
    begins: str = ""


class Event(Frozen, frozen=True, kw_only=True):
    """Which object a delivery speaks of."""

    collection: str
    id: str = ""  # left out: something of that collection changed, it is not said what
    when: tuple[Condition, ...] = ()
    topics: tuple[str, ...] = ()  # what the vendor calls such events when they are subscribed to


class Hooks(Frozen, frozen=True, kw_only=True):
    """What the vendor sends by itself."""

    signature: Signature
    events: tuple[Event, ...]
    description: str
    secret: Literal["subscription", "client"] = "subscription"  # noqa: S105  whose it is
    timestamp: Stamp | None = None
    delivery: At | None = None
    each: str = ""  # where an array of events is
    ended: tuple[Condition, ...] = ()
