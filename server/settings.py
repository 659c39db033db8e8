"""How the HTTP server works."""

from __future__ import annotations

from dataclasses import dataclass, field

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
