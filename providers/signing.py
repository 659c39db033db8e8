"""Whether a consent can be asked for as somebody wants it, before a browser is sent anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pgsluice.providers.base import Client
from pgsluice.providers.consent import Consent, Signin
from pgsluice.providers.errors import Malformed
from pgsluice.providers.protocol import Provider

_TRIAL: Final = "trial"


def chosen(provider: Provider, kind: str | None) -> tuple[str, Consent]:
    """The kind of credential, the only one where none was named. Raises Malformed."""
    consents = provider.consents
    if kind is None and len(consents) == 1:
        kind = next(iter(consents))
    if kind is None or kind not in consents:
        words = "has no credential that a person's consent brings" if not consents else f"has, by consent: {', '.join(consents)}"
        raise Malformed(f"{provider.name} {words}", hint="name one of them as credential_kind" if consents else None)
    return kind, consents[kind]


def checked(
    provider: Provider,
    kind: str,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: Sequence[str] = (),
    values: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> None:
    """Raises Malformed for values that are missing or cannot be."""
    consent, given = provider.consents[kind], values or {}
    missing = [f"{value.name} ({value.description})" for value in consent.values if value.name not in given and not value.optional]
    if missing:
        raise Malformed(f"{provider.name} has to know more before it can ask: {', '.join(missing)}", hint="give it with the request")
    known = {value.name for value in consent.values}
    if unknown := [name for name in given if name not in known]:
        raise Malformed(f"{provider.name} knows nothing of {', '.join(unknown)}", hint=f"it asks for: {', '.join(known) or 'nothing'}")
    verifier = _TRIAL * 10 if consent.pkce else None
    client = Client(client_id, "")
    provider.authorize(Signin(kind, client, redirect_uri, _TRIAL, tuple(scopes) or consent.scopes, given, verifier, base_url))
