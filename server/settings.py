"""How the HTTP server works."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgsluice.db.errors import make
from pgsluice.db.secrets import MasterKey


@dataclass(frozen=True)
class Settings:
    """Times in seconds, sizes in bytes. Port 0: any that is free."""

    conninfo: str = field(repr=False)
    master_key: MasterKey | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 7420
    bootstrap_token: str | None = field(default=None, repr=False)
    public_url: str | None = None  # where vendors and browsers reach it, without a slash at the end; None: only as they call it
    max_body: int = 8 * 1024 * 1024
    connections: int = 10
    statement_timeout: float = 30.0

    def key_to_seal(self, what: str = "") -> MasterKey:
        """The master key, as it is now, to seal `what` (words) with. SL301 without one."""
        if self.master_key is None:
            hint = "set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE for the server"
            raise make(f"the server has no master key to seal {what + ' ' if what else ''}with", code="SL301", hint=hint)
        return self.master_key.newest()
