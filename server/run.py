"""The HTTP server as something that is started and stopped in a running event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn

from pgsluice.db.errors import make
from pgsluice.server.app import App
from pgsluice.server.auth import SHORTEST
from pgsluice.server.settings import Settings

__all__ = ["Server", "Settings"]

# Seconds that running requests have once the server is told to stop; those that only wait are answered at once.
GRACE: Final = 5


class Server:
    """`start` takes the port, `serve` answers until `stop`."""

    def __init__(self, settings: Settings) -> None:
        """SL406 for a bootstrap token that could be guessed."""
        if settings.bootstrap_token is not None and len(settings.bootstrap_token) < SHORTEST:
            raise make(
                f"the bootstrap token has fewer than {SHORTEST} characters",
                code="SL406",
                hint='make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
            )
        self.settings = settings
        self.app = App(settings)
        self._socket: socket.socket | None = None
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=75,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._server = _Quiet(config)

    @property
    def address(self) -> str:
        """host:port as it is listened on."""
        host, port = self._socket.getsockname()[:2] if self._socket else (self.settings.host, self.settings.port)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Takes the port. SL403 if somebody has it, SL406 for an address that is not this machine's."""
        place = f"{self.settings.host}:{self.settings.port}"
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(self.settings.host, self.settings.port, type=socket.SOCK_STREAM)[0]
            taken = socket.socket(family, kind, protocol)
        except OSError as exc:
            raise make(f"cannot listen on {place}", code="SL406", details=str(exc), hint="choose an address with --listen") from None
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(address)
            taken.listen(1024)
        except OSError as exc:
            taken.close()
            hint = "end that program, or choose another address with --listen"
            raise make(f"{place} cannot be listened on", code="SL403", details=exc.strerror, hint=hint) from None
        taken.setblocking(False)
        self._socket = taken

    async def serve(self) -> None:
        """Answers requests until `stop`."""
        if self._socket is None:
            await self.start()
        assert self._socket is not None
        await self.app.store.open()
        listening = asyncio.create_task(self.app.hub.run())
        try:
            await self._server.serve([self._socket])
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await self.app.store.close()
            self._socket.close()

    def stop(self) -> None:
        """Takes no more requests; those that wait are answered, the others have GRACE seconds."""
        self.app.stopping.set()
        self._server.should_exit = True


class _Quiet(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
