"""Signing in at a declared vendor: the authorization code grant by the document's words, with PKCE, and what the vendor's answer holds."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from pgsluice.providers import replies, rest_auth, rest_errors, rest_paths
from pgsluice.providers.base import Request, Response, SecretField
from pgsluice.providers.consent import Consent, Granted, Signin
from pgsluice.providers.errors import Malformed, Refused4xx
from pgsluice.providers.rest_access import Auth
from pgsluice.providers.rest_access import Consent as Spec
from pgsluice.providers.rest_document import Document
from pgsluice.providers.rest_template import Value, filled, parameters


def consents(document: Document) -> Mapping[str, Consent]:
    """The kinds of credential that a person's consent brings."""
    return {
        rest_auth.kind_of(document, suffix): Consent(
            auth.consent.scopes,
            auth.consent.pkce,
            tuple(SecretField(name, auth.fields[name].description) for name in auth.consent.values),
        )
        for suffix, auth in document.auth.items()
        if auth.consent is not None
    }


def authorize(document: Document, signin: Signin) -> str:
    """The page to send the person to. Raises Malformed."""
    auth, spec = _specs(document, signin)
    given = _values(auth, spec, signin)
    pairs = [
        ("response_type", "code"),
        ("client_id", signin.client.client_id),
        ("redirect_uri", signin.redirect_uri),
        ("state", signin.state),
    ]
    scopes = signin.scopes or spec.scopes
    if scopes:
        pairs.append(("scope", spec.separator.join(scopes)))
    if spec.pkce and signin.verifier is not None:
        challenge = urlsafe_b64encode(sha256(signin.verifier.encode()).digest()).rstrip(b"=").decode()
        pairs += [("code_challenge", challenge), ("code_challenge_method", "S256")]
    more = parameters(spec.params, given)
    known = {name for name, _ in more}
    page = rest_auth.token_address(spec.authorize, signin.base_url, given)
    return f"{page}?{urlencode([*(pair for pair in pairs if pair[0] not in known), *more])}"


def exchange(document: Document, signin: Signin, answer: Mapping[str, str]) -> Request:
    """The request that turns the code into tokens. Raises Refused4xx where the person, or the vendor, said no."""
    auth, spec = _specs(document, signin)
    name = document.title or document.name
    if "error" in answer or not answer.get("code"):
        said = replies.plain(str(answer.get("error_description") or answer.get("error") or "it sent no code"), 200)
        raise Refused4xx(f"{name} did not grant access: {said}", hint="begin the sign-in once more")
    fields = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": signin.redirect_uri}
    if spec.pkce and signin.verifier is not None:
        fields["code_verifier"] = signin.verifier
    given = _values(auth, spec, signin)
    address = rest_auth.token_address(spec.token, signin.base_url, given)
    return rest_auth.token_request(spec, address, fields, given)


def read_exchanged(document: Document, signin: Signin, response: Response) -> Granted:
    """What the answer to `exchange` holds. Raises ProviderError."""
    auth, spec = _specs(document, signin)
    name = document.title or document.name
    answer = rest_auth.token_answer(response)
    if response.status in {400, 401, 403} or (response.status == 200 and "error" in answer and "access_token" not in answer):
        word = replies.plain(str(answer.get("error_description") or answer.get("error") or f"status {response.status}"), 200)
        raise Refused4xx(
            f"{name} took the code no more: {word}", hint="a code can be used once, and for minutes only: begin the sign-in once more"
        )
    if response.status // 100 != 2:
        raise rest_errors.error(document, response, "rate_limited" if response.status == 429 else "retry")
    secret = {**{field: signin.values[field] for field in spec.values}, **_kept(auth, spec, answer, response)}
    missing = [field for field, words in auth.fields.items() if not words.optional and field not in secret]
    if missing:
        raise replies.unreadable(response, name, f"it has no {' and no '.join(missing)}")
    if "{" in spec.account:
        account = filled(spec.account, _values(auth, spec, signin))
    else:
        account = rest_paths.text(rest_paths.at(response.body, spec.account)) if spec.account else None
    scope = answer.get("scope")
    return Granted(
        secret,
        account,
        rest_auth.learnt_address(spec.base_url, answer) or signin.base_url,
        rest_auth.seconds(answer.get("expires_in")),
        tuple(scope.replace(",", " ").split()) if isinstance(scope, str) else (),
    )


def _kept(auth: Auth, spec: Spec, answer: Mapping[str, Any], response: Response) -> dict[str, str]:
    found = {name: answer[name] for name in ("access_token", "refresh_token") if isinstance(answer.get(name), str) and answer[name]}
    for name, place in spec.keep.items():
        if (value := rest_paths.text(rest_paths.at(response.body, place))) is not None:
            found[name] = value
    return {name: value for name, value in found.items() if name in auth.fields}


def _specs(document: Document, signin: Signin) -> tuple[Auth, Spec]:
    auth = rest_auth.auth_of(document, signin.kind)
    if auth.consent is None:
        raise Malformed(f"a credential of kind {signin.kind} is not obtained by signing in")
    return auth, auth.consent


def _values(auth: Auth, spec: Spec, signin: Signin) -> dict[str, Value]:
    """What the placeholders stand for. Raises Malformed."""
    known = {name: signin.values.get(name, "") for name in spec.values}
    rest_auth.check_fields({name: auth.fields[name] for name in spec.values}, known, set(spec.values))
    found: dict[str, Value] = {f"credential.{name}": value for name, value in known.items()}
    return found | {"client.id": signin.client.client_id, "client.secret": signin.client.client_secret}


def read_identified(document: Document, response: Response) -> str:
    """The account that the answer to `identify` names. Raises ProviderError."""
    assert document.identify is not None
    rest_errors.verdict(document, response, graphql=document.identify.graphql is not None)
    found = rest_paths.text(rest_paths.at(response.body, document.identify.record))
    if found is None:
        raise replies.unreadable(response, document.title or document.name, f"there is no {document.identify.record!r} in it")
    return found
