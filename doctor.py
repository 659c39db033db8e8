"""`pgsluice doctor`: whether everything that is needed is there. Looks, and changes nothing but what the first use would make anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pgsluice import supervisor
from pgsluice.db import ledger
from pgsluice.db.connect import connect, describe, translated
from pgsluice.db.errors import SluiceError
from pgsluice.db.migrate import check_history
from pgsluice.db.sources import read_sources
from pgsluice.installation import Installation

Check = dict[str, Any]
Finding = tuple[bool, str, str | None]  # whether it is good, what was found, what to do


def examine(installation: Installation) -> list[Check]:
    """{check, good, found, advice} each."""
    found = [_tried("database", lambda: _database(installation))]
    if found[0]["good"]:
        found.append(_tried("schema", lambda: _schema(installation)))
    if found[-1]["check"] == "schema" and found[-1]["good"]:
        found += [
            _tried("pollers", lambda: _pollers(installation)),
            _tried("syncs", lambda: _syncs(installation)),
            _tried("master key", lambda: _key(installation)),
            _tried("public URL", lambda: _public_url(installation)),
        ]
    return found


def _tried(check: str, look: Callable[[], Finding]) -> Check:
    try:
        good, found, advice = look()
    except SluiceError as exc:
        good, found, advice = False, f"{exc.code}: {exc.message}", exc.hint
    return {"check": check, "good": good, "found": found, "advice": advice}


def _database(installation: Installation) -> Finding:
    conninfo = installation.conninfo
    with connect(conninfo) as conn:
        version, full = conn.info.server_version // 10000, conn.info.parameter_status("server_version")
    place = describe(conninfo)
    if installation.server is not None:
        runner = supervisor.who_runs(installation.server.data_dir)
        place = f"embedded in {installation.server.data_dir}; pgsluice up: {runner.partition(',')[0] if runner else 'does not run'}"
    return version >= 15, f"PostgreSQL {full}, {place}", None if version >= 15 else "PostgreSQL 15 or newer is needed"


def _schema(installation: Installation) -> Finding:
    sources = read_sources()
    with connect(installation.conninfo) as conn, translated():
        done = ledger.applied(conn)
        install = ledger.latest_install(conn)
    check_history(sources.migrations, done)
    pending = len(sources.migrations) - len(done)
    if pending or install is None or install.digest != sources.digest:
        return False, f"{pending} migrations to run, functions of another release", "run: pgsluice migrate"
    return True, f"of this release, after {len(done)} migrations", None


def _pollers(installation: Installation) -> Finding:
    with installation.client() as client:
        alive = client.pollers_alive()
        syncs = [row for row in client.syncs() if row["provider"] != "push" and not row["paused"]]
    # Nothing to read: nobody needs to run.
    good = alive > 0 or not syncs
    return good, f"{alive} alive, {len(syncs)} syncs to read", None if alive else "start one with pgsluice up or pgsluice poll"


def _syncs(installation: Installation) -> Finding:
    with installation.client() as client:
        syncs = client.syncs()
    broken = [row["sync_id"] for row in syncs if row["status"] == "error"]
    if not broken:
        return True, f"{len(syncs)}, none is broken", None
    return False, f"{len(broken)} of {len(syncs)} broken", f"pgsluice sync info {broken[0]} says why and what to do"


def _public_url(installation: Installation) -> Finding:
    with installation.client() as client:
        apps = len(client.oauth_apps())
    if installation.public_url is not None:
        return True, f"{installation.public_url}; redirect URI of OAuth apps: {installation.public_url}/v1/oauth/callback", None
    how = (
        "set PGSLUICE_PUBLIC_URL to the address at which browsers reach the HTTP server, and register its /v1/oauth/callback at the vendors"
    )
    return apps == 0, "none, and none is needed yet" if apps == 0 else f"none, but there are {apps} OAuth apps", how if apps else None


def _key(installation: Installation) -> Finding:
    with installation.client() as client:
        key = installation.key
        versions = Counter(row["key_version"] for row in [*client.credentials(), *client.oauth_apps()])
        versions.update(client.webhook_secrets_old(0 if key is None else key.version))
    if key is None:
        how = "set PGSLUICE_MASTER_KEY or PGSLUICE_MASTER_KEY_FILE"
        return not versions, "none, and none is needed yet" if not versions else "none, but there are credentials", how
    for version in sorted(versions):
        key.key(version)
    old = sum(count for version, count in versions.items() if version != key.version)
    if old:
        return True, f"version {key.version}; {old} secrets are sealed with an earlier one", "run: pgsluice credential rotate-key"
    return True, f"version {key.version}", None
