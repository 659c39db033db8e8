"""An upgrade changes no typed view and nothing that stands on one; and the dump of the schema has them."""

from __future__ import annotations

from pathlib import Path

import psycopg
from upgrade.trees import Tree

from pgsluice.db.dump import schema_dump
from pgsluice.db.sources import MIGRATIONS, SQL


def test_a_users_objects_on_typed_views_survive(blank: str, look: psycopg.Connection, tmp_path: Path) -> None:
    tree = Tree.copy(tmp_path, SQL, MIGRATIONS)
    tree.migrate(blank)
    look.execute("select sluice.stream_create('dev')")
    look.execute("select sluice.sync_create('dev', 'push', 's1')")
    look.execute("""select sluice.record_ingest('s1', 'push:order', '[{"upstream_id": "1", "data": {"a": 1}}]')""")
    look.execute("select sluice.view_create('push:order')")
    look.execute("create view public.mine as select a from sluice_views.push_order")
    look.execute("create table sluice_views.theirs (n int)")
    before = schema_dump(blank, ("sluice_views",))
    assert "create view sluice_views.push_order with (security_invoker=true)" in before
    assert "grant select on table sluice_views.push_order to sluice_reader" in before
    assert schema_dump(blank).count("create view sluice_views.push_order") == 1
    tree.edit("sql/internal/_view_write.sql", "It was renamed", "It has another name")
    report = tree.migrate(blank)
    assert (report.installed, report.swept) == (True, [])
    assert schema_dump(blank, ("sluice_views",)) == before
    assert look.execute("select * from public.mine").fetchall() == [(1,)]
    look.execute("""select sluice.record_ingest('s1', 'push:order', '[{"upstream_id": "2", "data": {"b": 1}}]')""")
    assert look.execute("select sluice.view_create('push:order')").fetchone() == ("sluice_views.push_order",)
    assert look.execute("select b from sluice_views.push_order where upstream_id = '2'").fetchall() == [(1,)]
