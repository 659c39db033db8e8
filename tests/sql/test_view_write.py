"""Typed views as something to write to: each row becomes a mutation, in the transaction of the statement."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]
VIEW = "sluice_views.stripe_customer"


@pytest.fixture
def customers(conn: Connection) -> Connection:
    conn.execute("select stream_create('dev')")
    conn.execute("select sluice_internal._credential_put('c1', 'stripe', 'stripe_key', null, '\\x00', 1, null, '{}')")
    conn.execute("select sync_create('dev', 'stripe', 's1', collection_ids => '{stripe:customer}', credential_id => 'c1')")
    data = '{"name": "Ada", "balance": 1.10, "due": "2024-01-01", "at": "2024-01-01T00:00:00Z", "more": {"a": 1}, "vip": false, "data": 1}'
    conn.execute("select record_ingest('s1', 'stripe:customer', %s::jsonb)", (f'[{{"upstream_id": "cus_1", "data": {data}}}]',))
    conn.execute("select view_create('stripe:customer')")
    return conn


def queued(conn: Connection) -> list[tuple[Any, ...]]:
    """kind, sync, id and data of what was asked for"""
    return conn.execute("""
        select m.kind, i.sync_id, i.upstream_id, i.data::text
        from mutations as m join mutation_items as i using (mutation_id) order by m.created_at, i.item_no
    """).fetchall()


def refused(conn: Connection, statement: str) -> str | None:
    with pytest.raises(psycopg.Error) as error:
        conn.execute(statement)
    assert queued(conn) == []
    return error.value.sqlstate


def test_an_update_sends_what_changed(customers: Connection) -> None:
    customers.execute("set role sluice_mutator")
    done = customers.execute(
        f"update {VIEW} set name = 'Grace', vip = false, balance = 123456789012345678901234567890.10 where name = 'Ada'"
    )
    assert done.rowcount == 1
    ((kind, sync, upstream_id, data),) = queued(customers)
    assert (kind, sync, upstream_id) == ("update", "s1", "cus_1")
    assert data == '{"name": "Grace", "balance": 123456789012345678901234567890.10}'


def test_an_update_that_changes_nothing_sends_nothing(customers: Connection) -> None:
    customers.execute(f"update {VIEW} set name = 'Ada', balance = 1.1, more = '{{\"a\": 1.0}}'")
    assert queued(customers) == []


def test_an_update_in_every_type(customers: Connection) -> None:
    customers.execute("set timezone = 'Asia/Tokyo'")
    customers.execute(f"""
        update {VIEW} set due = '2025-02-03', at = '2025-01-01 09:00:00.5+09', vip = true, more = '[1.10]', name = null
    """)
    ((*_, data),) = queued(customers)
    assert json.loads(data, parse_float=str) == {
        "due": "2025-02-03",
        "at": "2025-01-01T00:00:00.5Z",
        "vip": True,
        "more": ["1.10"],
        "name": None,
    }


def test_an_update_of_data(customers: Connection) -> None:
    customers.execute(f"""update {VIEW} set data = data - 'due' || '{{"name": "Eve", "new": 1e2}}'""")
    ((*_, data),) = queued(customers)
    assert data == '{"due": null, "new": 100, "name": "Eve"}'


def test_a_field_that_is_called_data(customers: Connection) -> None:
    customers.execute(f"update {VIEW} set data_2 = 2")
    assert [row[3] for row in queued(customers)] == ['{"data": 2}']


def test_an_insert(customers: Connection) -> None:
    customers.execute("set role sluice_mutator")
    customers.execute(f"""insert into {VIEW} (sync_id, name, balance, data) values ('s1', 'Eve', 1.10, '{{"metadata": {{"k": 1.50}}}}')""")
    ((kind, sync, upstream_id, data),) = queued(customers)
    assert (kind, sync, upstream_id) == ("create", "s1", None)
    assert json.loads(data, parse_float=str) == {"name": "Eve", "balance": "1.10", "metadata": {"k": "1.50"}}


def test_a_delete(customers: Connection) -> None:
    customers.execute("set role sluice_mutator")
    assert customers.execute(f"delete from {VIEW} where upstream_id = 'cus_1'").rowcount == 1
    assert queued(customers) == [("delete", "s1", "cus_1", None)]
    # it is the vendor's to do
    assert customers.execute(f"select count(*) from {VIEW}").fetchone() == (1,)


def test_it_belongs_to_the_transaction(customers: Connection) -> None:
    with customers.transaction(force_rollback=True):
        customers.execute(f"delete from {VIEW}")
        assert len(queued(customers)) == 1
    assert queued(customers) == []


REFUSED = [
    (f"update {VIEW} set upstream_id = 'x'", "SL172"),
    (f"update {VIEW} set sync_id = 'x'", "SL172"),
    (f"update {VIEW} set deleted = true", "SL172"),
    (f"update {VIEW} set updated_idx = 7", "SL172"),
    (f"update {VIEW} set upstream_updated_at = now()", "SL172"),
    (f"insert into {VIEW} (sync_id, upstream_id, name) values ('s1', 'x', 'y')", "SL172"),
    (f"insert into {VIEW} (name) values ('y')", "SL001"),
    (f"insert into {VIEW} (sync_id, name) values ('no', 'y')", "SL102"),
    (f"update {VIEW} set name = 'a', data = data || '{{\"name\": \"b\"}}'", "SL001"),
    (f"update {VIEW} set data = '[]'", "SL001"),
    (f"update {VIEW} set balance = 'NaN'", "SL001"),
    (f"update {VIEW} set at = 'infinity'", "SL001"),
    (f"update {VIEW} set due = '-infinity'", "SL001"),
    (f"update {VIEW} set due = '0044-03-15 BC'", "SL001"),
]


def test_what_is_refused(customers: Connection) -> None:
    for statement, code in REFUSED:
        assert refused(customers, statement) == code, statement


def test_a_vendor_that_does_not_take_it(customers: Connection) -> None:
    customers.execute("select sync_create('dev', 'push', 'p1')")
    customers.execute("""select record_ingest('p1', 'push:order', '[{"upstream_id": "1", "data": {"a": 1}}]')""")
    customers.execute("select view_create('push:order')")
    assert refused(customers, "update sluice_views.push_order set a = 2") == "SL004"


def test_a_login_that_is_no_mutator(customers: Connection) -> None:
    """Even one that was given the right on the view itself."""
    customers.execute("create role a_clerk; grant sluice_reader to a_clerk")
    try:
        customers.execute(f"grant update on {VIEW} to a_clerk")
        customers.execute("set role a_clerk")
        assert refused(customers, f"update {VIEW} set name = 'x'") == "SL002"
        customers.execute("reset role")
    finally:
        customers.execute("reset role; drop owned by a_clerk; drop role a_clerk")


def test_seconds_stay_seconds(customers: Connection) -> None:
    customers.execute("""
        create or replace view sluice.provider_fields as
        select
            'stripe' collate "C" as provider, 'stripe:customer' collate "C" as collection_id, v.place, v.name, v.type, v.key as primary_key,
            '' as description
        from (values (1, 'id', 'text', true), (2, 'created', 'time', false), (3, 'other', 'time', false)) as v (place, name, type, key)
    """)
    customers.execute(
        """select record_ingest('s1', 'stripe:customer', '[{"upstream_id": "cus_2", "data": {"id": "cus_2", "created": 5}}]')"""
    )
    # anew: a view keeps the columns that it has
    customers.execute("select view_delete('stripe_customer'); select view_create('stripe:customer')")
    customers.execute(f"update {VIEW} set created = '2023-11-14 22:13:20Z', other = '2023-11-14 22:13:20Z' where upstream_id = 'cus_2'")
    assert [row[3] for row in queued(customers)] == ['{"other": "2023-11-14T22:13:20Z", "created": 1700000000}']
    customers.execute("truncate sluice_internal.mutations cascade")
    assert refused(customers, f"update {VIEW} set id = 'x' where upstream_id = 'cus_2'") == "SL172"
