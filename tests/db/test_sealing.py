"""Credentials through the client: accounts that are imported again, and a master key that changes."""

from __future__ import annotations

import psycopg
import pytest

from pgsluice.db.client import Client
from pgsluice.db.errors import SecretUnreadable, SluiceError
from pgsluice.db.secrets import of_oauth_app, open_sealed, parse_key

OLD, NEW = "11" * 32, "22" * 32
ONE = parse_key(f"1:{OLD}")
BOTH = parse_key(f"2:{NEW} 1:{OLD}")
ONLY_NEW = parse_key(f"2:{NEW}")


def create(db: str, *names: str) -> None:
    with Client.connect(db, master_key=ONE) as client:
        for name in names:
            client.credential_create("stripe", name, "stripe_key", secret={"secret": f"of {name}"})


def test_every_secret_gets_the_new_key_and_it_can_be_done_again(db: str) -> None:
    create(db, "a", "b", "c")
    said: list[tuple[int, int]] = []
    with Client.connect(db, master_key=BOTH) as client:
        assert client.credential_rotate_key(lambda done, count: said.append((done, count)))["resealed"] == 3
        assert client.credential_rotate_key()["resealed"] == 0
        assert {row["key_version"] for row in client.credentials()} == {2}
        assert {row["version"] for row in client.credentials()} == {1}, "nobody has to take it anew"
    assert said[-1] == (3, 3)
    with psycopg.connect(db) as conn:
        for name, sealed in conn.execute("select credential_id, sealed from sluice_internal.credentials"):
            assert open_sealed(sealed, name, ONLY_NEW, 2) == {"secret": f"of {name}"}


def test_what_does_not_open_is_named_and_the_others_go_on(db: str) -> None:
    create(db, "a", "b")
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.credentials set sealed = '\\x0102' where credential_id = 'a'")
    with Client.connect(db, master_key=BOTH) as client:
        found = client.credential_rotate_key()
    assert (found["resealed"], found["credential_ids_left"]) == (1, ["a"])


def test_an_account_that_is_imported_again_keeps_its_id_and_gets_the_secret(db: str) -> None:
    with Client.connect(db, master_key=ONE) as client:
        first = client.credential_create("stripe", kind="stripe_key", secret={"secret": "1"}, account="acct", metadata={"a": 1})
        again = client.credential_create("stripe", kind="stripe_key", secret={"secret": "2"}, account="acct")
        assert (again["credential_id"], again["version"], again["metadata"]) == (first["credential_id"], 2, {"a": 1})
        with pytest.raises(SluiceError) as caught:
            client.credential_create("stripe", "mine", "stripe_key", secret={"secret": "3"}, account="acct")
        assert caught.value.code == "SL110"
        assert len(client.credentials()) == 1
    with psycopg.connect(db) as conn:
        name, sealed = conn.execute("select credential_id, sealed from sluice_internal.credentials").fetchone() or ("", b"")
    assert open_sealed(sealed, name, ONE) == {"secret": "2"}


def test_rotation_covers_the_secrets_of_oauth_apps(db: str) -> None:
    old, new = parse_key("1:" + "11" * 32), parse_key("2:" + "22" * 32)
    with Client.connect(db, master_key=old) as client:
        client.oauth_app_create("stripe", "ca_1", client_secret="sk_test_1", oauth_app_id="app")
    with Client.connect(db, master_key=new.beside(old)) as client:
        assert client.credential_rotate_key()["resealed"] == 1
    with Client.connect(db, master_key=new) as client:
        found = client._fetch(b"select * from sluice_internal._oauth_app_sealed(%s)", ("app",))[0]
        opened = open_sealed(found["sealed"], of_oauth_app("app"), new, found["key_version"])
        assert (opened["client_secret"], found["version"]) == ("sk_test_1", 1)
    # What is sealed for the app opens under no credential's id, not even one of the same name.
    with pytest.raises(SecretUnreadable):
        open_sealed(found["sealed"], "app", new, 2)
    with Client.connect(db, master_key=parse_key("3:" + "33" * 32)) as client:
        assert client.credential_rotate_key()["oauth_app_ids_left"] == ["app"]
