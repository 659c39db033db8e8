from __future__ import annotations

import pickle

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgsluice.db import errors
from pgsluice.db.connect import connect, translated
from pgsluice.db.errors import NAMES, SluiceError, make


def raised(conn: psycopg.Connection, statement: str) -> SluiceError:
    with pytest.raises(SluiceError) as caught, translated():
        conn.execute(statement)
    return caught.value


def test_one_shape() -> None:
    error = make("no such stream", code="SL101", details="it was deleted", hint="look again")
    assert isinstance(error, errors.NotFound)
    assert error.as_dict() == {"code": "SL101", "message": "no such stream", "details": "it was deleted", "hint": "look again"}
    assert (error.name, error.http_status, str(error)) == ("unknown_stream", 404, "no such stream")


def test_a_code_that_is_not_ours_is_an_internal_error() -> None:
    error = make("?", code="XX000")
    assert (type(error), error.name, error.http_status) == (SluiceError, "internal_error", 500)


@pytest.mark.parametrize("code", sorted(NAMES))
def test_every_code_can_be_made_and_pickled(code: str) -> None:
    error = pickle.loads(pickle.dumps(make("m", code=code, hint="h")))
    assert (error.code, error.message, error.details, error.hint) == (code, "m", None, "h")
    assert type(error) is type(make("m", code=code))
    assert type(error).__doc__


def test_our_own_errors_pass_through(conn: psycopg.Connection) -> None:
    statement = "do $$ begin raise exception using errcode = 'SL101', message = 'm', detail = 'd', hint = 'h'; end $$"
    error = raised(conn, statement)
    assert isinstance(error, errors.NotFound)
    assert error.as_dict() == {"code": "SL101", "message": "m", "details": "d", "hint": "h"}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select * from sluice.unheard_of", "SL407"),
        ("select sluice.unheard_of()", "SL407"),
        ("select * from public.sluice", "SL407"),
        ("select * from public.unheard_of", "42P01"),
        ("select '{'::jsonb", "SL001"),
        ("select 1 / 0", "SL001"),
        ("select 1 +", "42601"),
        ("set role sluice_reader; select * from sluice_internal.streams", "SL002"),
    ],
)
def test_what_postgres_says_itself(conn: psycopg.Connection, statement: str, code: str) -> None:
    error = raised(conn, statement)
    assert error.code == code
    assert error.message
    assert error.hint or code.startswith(("42", "SL001"))


def test_the_schema_is_missing(server, blank_name: str) -> None:
    with connect(make_conninfo(server.conninfo, dbname=blank_name)) as conn:
        error = raised(conn, "select * from sluice.streams")
        assert isinstance(error, errors.NotMigrated)
        assert error.hint == "run: pgsluice migrate"


@pytest.fixture
def blank_name() -> str:
    return "template1"


def test_a_connection_that_is_cut(db: str) -> None:
    with connect(db) as conn, connect(db) as other:
        other.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
        assert isinstance(raised(conn, "select 1"), errors.DatabaseUnavailable)
        assert isinstance(raised(conn, "select 1"), errors.DatabaseUnavailable)


def test_a_nul_is_an_invalid_argument(conn: psycopg.Connection) -> None:
    with pytest.raises(errors.InvalidArgument), translated():
        conn.execute("select %s::text", ("a\x00b",))
