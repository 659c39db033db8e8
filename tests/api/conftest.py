"""The server under test; `serving` has what the tests import."""

from __future__ import annotations

from api.serving import filled, http, running, still, still_http

__all__ = ["filled", "http", "running", "still", "still_http"]
