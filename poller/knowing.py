"""What a poller knows of the providers that users describe: it asks the database anew whenever it takes work of theirs up."""

from __future__ import annotations

from collections.abc import Iterable

from pgsluice.db import leases
from pgsluice.db.statements import Database
from pgsluice.providers import registry


async def know(conn: Database, providers: Iterable[str]) -> None:
    """From here on `registry.get` answers what the database has under these names now; what comes with the release costs nothing."""
    for name in {name for name in providers if not registry.is_built_in(name)}:
        registry.learn(name, await leases.provider_document(conn, name))
