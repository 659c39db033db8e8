"""Where the demo keeps its things, and how its narrator speaks.

The demo's data folder is `demo/` inside the usual one, so that it can be made anew each time and never touches an installation of yours.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from pgsluice.db import embedded
from pgsluice.db.embedded_folder import open_folder
from pgsluice.db.errors import SluiceError, make
from pgsluice.installation import Installation

out = Console(highlight=False, soft_wrap=True)


def folder() -> Path:
    return Path(os.environ.get("PGSLUICE_DATA_DIR") or embedded.default_data_dir()).absolute() / "demo"


def vendor_folder() -> Path:
    return folder() / "vendor"


def installation() -> Installation:
    """Loopback addresses are allowed here: the vendor of the demo is at one."""
    return Installation(data_dir=folder(), allow_private_addresses=True)


def clear() -> None:
    """Removes an earlier demo, and begins a new one. A folder that the demo did not make is never touched."""
    place = folder()
    if place.exists():
        if not (place / "demo.json").exists():
            raise _refusal(f"{place} is there, and the demo did not make it", "move it away, or set PGSLUICE_DATA_DIR")
        if not embedded.wait_until_stopped(place, timeout_s=5):
            raise _refusal(f"the demo in {place} is running: make up?", "end that first, with Ctrl-C")
        shutil.rmtree(place)
    open_folder(place)
    note({})


def _refusal(message: str, hint: str) -> SluiceError:
    return make(message, code="SL402", hint=hint)


def note(facts: dict[str, Any]) -> None:
    (folder() / "demo.json").write_text(json.dumps(facts), encoding="utf-8")


def noted() -> dict[str, Any]:
    """What `note` wrote; empty if there was no demo, or it did not come to its end."""
    try:
        found: dict[str, Any] = json.loads((folder() / "demo.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def command() -> str:
    """`pgsluice` for the demo's folder, as typed from here."""
    program = Path(sys.executable).with_name("pgsluice")
    if program.is_relative_to(Path.cwd()):
        program = program.relative_to(Path.cwd())
    return f"{shlex.quote(str(program))} --data-dir {shlex.quote(str(folder()))}"


def psql(server: embedded.Server) -> str:
    return f"{shlex.quote(str(server.bin_dir / 'psql'))} {shlex.quote(server.conninfo)}"


def to_try(server: embedded.Server) -> list[str]:
    """Lines for another terminal, all of which work as they stand."""
    pgsluice = command()
    return [
        f"{psql(server)} -c \"select upstream_id, data->>'name' as name from records where collection_id = 'stripe:customer' limit 5\"",
        f"{pgsluice} sync list",
        f"{pgsluice} record list --collection stripe:subscription --limit 3",
        f"{pgsluice} consumer create audit --stream dev",
        f"{pgsluice} consumer next audit --batch-size 3",
        f"{pgsluice} consumer info audit",
        f"{pgsluice} sql -c \"select * from consumer_next('audit', 2)\"",
    ]
