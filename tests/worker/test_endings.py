"""What becomes of the message at hand, of what was done and of the rest, however a loop ends."""

from __future__ import annotations

import gc
import threading
from collections import Counter

import pytest
from isolation.sessions import until
from worker.desk import Desk, said_to

from pgsluice.db.client import Client
from pgsluice.db.consume import Consume
from pgsluice.db.errors import NotFound

pytestmark = pytest.mark.usefixtures("hundredfold")


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pgsluice-consume"]


def fail_at(upstream_id: str, messages: Consume, failure: type[BaseException] = ZeroDivisionError) -> None:
    for message in messages:
        if message.upstream_id == upstream_id:
            raise failure


def fail_inside_with(upstream_id: str, messages: Consume, failure: type[BaseException] = ZeroDivisionError) -> None:
    with messages:
        fail_at(upstream_id, messages, failure)


def test_what_the_loop_went_on_from_is_acknowledged(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", "c")
    assert sorted(message.upstream_id for message in client.consume("c", once=True)) == ["a", "b", "c"]
    assert desk.out() == {}
    assert client.consumer_next("c") == []
    assert workers() == []


def test_acks_ride_along_with_the_next_batch(desk: Desk, client: Client, asked: Counter[str]) -> None:
    desk.set_up(*(f"o{n}" for n in range(25)), lanes=1)
    assert len(list(client.consume("c", once=True, batch_size=5))) == 25
    assert asked["consumer_next"] == 6
    assert asked["consumer_ack"] == 0
    assert desk.out() == {}


def test_an_ack_does_not_wait_for_the_end_of_a_slow_batch(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    messages = iter(client.consume("c"))
    first, second = next(messages), next(messages)
    desk.until_out(second.upstream_id)
    assert first.verdict is not None
    messages.close()


def test_break_gives_back_the_message_at_hand_and_the_rest_at_once(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    for message in client.consume("c"):
        if message.upstream_id == "b":
            break
    assert {name: row.leased for name, row in desk.out().items()} == {"b": False, "c": False}
    assert {row["upstream_id"]: row["deliver_count"] for row in client.consumer_next("c")} == {"b": 2, "c": 2}
    assert workers() == []


def test_who_leaves_when_it_is_done_says_so(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    for message in client.consume("c"):
        message.ack()
        break
    assert list(desk.out()) == ["b"]


def test_an_exception_in_a_plain_loop_is_like_break(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    with pytest.raises(ZeroDivisionError):
        fail_at("a", client.consume("c"))
    assert {row["upstream_id"] for row in client.consumer_next("c")} == {"a", "b"}


def test_an_exception_inside_with_delays_the_message_at_hand_alone(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    with pytest.raises(ZeroDivisionError):
        fail_inside_with("b", client.consume("c"))
    assert set(desk.out()) == {"b", "c"}
    assert desk.delay("c") <= 0
    assert 40 < desk.delay("b") <= 100


def test_ctrl_c_inside_with_is_no_failure_of_the_message(desk: Desk, client: Client) -> None:
    desk.set_up("a", lanes=1)
    with pytest.raises(KeyboardInterrupt):
        fail_inside_with("a", client.consume("c"), KeyboardInterrupt)
    assert desk.delay("a") <= 0


def test_break_inside_with_and_a_second_loop(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    with client.consume("c", once=True) as messages:
        for message in messages:
            assert message.upstream_id == "a"
            break
        seen = {(message.upstream_id, message.deliver_count) for message in messages}
    assert {("b", 1), ("a", 2)} >= seen > set()
    assert {row["upstream_id"] for row in client.consumer_next("c")} | {name for name, _ in seen} == {"a", "b"}


def test_a_thrown_away_iterator_gives_everything_back(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    messages = iter(client.consume("c"))
    next(messages)
    del messages
    gc.collect()
    assert {row["upstream_id"] for row in client.consumer_next("c")} == {"a", "b"}
    assert workers() == []


def test_a_loop_that_never_began_takes_nothing(desk: Desk, client: Client) -> None:
    desk.set_up("a")
    with client.consume("c"):
        assert workers() == []
    assert desk.out() == {}


def test_close_in_the_middle_ends_the_loop(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    messages = client.consume("c")
    for message in messages:
        assert message.upstream_id == "a"
        messages.close()
        assert {name: row.leased for name, row in desk.out().items()} == {"a": False, "b": False}
    assert workers() == []


def test_two_loops_over_one_object(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    messages = client.consume("c", once=True)
    for _ in messages:
        break
    assert {message.upstream_id for message in messages} == {"a", "b"}
    assert desk.out() == {}


def test_nack_and_a_second_word(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    for message in client.consume("c", once=True):
        message.nack(3600 if message.upstream_id == "a" else None)
        message.ack()
    assert 3500 < desk.delay("a") <= 3600
    assert 40 < desk.delay("b") <= 100


def test_term_makes_a_dead_letter_with_its_reason(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", lanes=1)
    for message in client.consume("c", once=True):
        if message.upstream_id == "a":
            message.term("no such customer")
    assert desk.out() == {}
    assert {name: row.reason for name, row in desk.look.dead().items()} == {"a": "no such customer"}


def test_run_goes_on_after_a_failure_which_comes_again_later_and_later(desk: Desk, client: Client, said: list) -> None:
    desk.set_up("a", "b", "c", lanes=1)
    done: list[str] = []

    def handle(message) -> None:
        if message.upstream_id == "b":
            raise ValueError("not today")
        done.append(message.upstream_id)

    client.run("c", handle, once=True, say=said_to(said))
    assert done == ["a", "c"]
    assert 40 < desk.delay("b") <= 100
    assert [(event, facts["upstream_id"], facts["error"]) for event, facts in said] == [("a message failed", "b", "ValueError: not today")]
    for times in (2, 3):
        desk.look.age()
        client.run("c", handle, once=True, say=said_to(said))
        assert desk.out()["b"].deliver_count == times
    assert 150 < desk.delay("b") <= 400
    assert workers() == []


def test_poison_ends_in_the_dead_letters(desk: Desk, client: Client, said: list) -> None:
    desk.set_up("a", "b", lanes=1, max_deliver=2)

    def handle(message) -> None:
        if message.upstream_id == "a":
            raise ValueError

    for _ in range(3):
        client.run("c", handle, once=True, say=said_to(said))
        desk.look.age()
    assert {name: (row.reason, row.deliver_count) for name, row in desk.look.dead().items()} == {"a": ("max_deliver", 2)}
    assert len(said) == 2


def test_a_log_line_tells_of_a_failure(desk: Desk, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    desk.set_up("a")
    client.run("c", lambda message: message.data["missing"], once=True)
    assert [record.name for record in caplog.records] == ["pgsluice.consumer"]
    assert "KeyError" in caplog.text
    assert "upstream_id=a" in caplog.text


def test_what_nobody_looked_at_is_no_dead_letter_where_one_delivery_is_all(desk: Desk, client: Client) -> None:
    desk.set_up("a", "b", "c", lanes=1, max_deliver=1)
    for message in client.consume("c"):
        message.ack()
        break
    assert desk.look.dead() == {}
    assert {row["upstream_id"] for row in client.consumer_next("c")} == {"b", "c"}


def test_stop_from_another_thread_ends_a_wait_and_a_loop(desk: Desk, client: Client) -> None:
    session = desk.set_up("a", "b", lanes=1)
    stop = threading.Event()
    for message in client.consume("c", stop=stop):
        assert message.upstream_id == "a"
        stop.set()
    assert list(desk.out()) == ["b"]
    assert session.ids() == ["b"]
    session.age()
    messages = client.consume("c")
    for _ in messages:
        threading.Timer(0.1, messages.stop).start()
    assert desk.out() == {}
    waiting = threading.Event()
    threading.Thread(target=lambda: (desk.until_waiting(), waiting.set())).start()
    assert list(client.consume("c", stop=waiting)) == []


def test_a_consumer_that_is_not_there(desk: Desk, client: Client) -> None:
    desk.set_up()
    with pytest.raises(NotFound):
        next(iter(client.consume("d")))
    with pytest.raises(NotFound):
        client.run("d", print)
    assert workers() == []


def test_a_consumer_that_is_deleted_meanwhile(desk: Desk, client: Client) -> None:
    session = desk.set_up("a")
    with pytest.raises(NotFound):
        client.run("c", lambda _: session.rows("select consumer_delete('c')"))
    until(lambda: not workers(), "the end of the worker's thread")
