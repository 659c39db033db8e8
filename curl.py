"""`--as-curl`: the HTTP request that does what a command does."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from pgsluice.db import rows
from pgsluice.db.calls import given


class Route(NamedTuple):
    """A method and path, and which arguments go into its body under another name. What stands in the path is not repeated."""

    method: str
    path: str
    renamed: Mapping[str, str] = {}
    fixed: Mapping[str, Any] = {}


_CONSUMER: Final = "/v1/http-consumers/{consumer_id}"
# What takes a function or reads a view in SQL -> its route.
ROUTES: Final[Mapping[str, Route]] = {
    "stream_create": Route("POST", "/v1/streams", {"stream_id": "id"}),
    "stream_info": Route("GET", "/v1/streams/{stream_id}"),
    "stream_delete": Route("DELETE", "/v1/streams/{stream_id}"),
    "streams": Route("GET", "/v1/streams"),
    "providers": Route("GET", "/v1/providers"),
    "provider_collections": Route("GET", "/v1/providers"),
    "provider_info": Route("GET", "/v1/providers/{provider}"),
    "provider_delete": Route("DELETE", "/v1/providers/{provider}"),
    "provider_create": Route("POST", "/v1/providers"),
    "credential_create": Route("POST", "/v1/credentials", {"credential_id": "id"}),
    "credential_info": Route("GET", "/v1/credentials/{credential_id}"),
    "credential_delete": Route("DELETE", "/v1/credentials/{credential_id}"),
    "credentials": Route("GET", "/v1/credentials"),
    "oauth_app_create": Route("POST", "/v1/oauth-apps", {"oauth_app_id": "id"}),
    "oauth_app_update": Route("PATCH", "/v1/oauth-apps/{oauth_app_id}"),
    "oauth_app_info": Route("GET", "/v1/oauth-apps/{oauth_app_id}"),
    "oauth_app_delete": Route("DELETE", "/v1/oauth-apps/{oauth_app_id}"),
    "oauth_apps": Route("GET", "/v1/oauth-apps"),
    "credential_start_auth": Route("POST", "/v1/credentials/start-auth", {"kind": "credential_kind"}),
    "sync_create": Route("POST", "/v1/syncs", {"sync_id": "id"}),
    "sync_info": Route("GET", "/v1/syncs/{sync_id}"),
    "sync_pause": Route("PATCH", "/v1/syncs/{sync_id}", fixed={"status": "disabled"}),
    "sync_resume": Route("PATCH", "/v1/syncs/{sync_id}", fixed={"status": "active"}),
    "sync_update": Route("PATCH", "/v1/syncs/{sync_id}"),
    "sync_restart": Route("POST", "/v1/syncs/{sync_id}/restart"),
    "sync_move": Route("POST", "/v1/syncs/{sync_id}/move"),
    "sync_delete": Route("DELETE", "/v1/syncs/{sync_id}"),
    "sync_webhook_info": Route("GET", "/v1/syncs/{sync_id}/webhook"),
    "sync_webhook_set": Route("PUT", "/v1/syncs/{sync_id}/webhook"),
    "sync_webhook_subscribe": Route("POST", "/v1/syncs/{sync_id}/webhook/subscribe"),
    "sync_webhook_delete": Route("DELETE", "/v1/syncs/{sync_id}/webhook"),
    "sync_tidy": Route("POST", "/v1/syncs/{sync_id}/tidy"),
    "syncs": Route("GET", "/v1/syncs"),
    "collections": Route("GET", "/v1/syncs/{sync_id}"),
    "stream_prune": Route("POST", "/v1/streams/{stream_id}/prune"),
    "record_erase": Route("POST", "/v1/records/erase"),
    "quarantine": Route("GET", "/v1/quarantine"),
    "quarantine_info": Route("GET", "/v1/quarantine/{quarantine_id}"),
    "quarantine_retry": Route("POST", "/v1/quarantine/retry"),
    "quarantine_purge": Route("POST", "/v1/quarantine/purge"),
    "notices": Route("GET", "/v1/notices"),
    "records": Route("GET", "/v1/records", {"after_idx": "after_cursor"}),
    "consumer_create": Route("POST", "/v1/http-consumers", {"consumer_id": "id"}),
    "consumer_info": Route("GET", _CONSUMER),
    "consumer_update": Route("PATCH", _CONSUMER),
    "consumer_delete": Route("DELETE", _CONSUMER),
    "consumers": Route("GET", "/v1/http-consumers"),
    "consumer_details": Route("GET", "/v1/http-consumers"),
    "consumer_next": Route("POST", f"{_CONSUMER}/next"),
    "consumer_peek": Route("GET", f"{_CONSUMER}/peek"),
    "consumer_ack": Route("POST", f"{_CONSUMER}/ack"),
    "consumer_nack": Route("POST", f"{_CONSUMER}/nack"),
    "consumer_extend": Route("POST", f"{_CONSUMER}/extend"),
    "consumer_term": Route("POST", f"{_CONSUMER}/term"),
    "consumer_seek": Route("POST", f"{_CONSUMER}/seek"),
    "consumer_pause": Route("POST", f"{_CONSUMER}/pause"),
    "consumer_resume": Route("POST", f"{_CONSUMER}/resume"),
    "dead_letters": Route("GET", f"{_CONSUMER}/dead-letters"),
    "dead_letter_retry": Route("POST", f"{_CONSUMER}/dead-letters/retry"),
    "dead_letter_purge": Route("POST", f"{_CONSUMER}/dead-letters/purge"),
    "mutation_run": Route("POST", "/v1/mutations/run"),
    "mutation_result": Route("GET", "/v1/mutations/{mutation_id}"),
    "credential_collections": Route("GET", "/v1/collections/{credential_id}"),
    "collection_info": Route("GET", "/v1/collections/{credential_id}/{collection_id}"),
    "collection_refresh": Route("POST", "/v1/collections/{credential_id}/refresh"),
    "view_create": Route("POST", "/v1/views"),
    "view_info": Route("GET", "/v1/views/{view_name}"),
    "view_delete": Route("DELETE", "/v1/views/{view_name}"),
    "views": Route("GET", "/v1/views"),
    "token_create": Route("POST", "/v1/tokens", {"token_id": "id"}),
    "token_revoke": Route("DELETE", "/v1/tokens/{token_id}"),
    "tokens": Route("GET", "/v1/tokens"),
}


def as_curl(address: str, name: str, arguments: Mapping[str, Any]) -> str:
    """A command for a shell; the token stands in PGSLUICE_TOKEN. `address`: host:port or a URL. KeyError for what has no route."""
    route = ROUTES[name]
    left = {key: value for key, value in given(arguments).items() if value is not None}
    in_path = {key: _segment(str(left.pop(key))) for key in list(left) if f"{{{key}}}" in route.path}
    url = (address if "://" in address else f"http://{address}") + route.path.format(**in_path)
    body = {route.renamed.get(key, key): _seconds(value) for key, value in left.items()} | dict(route.fixed)
    if route.method in {"GET", "DELETE"} and body:
        url += "?" + urlencode({key: _query(value) for key, value in body.items()})
    # Without it curl takes an id of dots for a way up the path, even encoded.
    literal = ["--path-as-is"] if any(value.startswith("%2E") for value in in_path.values()) else []
    words = ["curl", *literal, "-X", route.method, shlex.quote(url), "-H", '"Authorization: Bearer $PGSLUICE_TOKEN"']
    if route.method in {"POST", "PATCH", "PUT"}:
        words += ["-H", shlex.quote("Content-Type: application/json"), "-d", shlex.quote(_json(body))]
    return " ".join(words)


def _query(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return rows.encode_strict(value)
        case _:
            return value


def _segment(value: str) -> str:
    return value.replace(".", "%2E") if value in {".", ".."} else quote(value, safe="")


def _seconds(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _json(body: Mapping[str, Any]) -> str:
    """JSON with what is JSON text already (a file's content) put in as it stands, digits and all."""
    parts = [f"{json.dumps(key)}: {_text(key, value)}" for key, value in body.items()]
    return "{" + ", ".join(parts) + "}"


def _text(key: str, value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode()
    if key == "data" and isinstance(value, str):
        return value.strip()
    number = isinstance(value, float) and value.is_integer()
    return str(int(value)) if number else str(rows.encode_strict(value))
