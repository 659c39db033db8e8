"""The commands about collections of accounts and typed views."""

from __future__ import annotations

STRIPE_KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"


def test_view_create_list_info_delete(ok, run) -> None:
    ok("stream", "create", "dev")
    ok("sync", "create", "shop", "--provider", "push")
    ok("record", "ingest", "shop", "push:order", "-", input='[{"upstream_id": "o1", "data": {"total": 1.10}}]')
    made = ok("view", "create", "push:order")
    assert (made["view_name"], made["fields"]) == ("sluice_views.push_order", 1)
    assert [row["view_name"] for row in ok("view", "list")] == ["sluice_views.push_order"]
    assert ok("view", "info", "push_order") == made
    assert run("view", "create", "push:order", "--as-sql").stdout == "select * from sluice.view_create(collection_id => 'push:order');\n"
    assert "/v1/views/sluice_views.push_order" in run("view", "info", "sluice_views.push_order", "--as-curl").stdout
    assert run("view", "delete", "push_order").stdout == "deleted view push_order\n"
    assert "No typed view yet" in run("view", "list").stdout


def test_collection_list_info_refresh(ok, run) -> None:
    ok("credential", "create", "a/b", "--provider", "stripe", "--key", STRIPE_KEY)
    assert "stripe:customer" in {row["collection_id"] for row in ok("collection", "list", "a/b")}
    assert ok("collection", "info", "a/b", "stripe:customer")["description"]
    assert "stripe:customer" in run("collection", "info", "a/b", "stripe:customer").stdout
    assert "SL173" in run("collection", "info", "a/b", "stripe:nothing").stderr
    assert ok("collection", "refresh", "a/b")["status"] == "known"
    assert "/v1/collections/a%2Fb/refresh" in run("collection", "refresh", "a/b", "--as-curl").stdout
    assert "credential_fields" in run("collection", "info", "a/b", "stripe:customer", "--as-sql").stdout
