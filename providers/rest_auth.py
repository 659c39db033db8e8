"""Credentials of a declared provider: the address they open, what goes with each request, and how a token is renewed."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Container, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from pgsluice.providers import rawjson, replies, rest_errors, rest_jwt, rest_paths
from pgsluice.providers.base import Credential, Renewed, Request, Response
from pgsluice.providers.errors import Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.rest_access import Auth, Consent, Renew, SecretSpec
from pgsluice.providers.rest_document import Document
from pgsluice.providers.rest_template import Value, filled, parameters, placeholders

# What may stand in an address: nothing that ends a host's name or begins another part.
_HOST_PART: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*", re.ASCII)
_HEADER: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?", re.ASCII)
_LONGEST: Final = 8000


def kind_of(document: Document, suffix: str) -> str:
    return f"{document.name}_{suffix}"


def auth_of(document: Document, kind: str) -> Auth:
    """The document's words about credentials of that kind. Raises Malformed."""
    for suffix, auth in document.auth.items():
        if kind == kind_of(document, suffix):
            return auth
    kinds = ", ".join(kind_of(document, suffix) for suffix in document.auth) or "none"
    raise Malformed(f"{document.name} has no credential of kind {replies.plain(kind, 80)!r}", hint=f"the kinds are: {kinds}")


def check(document: Document, kind: str, secret: Mapping[str, str]) -> None:
    """Raises Malformed if this cannot be a secret of that kind. Never repeats it."""
    auth = auth_of(document, kind)
    in_address = {name.removeprefix("credential.") for name in placeholders(auth.base_url or document.base_url)}
    unknown = set(secret) - set(auth.fields)
    if unknown - {"access_token"}:
        raise Malformed(f"{kind} has no field {min(unknown)!r}", hint=f"its fields: {', '.join(auth.fields)}")
    check_fields(auth.fields, secret, in_address)


def in_addresses(document: Document, auth: Auth) -> set[str]:
    """The values of a credential that say where requests with the others go."""
    templates = [auth.base_url or document.base_url]
    if auth.renew is not None:
        templates.append(auth.renew.url)
    hosts = [template.partition("://")[2].partition("/")[0] for template in templates]
    return {name.removeprefix("credential.") for host in hosts for name in placeholders(host) if name.startswith("credential.")}


def check_fields(fields: Mapping[str, SecretSpec], secret: Mapping[str, str], in_address: Container[str]) -> None:
    """Raises Malformed for a value that cannot be. Never repeats it."""
    for name, spec in fields.items():
        value = secret.get(name, "")
        if not value and spec.optional:
            continue
        if not value or len(value) > _LONGEST:
            raise Malformed(f"{name} is missing or too long", details=f"{len(value)} characters", hint=spec.description)
        if name in in_address and not _HOST_PART.fullmatch(value):
            raise Malformed(f"{name} is no part of an address", details=f"{len(value)} characters", hint=spec.description)
        if spec.form == "pem":
            rest_jwt.check_key(value)
            continue
        if any(not character.isprintable() for character in value) or (spec.pattern and not re.fullmatch(spec.pattern, value)):
            raise Malformed(f"{name} does not look like one", details=f"{len(value)} characters", hint=spec.description)


def values(credential: Credential) -> dict[str, Value]:
    """`credential.x` for each of its values, `client.id` and `client.secret` of the OAuth app."""
    found: dict[str, Value] = {f"credential.{name}": value for name, value in credential.secret.items() if value}
    client = credential.client
    found["client.id"] = client.client_id if client else credential.secret.get("client_id", "")
    found["client.secret"] = client.client_secret if client else credential.secret.get("client_secret", "")
    return {name: value for name, value in found.items() if value}


def base_url(document: Document, credential: Credential) -> str:
    """Where the account lives, without a slash at the end. Raises Malformed."""
    if credential.base_url:
        return credential.base_url.rstrip("/")
    return _address(auth_of(document, credential.kind).base_url or document.base_url, values(credential))


def sign(document: Document, credential: Credential) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """The headers and the parameters that open the account. Raises Malformed."""
    auth = auth_of(document, credential.kind)
    given = values(credential)
    headers = {name: text for name, template in auth.headers.items() if (text := filled(template, given)) is not None}
    if auth.bearer and (token := filled(auth.bearer, given)) is not None:
        headers["Authorization"] = f"Bearer {token}"
    if auth.basic and (user := filled(auth.basic.username, given)) is not None:
        password = filled(auth.basic.password, given) or ""
        headers["Authorization"] = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
    return checked_headers(headers), parameters(auth.params, given)


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, once it is certain that no value carries a line break. Raises Malformed."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(value):
            raise Malformed(f"what goes into the header {name} has characters that a header cannot hold", hint="copy the secret again")
    return dict(headers)


def renew(document: Document, credential: Credential) -> Request | None:
    """The request for a new token; None where there is nothing to renew it with."""
    spec = auth_of(document, credential.kind).renew
    given = values(credential)
    if spec is not None and spec.grant == "jwt":
        return _signed_for(document, spec, credential)
    needed = "credential.refresh_token" if spec is not None and spec.grant == "refresh_token" else "client.id"
    if spec is None or needed not in given:
        return None
    fields: dict[str, str] = {"grant_type": spec.grant}
    if spec.grant == "refresh_token":
        fields["refresh_token"] = str(given["credential.refresh_token"])
    fields.update(parameters(spec.params, given))
    if spec.url.startswith("/"):
        return token_request(spec, base_url(document, credential) + spec.url, fields, given)
    # Where the account's address comes from the token's own answer, it says nothing of where tokens are.
    return token_request(spec, token_address(spec.url, None if spec.base_url else credential.base_url, given), fields, given)


def _signed_for(document: Document, spec: Renew, credential: Credential) -> Request:
    """The request for a token that the app itself signs. Raises Malformed."""
    given = values(credential)
    address = filled(spec.url, given, quoted) or ""
    address = base_url(document, credential) + address if address.startswith("/") else address
    own = {name: filled(text, given) or "" for name, text in {**document.headers, **spec.headers}.items()}
    headers = {"Accept": "application/json", **own, "Authorization": f"Bearer {rest_jwt.signed(credential)}"}
    return Request("POST", address, (), checked_headers(headers), None)


def token_address(template: str, own: str | None, given: Mapping[str, Value]) -> str:
    """An address of the vendor's sign-in, on the host of `own` where the account lives elsewhere. Raises Malformed."""
    if template.startswith("/"):
        return (own or "").rstrip("/") + template
    found = _address(template, given)
    if not own:
        return found
    host, parts = urlsplit(own), urlsplit(found)
    return f"{host.scheme}://{host.netloc}{parts.path}"


def token_request(spec: Renew | Consent, address: str, fields: dict[str, str], given: Mapping[str, Value]) -> Request:
    """A request for tokens, with the client's id and secret. Raises Malformed."""
    headers = {"Accept": "application/json", **{name: filled(text, given) or "" for name, text in spec.headers.items()}}
    client = {name: str(given[f"client.{name}"]) for name in ("id", "secret") if given.get(f"client.{name}")}
    if spec.client == "basic" and client:
        pair = f"{quote(client.get('id', ''), safe='')}:{quote(client.get('secret', ''), safe='')}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    else:
        fields = {**fields, **{f"client_{name}": value for name, value in client.items()}}
    as_json = spec.encoding == "json"
    headers["Content-Type"] = "application/json" if as_json else "application/x-www-form-urlencoded"
    body = msgspec.json.encode(fields) if as_json else urlencode(fields).encode()
    return Request("POST", address, (), checked_headers(headers), body)


def read_renewed(document: Document, credential: Credential, response: Response) -> Renewed:
    """The whole secret, with the new token in it; the old refresh token where the vendor sends no new one. Raises ProviderError."""
    spec = auth_of(document, credential.kind).renew
    answer = token_answer(response)
    name = document.title or document.name
    if spec is not None and spec.grant == "jwt" and response.status // 100 != 2:
        raise _no_token(document, name, response)
    if response.status in {400, 401, 403} or (response.status == 200 and "error" in answer and "access_token" not in answer):
        word = replies.plain(str(answer.get("error", f"status {response.status}")), 100)
        raise Unauthorized(
            f"{name} renews the token no more: {word}", hint=f"sign in at {name} once more; the sync then goes on where it is"
        )
    if response.status // 100 != 2:
        raise rest_errors.error(document, response, "rate_limited" if response.status == 429 else "retry")
    token = None if spec is None else rest_paths.text(rest_paths.among(_members(response), spec.token))
    if spec is None or not token:
        raise replies.unreadable(response, name, f"it has no {'access_token' if spec is None else spec.token}")
    secret = {**credential.secret, "access_token": token}
    if isinstance(answer.get("refresh_token"), str) and answer["refresh_token"]:
        secret["refresh_token"] = answer["refresh_token"]
    return Renewed(secret, _lasts(spec, answer, response), learnt_address(spec.base_url, answer))


def _lasts(spec: Renew, answer: Mapping[str, Any], response: Response) -> float | None:
    """Seconds, by the vendor's own clock where it says a time."""
    ends = rest_paths.moment(rest_paths.among(_members(response), spec.expires_at)) if spec.expires_at else None
    if ends is None:
        return seconds(answer.get("expires_in"))
    return max((ends - replies.vendor_clock(response)).total_seconds(), 0.0)


def _no_token(document: Document, name: str, response: Response) -> ProviderError:
    """The app is not known by its key, or is not installed there any more; what will pass stays what it is."""
    said = f"there is nothing to get one for (status {response.status})"
    try:
        rest_errors.verdict(document, response)
    except (RateLimited, Unavailable) as exc:
        return exc
    except ProviderError as exc:
        said = exc.message
    return Unauthorized(
        f"{name} gives the app no token: {said}",
        details=replies.described(response),
        hint="look whether the app is still installed there, its id and its private key; then store the credential again",
    )


def learnt_address(template: str, answer: Mapping[str, Any]) -> str | None:
    if not template:
        return None
    given: dict[str, Value] = {f"reply.{key}": value for key, value in answer.items() if isinstance(value, str)}
    found = filled(template, given)
    return found if found and urlsplit(found).scheme == "https" and urlsplit(found).hostname else None


def _address(template: str, given: Mapping[str, Value]) -> str:
    for name in placeholders(template):
        if not _HOST_PART.fullmatch(str(given.get(name, ""))):
            words = f"{name.removeprefix('credential.')} of the credential is no part of an address"
            raise Malformed(words, hint="store the credential anew, with that value or with a base_url")
    return (filled(template, given) or "").rstrip("/")


def _members(response: Response) -> dict[str, bytes]:
    try:
        return rawjson.object_members(response.body)
    except rawjson.NotJson:
        return {}


def token_answer(response: Response) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def seconds(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if 0 < found < 10**9 else None


def quoted(value: str) -> str:
    """A value as one step of a path. Raises Refused4xx for dots alone, which would lead elsewhere."""
    if value in {"", ".", ".."}:
        raise Refused4xx("this is no id that can stand in an address", hint="give the upstream_id of the record")
    return quote(value, safe="")
