"""How a poller works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Times in seconds."""

    workers: int = 64  # syncs at once; bounded for their memory, not for connections
    poll_interval: float = 5.0
    database_patience: float = 60.0
    allow_private_addresses: bool = False
    public_url: str | None = None  # where vendors reach the HTTP server, without a slash at the end
