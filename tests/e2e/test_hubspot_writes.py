"""Batches that HubSpot refuses whole, with a real database: what is sound in them is done, and only what is wrong fails."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.polling import KEY, NEWEST, read_once
from fakes.faults import FaultProxy, reset
from fakes.hubspot import TOKEN, HubSpotFake

from pgsluice.db.client import Client

pytestmark = NEWEST
BATCH = "/crm/v3/objects/contacts/batch/create"


def written(db: str, fake: HubSpotFake, url: str, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What became of each create."""
    with Client.connect(db, master_key=KEY) as client:
        client.stream_create("crm")
        client.credential_create("hubspot", "acme", "hubspot_key", secret={"secret": TOKEN, "plan": "increased"}, base_url=url)
        client.sync_create("crm", "hubspot", "acme", collection_ids=["hubspot:contact"], credential_id="acme")
        made = client.mutation_run("create", "acme", "hubspot:contact", data)
        read_once(db)
        return client.mutation_result(made["mutation_id"])


@pytest.mark.parametrize("wrong", [{3}, {0, 8}])
def test_only_what_is_wrong_fails(db: str, wrong: set[int]) -> None:
    data = [{"email": f"{number}@example.com", **({"nonsense": "1"} if number in wrong else {})} for number in range(9)]
    with HubSpotFake() as fake:
        rows = written(db, fake, fake.url, data)
        assert [row["status"] for row in rows] == ["failed" if number in wrong else "succeeded" for number in range(9)]
        assert all("nonsense" in rows[number]["error"]["message"] for number in wrong)
        emails = sorted(doc["properties"]["email"] for doc in fake.objects("contacts").values())
        assert emails == [f"{number}@example.com" for number in range(9) if number not in wrong]
        sent = [
            seen
            for seen in fake.requests
            if seen.method == "POST" and seen.path.startswith("/crm/v3/objects/contacts") and "read" not in seen.path
        ]
        assert len([seen for seen in sent if "search" not in seen.path]) <= 1 + 2 * 4 * len(wrong)


def test_a_half_whose_answer_is_lost_is_not_repeated(db: str) -> None:
    """HubSpot recognises no repetition. What the other half became stays as it was said."""
    data = [{"email": f"{number}@example.com", **({"nonsense": "1"} if number == 7 else {})} for number in range(8)]
    with HubSpotFake() as fake, FaultProxy(fake.url) as proxy:
        proxy.fail(reset(executed=True), BATCH, method="POST", skip=1, times=1)
        rows = written(db, fake, proxy.url, data)
        assert [row["status"] for row in rows] == ["unknown"] * 4 + ["succeeded"] * 3 + ["failed"]
        assert len(fake.objects("contacts")) == 7
