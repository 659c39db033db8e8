"""Where the database and the master key of this installation are: an external database by URL, or the embedded one in a data folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self, TypeVar

from psycopg.conninfo import make_conninfo

from pgsluice.db import embedded, secrets
from pgsluice.db.client import Client
from pgsluice.db.errors import SluiceError
from pgsluice.db.migrate import SERVER_LOGIN, Report, migrate

T = TypeVar("T")


def _quiet(_step: str) -> None:
    """Progress that nobody asked for."""


@dataclass
class Installation:
    """What the settings name. Nothing is opened or started before it is asked for. `say` is told what takes more than a moment."""

    database_url: str | None = None
    data_dir: Path | None = None
    master_key: str | None = None
    master_key_file: Path | None = None
    master_key_previous: str | None = None
    allow_private_addresses: bool = False
    address: str = "127.0.0.1:7420"
    public_url: str | None = None
    say: Callable[[str], None] = _quiet

    @property
    def folder(self) -> Path:
        return self.data_dir or embedded.default_data_dir()

    @cached_property
    def server(self) -> embedded.Server | None:
        """The hold on the embedded server, started or joined; None with a database URL. SL404, SL408."""
        if self.database_url:
            return None
        if not (self.folder / "postgres").exists():
            self.say(f"making an embedded Postgres in {self.folder}")
        return embedded.start(self.folder)

    @cached_property
    def conninfo(self) -> str:
        """The connection string. An embedded database is migrated first, which takes no time once it is; a user's own never by itself."""
        if self.server is None:
            assert self.database_url is not None
            return self.database_url
        self.migrate()
        return self.server.conninfo

    @property
    def server_conninfo(self) -> str:
        """For the HTTP server: on the embedded database a login that owns nothing; elsewhere the login of the URL."""
        if self.server is None:
            return self.conninfo
        return make_conninfo(self.conninfo, user=SERVER_LOGIN)

    def migrate(self) -> Report:
        """Brings the database to this release. SL405."""
        conninfo = self.server.conninfo if self.server else str(self.database_url)
        embedded_ = self.server is not None
        return migrate(conninfo, set_search_path=embedded_, server_login=embedded_, on_progress=self.say)

    @cached_property
    def key(self) -> secrets.MasterKey | None:
        """The master key that was given; else, beside an embedded database, the one in its key file, made on first use. SL301, SL406."""
        if self.master_key or self.master_key_file:
            return secrets.load_key(self.master_key, self.master_key_file, self.master_key_previous)
        return secrets.make_key_file(self.server.data_dir / "master.key") if self.server else None

    def client(self, *, raw_json: bool = False, sealing: bool = False) -> Client:
        """A client on a connection of its own; `sealing` gives it the master key."""
        key = self.key if sealing else None
        return Client.connect(self.conninfo, master_key=key, raw_json=raw_json, commits_at_once=True)

    def lasting(self, *, raw_json: bool = False) -> Lasting:
        """A client for what looks again and again."""
        return Lasting(self, raw_json=raw_json)

    def close(self) -> None:
        """Lets go of the embedded server."""
        if "server" in self.__dict__ and self.server is not None:
            self.server.close()


class Lasting:
    """A client for what goes on until Ctrl-C: once it has looked, it waits for a database that goes away."""

    def __init__(self, installation: Installation, *, raw_json: bool) -> None:
        self._installation = installation
        self._raw_json = raw_json
        self._client: Client | None = None
        self._has_looked = False

    def look(self, look: Callable[[Client], T]) -> T | None:
        """What `look` finds; None while the database is away. SL401 at the first look."""
        try:
            if self._client is None:
                self._client = self._installation.client(raw_json=self._raw_json)
            found = look(self._client)
        except SluiceError as exc:
            if exc.code != "SL401" or not self._has_looked:
                raise
            self.close()
            return None
        self._has_looked = True
        return found

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
