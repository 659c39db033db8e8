"""The one error shape of pgsluice: a registered code, a message, details and a hint.

The register is `sql/errors.sql`; `NAMES` below repeats its name and HTTP status, and a house test compares the two. Nobody decides anything
by reading a message: callers look at `code`, or catch one of the subclasses.
"""

from __future__ import annotations

import re
from typing import Any, Final

import psycopg

# code -> (name, HTTP status), as in sql/errors.sql.
NAMES: Final[dict[str, tuple[str, int]]] = {
    "SL001": ("invalid_argument", 422),
    "SL002": ("not_authorized", 403),
    "SL003": ("isolation_level", 422),
    "SL004": ("not_supported", 422),
    "SL005": ("malformed_request", 400),
    "SL101": ("unknown_stream", 404),
    "SL102": ("unknown_sync", 404),
    "SL103": ("unknown_consumer", 404),
    "SL104": ("unknown_credential", 404),
    "SL105": ("unknown_provider", 422),
    "SL106": ("unknown_collection", 422),
    "SL107": ("unknown_token", 404),
    "SL108": ("unknown_mutation", 404),
    "SL109": ("unknown_route", 404),
    "SL110": ("id_taken", 409),
    "SL111": ("in_use", 409),
    "SL112": ("idempotency_conflict", 409),
    "SL113": ("method_not_allowed", 405),
    "SL114": ("too_large", 413),
    "SL120": ("stale_token", 409),
    "SL130": ("lease_lost", 409),
    "SL140": ("unauthenticated", 401),
    "SL141": ("too_busy", 503),
    "SL150": ("provider_document_invalid", 422),
    "SL165": ("sync_deleting", 409),
    "SL166": ("sync_busy", 409),
    "SL167": ("unknown_quarantine", 404),
    "SL170": ("unknown_view", 404),
    "SL171": ("view_changed", 409),
    "SL172": ("column_not_writable", 422),
    "SL173": ("collection_not_there", 404),
    "SL175": ("unknown_oauth_app", 404),
    "SL176": ("redirect_not_allowed", 422),
    "SL177": ("signin_void", 400),
    "SL178": ("signin_denied", 403),
    "SL179": ("credential_changed", 409),
    "SL180": ("no_webhooks", 422),
    "SL181": ("webhook_gone", 410),
    "SL182": ("no_public_url", 422),
    "SL201": ("vendor_unauthorized", 502),
    "SL202": ("vendor_forbidden", 502),
    "SL203": ("vendor_refused", 502),
    "SL204": ("vendor_unreadable", 502),
    "SL205": ("vendor_unavailable", 502),
    "SL206": ("vendor_rate_limited", 502),
    "SL207": ("vendor_list_broken", 502),
    "SL208": ("credential_malformed", 422),
    "SL209": ("address_refused", 422),
    "SL210": ("signature_refused", 401),
    "SL301": ("master_key_missing", 500),
    "SL302": ("secret_unreadable", 500),
    "SL401": ("database_unavailable", 503),
    "SL402": ("already_running", 409),
    "SL403": ("port_in_use", 409),
    "SL404": ("data_folder_not_ours", 403),
    "SL405": ("migration_failed", 500),
    "SL406": ("settings_invalid", 422),
    "SL407": ("database_not_migrated", 503),
    "SL408": ("embedded_failed", 500),
}


class SluiceError(Exception):
    """Something pgsluice refuses or could not do, in the one shape {code, message, details, hint}."""

    def __init__(self, message: str, *, code: str, details: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint

    @property
    def name(self) -> str:
        """The registered name of the code (`unknown_stream`), or `internal_error` for a SQLSTATE that is not ours."""
        return NAMES.get(self.code, ("internal_error", 500))[0]

    @property
    def http_status(self) -> int:
        return NAMES.get(self.code, ("internal_error", 500))[1]

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "details": self.details, "hint": self.hint}

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only arguments do not survive pickling (process pools, pytest-xdist) by themselves.
        return (_rebuild, (type(self), self.message, self.code, self.details, self.hint))


def _rebuild(cls: type[SluiceError], message: str, code: str, details: str | None, hint: str | None) -> SluiceError:
    return cls(message, code=code, details=details, hint=hint)


class InvalidArgument(SluiceError):
    """An argument is malformed, out of range, or not supported (SL001, SL003 to SL004, SL105, SL106, SL172, SL176, SL180, SL182)."""


class NotAuthorized(SluiceError):
    """The role behind this connection lacks the right (SL002)."""


class NotFound(SluiceError):
    """No object of that id, as far as this caller may know (SL101 to SL104, SL107 to SL109, SL167, SL170, SL173, SL175, SL181)."""


class Conflict(SluiceError):
    """The id is taken, or the object is still in use (SL110 to SL112, SL165, SL166, SL171, SL179)."""


class StaleToken(SluiceError):
    """A strict ack named a token that no longer stands for a delivery (SL120)."""


class LeaseLost(SluiceError):
    """The sync belongs to another poller by now: drop what was read (SL130)."""


class MasterKeyMissing(SluiceError):
    """A credential must be sealed or opened, and there is no master key (SL301)."""


class SecretUnreadable(SluiceError):
    """A sealed secret does not open with this master key, or not under this id (SL302)."""


class DatabaseUnavailable(SluiceError):
    """The database is down, restarting, unreachable or went away (SL401): try again later."""


class AlreadyRunning(SluiceError):
    """Another process does this work already (SL402)."""


class MigrationFailed(SluiceError):
    """`pgsluice migrate` refused or could not finish; nothing was changed (SL405)."""


class SettingsInvalid(SluiceError):
    """A setting is malformed, or the database refuses the login that the settings give (SL406)."""


class NotMigrated(SluiceError):
    """The database lacks the schema this version needs (SL407): run `pgsluice migrate`."""


_CLASSES: Final[dict[str, type[SluiceError]]] = {
    **dict.fromkeys(("SL001", "SL003", "SL004", "SL105", "SL106", "SL172", "SL176", "SL180", "SL182"), InvalidArgument),
    "SL002": NotAuthorized,
    **dict.fromkeys(("SL101", "SL102", "SL103", "SL104", "SL107", "SL108", "SL109", "SL167", "SL170", "SL173", "SL175", "SL181"), NotFound),
    **dict.fromkeys(("SL110", "SL111", "SL112", "SL165", "SL166", "SL171", "SL179"), Conflict),
    "SL120": StaleToken,
    "SL130": LeaseLost,
    "SL301": MasterKeyMissing,
    "SL302": SecretUnreadable,
    "SL401": DatabaseUnavailable,
    "SL402": AlreadyRunning,
    "SL405": MigrationFailed,
    "SL406": SettingsInvalid,
    "SL407": NotMigrated,
}

# What the server says of itself when it cannot take the call at all. 53300: too many connections; 57P0x: shutdown, crash, starting up.
_AWAY: Final = frozenset({"53300", "57P01", "57P02", "57P03", "57P04", "57P05", "25006"})
_MISSING: Final = frozenset({"3F000", "42P01", "42883", "42703"})
# libpq keeps no SQLSTATE for a refused connection, so its words are all there is. A translated message falls back to SL401.
_REFUSED: Final = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication failed|"
    r'(?:role|database|user) "[^"]*" does not exist|permission denied for database|is not permitted to log in'
)


def make(message: str, *, code: str, details: str | None = None, hint: str | None = None) -> SluiceError:
    """An error of the class that `code` stands for."""
    return _CLASSES.get(code, SluiceError)(message, code=code, details=details, hint=hint)


def from_database(exc: psycopg.Error) -> SluiceError:
    """`exc` in the one shape. Never holds a traceback, a statement, or the connection string.

    Our own SQLSTATEs pass through. A lost or refused connection is SL401, a refused login SL406, a missing object of ours SL407, a value
    that Postgres cannot read SL001, a missing right SL002. Anything else keeps the SQLSTATE of PostgreSQL as its code.
    """
    state = exc.sqlstate
    if state is None:
        return _from_client(exc)
    diag = exc.diag
    message = diag.message_primary or str(exc) or "the database gave no message"
    details, hint = diag.message_detail, diag.message_hint
    if state.startswith("SL"):
        return make(message, code=state, details=details, hint=hint)
    if state.startswith("08") or state in _AWAY:
        return _away(message, details)
    if state in _MISSING and "sluice" in message:
        return make(message, code="SL407", details=details, hint="run: pgsluice migrate")
    if state.startswith("22"):
        return make(message, code="SL001", details=details, hint=hint)
    if state == "42501":
        return make(message, code="SL002", details=details, hint=hint or "ask an administrator to grant you one of the sluice_ roles")
    if state.startswith("28") or state == "3D000":
        return _refused(message, details)
    return make(message, code=state, details=details, hint=hint)


def _from_client(exc: psycopg.Error) -> SluiceError:
    """The error of a psycopg exception that never came from a server: refused, lost, or refused by psycopg itself."""
    # The first line only: the rest repeats the attempt per address. Passwords are no part of libpq's words.
    words = str(exc).strip().splitlines()
    first = words[0] if words else "connection failed"
    if isinstance(exc, psycopg.OperationalError | psycopg.InterfaceError):
        text = " ".join(words)
        return _refused(first, None) if _REFUSED.search(text) else _away(first, None)
    if isinstance(exc, psycopg.DataError):
        return make(first, code="SL001")
    return make(first, code="XX000")


def _away(message: str, details: str | None) -> SluiceError:
    return make(message, code="SL401", details=details, hint="check that the database runs and can be reached, then try again")


def _refused(message: str, details: str | None) -> SluiceError:
    return make(message, code="SL406", details=details, hint="check the user, password and database name in PGSLUICE_DATABASE_URL")
