"""The provider `push`: the caller puts records in by itself (`record_ingest`), under any collection name. Nothing is ever asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NoReturn

from pgsluice.providers.base import (
    Change,
    Collection,
    Credential,
    Cursor,
    Feed,
    Hint,
    Page,
    Request,
    Response,
    SecretField,
    Write,
    Written,
)
from pgsluice.providers.errors import Malformed, NotPolled, ProviderError
from pgsluice.providers.protocol import Plain


class Push(Plain):
    """Any collection, no feeds, no credential."""

    name: Final = "push"
    collections: Mapping[str, Collection] = {}
    free_form: Final = True
    credential_kinds: Mapping[str, tuple[SecretField, ...]] = {}
    key_window: Final = None

    def feeds(self, collection_ids: Sequence[str] | None, since: datetime | None = None) -> tuple[Feed, ...]:  # noqa: ARG002 (the protocol's)
        return ()

    def request(self, feed: Feed, cursor: Cursor | None, credential: Credential) -> Request:  # noqa: ARG002
        _nobody_to_ask()

    def read(self, feed: Feed, cursor: Cursor | None, response: Response) -> Page:  # noqa: ARG002
        _nobody_to_ask()

    def fetch(self, hint: Hint, credential: Credential) -> Request:  # noqa: ARG002
        _nobody_to_ask()

    def read_fetched(self, hint: Hint, response: Response) -> Change:  # noqa: ARG002
        _nobody_to_ask()

    def write(self, writes: Sequence[Write], credential: Credential) -> Request:  # noqa: ARG002
        _nobody_to_ask()

    def read_written(self, writes: Sequence[Write], response: Response) -> tuple[Written | ProviderError, ...]:  # noqa: ARG002
        _nobody_to_ask()

    def seal_check(self, kind: str, secret: Mapping[str, str]) -> None:  # noqa: ARG002
        raise Malformed("the provider push takes no credential", hint="create the sync without a credential")


def _nobody_to_ask() -> NoReturn:
    raise NotPolled("the provider push has no vendor to ask", hint="put records in with record_ingest")
