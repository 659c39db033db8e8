"""How a person's consent becomes a credential: the authorization code grant of OAuth 2 (RFC 6749, 4.1), with PKCE (RFC 7636)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pgsluice.providers.base import Client, SecretField


@dataclass(frozen=True, slots=True)
class Consent:
    """What a vendor needs for one kind of credential."""

    scopes: tuple[str, ...]  # asked for where the caller names none
    pkce: bool = True  # whether the vendor takes a code challenge (S256)
    values: tuple[SecretField, ...] = ()  # that have to be known before, as the name of a shop


@dataclass(frozen=True, slots=True)
class Signin:
    """One consent that was begun. What only we and the vendor may know does not show in a repr."""

    kind: str  # one of Provider.consents
    client: Client
    redirect_uri: str
    state: str = field(repr=False)  # comes back in the answer
    scopes: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    verifier: str | None = field(default=None, repr=False)  # of PKCE; its S256 challenge is in the address of the page
    base_url: str | None = None  # in place of the vendor's own address


@dataclass(frozen=True, slots=True)
class Granted:
    """What a vendor answered to a code."""

    secret: Mapping[str, str] = field(repr=False)  # to be sealed, complete: what requests and renewals need
    account: str | None = None  # the vendor's own, stable name of the account; None: ask `identify`
    base_url: str | None = None  # where the account lives; None: the vendor's own address
    expires_in: float | None = None  # seconds
    scopes: tuple[str, ...] = ()  # that were granted, where the vendor says so
