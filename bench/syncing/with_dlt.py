"""The same with dlt: a resource that yields pages, merged by primary key into tables of its own making."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from pgsluice.bench.syncing.said import say


def main(folder: str, conninfo: str, url: str, key: str, *paths: str) -> None:
    sys.path.append(folder)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    import dlt  # noqa: PLC0415  # after the path is set
    from dlt.sources.helpers import requests  # noqa: PLC0415

    session = requests.Client().session
    session.headers["Authorization"] = f"Bearer {key}"

    def pages(path: str) -> Iterator[list[dict[str, Any]]]:
        params = {"limit": "100"}
        more = True
        while more:
            page = session.get(f"{url}/v1/{path}", params=params).json()
            yield page["data"]
            more = page["has_more"]
            if more:
                params["starting_after"] = page["data"][-1]["id"]

    words = conninfo_to_dict(conninfo)
    # It insists on a host and a port; libpq takes the socket's folder from the query.
    address = f"postgresql://{words['user']}:none@localhost:{words['port']}/{words['dbname']}?host={quote(str(words['host']), safe='')}"
    with tempfile.TemporaryDirectory() as scratch:
        pipeline = dlt.pipeline("bench", pipelines_dir=scratch, destination=dlt.destinations.postgres(address), dataset_name="bench")
        begun = time.monotonic()
        pipeline.run([dlt.resource(pages(path), name=path, write_disposition="merge", primary_key="id") for path in paths])
        say(time.monotonic() - begun)


if __name__ == "__main__":
    main(*sys.argv[1:])
