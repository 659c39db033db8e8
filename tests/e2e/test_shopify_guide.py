"""The guide to Shopify as printed, from an empty database to consumed records and writes that come back, over real HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from e2e.polling import KEY_TEXT, NEWEST
from fakes.shopify import ShopifyFake

from pgsluice.db.sources import ROOT
from pgsluice.providers.shopify_collections import SOURCES

PAGE = ROOT / "docs/how-to/shopify.md"
pytestmark = NEWEST


@pytest.mark.timeout(1000)  # a dozen commands, one after the other
def test_the_guide_does_what_it_says(db: str, tmp_path: Path) -> None:
    text = PAGE.read_text()
    with ShopifyFake() as shop:
        items = [{"id": f"gid://shopify/LineItem/{number}", "title": "a hat", "quantity": number} for number in (1, 2)]
        shop.create("Order", note="at the door", lineItems=items)
        shop.create("Customer", firstName="Anna")
        shop.create("Product", title="A hat")
        script = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        script = script.replace("--provider shopify ", f"--provider shopify --base-url {shop.url} ")
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGSLUICE_DATABASE_URL": db,
            "PGSLUICE_MASTER_KEY": KEY_TEXT,
            "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
            "SHOPIFY_SHOP": shop.shop,
            "SHOPIFY_TOKEN": shop.token,
        }
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert shop.token not in done.stdout + done.stderr
        there = shop.objects("Product", SOURCES["shopify:product"].fields)
    (query,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    with psycopg.connect(db, autocommit=True) as conn:
        conn.execute("set search_path = public, sluice")
        assert conn.execute(query).fetchall() == [("a hat", 3)]
        here = dict(conn.execute("select upstream_id, data from records where collection_id = 'shopify:product'").fetchall())
        assert {state for (state,) in conn.execute("select status from mutations").fetchall()} == {"succeeded"}
    assert here == there
    assert sorted(doc["title"] for doc in here.values()) == ["A hat", "A linen shirt"]
    # What the second `next` brought is what was written.
    assert "A shirt" in done.stdout
