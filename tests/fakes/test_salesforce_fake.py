"""What the stand-in takes from Salesforce, asked as any client would. simple-salesforce 1.12 read and wrote it likewise (by hand: it brings
lxml and zeep along, too much for a check)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fakes.salesforce import Field, SalesforceFake

ROOT = "/services/data/v67.0"


@pytest.fixture
def fake() -> Iterator[SalesforceFake]:
    with SalesforceFake() as fake:
        yield fake


@pytest.fixture
def api(fake: SalesforceFake) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {fake.tokens.token}"}
    with httpx.Client(base_url=fake.url, headers=headers, trust_env=False, timeout=60) as client:
        yield client


def ask(api: httpx.Client, soql: str, resource: str = "query", **headers: str) -> Any:
    return api.get(f"{ROOT}/{resource}", params={"q": soql}, headers=headers).json()


def test_pages_cursors_and_their_end(fake: SalesforceFake, api: httpx.Client) -> None:
    for number in range(450):
        fake.create("Account", Name=f"{number:03}")
    first = ask(api, "SELECT Id, Name FROM Account ORDER BY Name DESC", **{"Sforce-Query-Options": "batchSize=1"})
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert first["records"][0]["Name"] == "449"
    assert first["nextRecordsUrl"].startswith(f"{ROOT}/query/0r8")
    assert len(api.get(first["nextRecordsUrl"]).json()["records"]) == 250
    fake.kill_cursors()
    assert api.get(first["nextRecordsUrl"]).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 201", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name > 'a' banana", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE SystemModstamp > '2026'", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE BillingAddress = 'x'", "INVALID_FIELD"),
        ("SELECT Id, id FROM Account", "INVALID_FIELD"),
    ],
)
def test_queries_that_are_none(api: httpx.Client, soql: str, code: str) -> None:
    assert ask(api, soql)[0]["errorCode"] == code


def test_conditions(fake: SalesforceFake, api: httpx.Client) -> None:
    ids = [fake.create("Contact", LastName=name, HasOptedOutOfEmail=name == "B")["Id"] for name in ("A", "B", "it's")]

    def found(where: str) -> list[str]:
        return [doc["Id"] for doc in ask(api, f"SELECT Id FROM Contact WHERE {where} ORDER BY Id")["records"]]

    assert found("LastName = 'a' OR (LastName = 'b' AND NOT HasOptedOutOfEmail = false)") == ids[:2]
    assert found(r"LastName = 'it\'s'") == ids[2:]
    assert found(f"Id > '{ids[0]}' AND Id != '{ids[2]}'") == ids[1:2]
    assert found(f"Id IN ('{ids[0]}', '{ids[2]}') AND FirstName = null") == [ids[0], ids[2]]
    assert found("SystemModstamp > 2020-01-01T00:00:00Z AND SystemModstamp < 2021-01-01T00:00:00.000+0000") == []
    assert ask(api, "SELECT COUNT() FROM Contact")["totalSize"] == 3


def test_addresses_that_are_too_long(fake: SalesforceFake, api: httpx.Client) -> None:
    assert api.get(f"{ROOT}/query", params={"q": "SELECT " + "a" * 17_000}).status_code == 414
    assert api.get(f"{ROOT}/query", params={"q": "SELECT " + "a" * 16_200}).status_code == 431
    inner = {"method": "GET", "url": f"{ROOT}/query?q=SELECT+Id+FROM+Account", "referenceId": "r"}
    (part,) = api.post(f"{ROOT}/composite", json={"compositeRequest": [inner]}).json()["compositeResponse"]
    assert (part["httpStatusCode"], part["body"]["done"], part["referenceId"]) == (200, True, "r")


def test_single_records(fake: SalesforceFake, api: httpx.Client) -> None:
    made = api.post(f"{ROOT}/sobjects/Contact", json={"LastName": "A", "MailingCity": "Arrakeen"})
    assert made.status_code == 201
    path = f"{ROOT}/sobjects/contact/{made.json()['id'][:15]}"
    doc = api.get(path).json()
    assert (doc["MailingAddress"]["city"], doc["attributes"]["type"]) == ("Arrakeen", "Contact")
    assert api.patch(path, json={"LastName": None}).json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert api.patch(path, json={"Id": "x"}).json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert api.patch(path, json={"Title": "Duke"}).status_code == 204
    assert api.delete(path).status_code == 204
    assert (api.get(path).status_code, api.get(path).json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    deleted = ask(api, "SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll")["records"]
    assert [one["Id"] for one in deleted] == [made.json()["id"]]
    assert ask(api, "SELECT Id FROM Contact")["records"] == []


def test_collections_and_external_ids(fake: SalesforceFake, api: httpx.Client) -> None:
    one = {"attributes": {"type": "Invoice__c"}, "Key__c": "k"}
    assert api.post(f"{ROOT}/composite/sobjects", json={"records": [one] * 201}).status_code == 400
    whole = api.post(f"{ROOT}/composite/sobjects", json={"allOrNone": True, "records": [one, one]}).json()
    assert [item["errors"][0]["statusCode"] for item in whole] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DUPLICATE_VALUE"]
    assert fake.objects("Invoice__c") == {}
    path = f"{ROOT}/sobjects/Invoice__c/Key__c/k"
    assert [api.patch(path, json={"Name": name}).status_code for name in "ab"] == [201, 200]
    fake.add_object("Loose__c", [Field("Key__c", external=True)])
    for _ in range(2):
        fake.create("Loose__c", Key__c="same")
    assert api.patch(f"{ROOT}/sobjects/Loose__c/Key__c/same", json={}).status_code == 300


def test_jobs(fake: SalesforceFake, api: httpx.Client) -> None:
    for name in ("plain", 'with "quotes"', None):
        fake.create("Invoice__c", Name=name)
    refused = api.post(f"{ROOT}/jobs/query", json={"operation": "query", "query": "SELECT Id, Place__c FROM Invoice__c"})
    assert "compound" in refused.json()[0]["message"]
    job = api.post(f"{ROOT}/jobs/query", json={"operation": "query", "query": "SELECT Name FROM Invoice__c"}).json()
    assert job["state"] == "UploadComplete"
    path = f"{ROOT}/jobs/query/{job['id']}"
    assert api.get(f"{path}/results").status_code == 400
    assert [api.get(path).json()["state"] for _ in range(2)] == ["InProgress", "JobComplete"]
    first = api.get(f"{path}/results", params={"maxRecords": 2})
    assert first.text == '"Name"\n"plain"\n"with ""quotes"""\n'
    last = api.get(f"{path}/results", params={"maxRecords": 2, "locator": first.headers["sforce-locator"]})
    assert (last.text, last.headers["sforce-locator"], last.headers["sforce-numberofrecords"]) == ('"Name"\n""\n', "null", "1")


def test_descriptions_and_limits(fake: SalesforceFake, api: httpx.Client) -> None:
    said = api.get(f"{ROOT}/sobjects/Contact/describe")
    since = {"If-Modified-Since": said.headers["last-modified"]}
    assert api.get(f"{ROOT}/sobjects/Contact/describe", headers=since).status_code == 304
    fake.clock.advance(5)
    fake.hide("Contact", "Title")
    assert "Title" not in [field["name"] for field in api.get(f"{ROOT}/sobjects/Contact/describe", headers=since).json()["fields"]]
    assert said.headers["sforce-limit-info"] == "api-usage=18/100000"
    fake.exhausted = True
    assert (api.get(f"{ROOT}/sobjects").status_code, api.get(f"{ROOT}/sobjects").json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    fake.tokens.expire()
    assert (api.get(f"{ROOT}/sobjects").status_code, api.get(f"{ROOT}/sobjects").json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
