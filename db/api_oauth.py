"""What the HTTP API asks of the database about OAuth apps and consents: see `api`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

from pgsluice.db.serving import OPEN, Ask
from pgsluice.db.shapes import page, time

# ---------------------------------------------------------------- OAuth apps

_APP: Final[LiteralString] = f"""json_build_object(
    'id', x.oauth_app_id,
    'provider', x.provider,
    'client_id', x.client_id,
    'client_secret', '********',
    'name', x.name,
    'base_url', x.base_url,
    'scopes', x.scopes,
    'redirect_urls', x.redirect_urls,
    'redirect_uri', %(redirect_uri)s::text,
    'metadata', x.metadata,
    'created_at', {time("x.created_at")},
    'updated_at', {time("x.updated_at")}
)"""


def oauth_app_put(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_APP}::text
        from sluice_internal._oauth_app_put(
            %(id)s, %(provider)s, %(client_id)s, %(sealed)s, %(key_version)s, %(name)s, %(base_url)s, %(scopes)s::text[],
            %(redirect_urls)s::text[], coalesce(%(metadata)s::jsonb, '{{}}')
        ) as x"""
    return Ask("manage", statement, values)


def oauth_app_secret(values: Mapping[str, Any]) -> Ask:
    return Ask("manage", "select 'null' from sluice_internal._oauth_app_secret(%(id)s, %(sealed)s, %(key_version)s) as d", values)


def oauth_app_update(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select {_APP}::text
        from sluice.oauth_app_update(
            %(id)s, %(client_id)s, %(name)s, %(base_url)s, %(scopes)s::text[], %(redirect_urls)s::text[], %(metadata)s::jsonb
        ) as x"""
    return Ask("manage", statement, values)


def oauth_app_info(values: Mapping[str, Any]) -> Ask:
    return Ask("read", f"select {_APP}::text from sluice.oauth_apps as x where x.oauth_app_id = %(id)s", values)


def oauth_app_delete(oauth_app_id: str) -> Ask:
    return Ask("manage", "select 'null' from sluice.oauth_app_delete(%s) as d", (oauth_app_id,))


def oauth_apps(values: Mapping[str, Any]) -> Ask:
    condition: LiteralString = "and (%(provider)s::text is null or x.provider = %(provider)s)"
    return Ask("read", page("sluice.oauth_apps", "oauth_app_id", _APP, condition), values)


# ---------------------------------------------------------------- consents


def signin_open(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = f"""
        select json_build_object('start_token', x.start_token, 'expires_at', {time("x.expires_at")})::text
        from sluice_internal._signin_open(
            %(oauth_app_id)s, %(kind)s, %(redirect_url)s, %(state)s, %(scopes)s::text[], %(values)s::jsonb, %(name)s, %(metadata)s::jsonb
        ) as x"""
    return Ask("manage", statement, values)


def signin_begin(values: Mapping[str, Any]) -> Ask:
    statement: LiteralString = """
        select to_json(x)::text
        from sluice_internal._signin_begin(
            %(start_token)s, %(state_digest)s, %(browser_digest)s, %(redirect_uri)s, %(verifier)s, %(key_version)s
        ) as x"""
    return Ask(OPEN, statement, values)


def signin_answer(values: Mapping[str, Any]) -> Ask:
    """The id of the consent."""
    statement: LiteralString = """
        select to_json(sluice_internal._signin_answer(
            %(state_digest)s, %(browser_digest)s, %(answer)s, %(key_version)s, %(refusal)s::jsonb
        ))::text"""
    return Ask(OPEN, statement, values)


def signin_result(signin_id: str) -> Ask:
    return Ask(OPEN, "select to_json(x)::text from sluice_internal._signin_result(%s) as x", (signin_id,))
