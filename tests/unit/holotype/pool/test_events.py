"""Events: a ring, subscribers and structured logs."""

from __future__ import annotations

import logging
from threading import Thread

import pytest

from holotype.pool.events import Event, Events


def test_the_last_events_are_kept_with_their_numbers() -> None:
    events = Events(most=3)
    for number in range(5):
        events.add("loaded", f"model-{number}", memory_bytes=number)
    assert [event.number for event in events.last()] == [3, 4, 5]
    assert [event.number for event in events.last(after=4)] == [5]
    assert events.last(kind="evicted") == ()


def test_an_event_is_a_line_of_the_log_with_its_numbers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "holotype.pool"):
        event = Events().add("evicted", "a", by="b", needed_bytes=5)
    (record,) = caplog.records
    assert record.getMessage() == 'evicted a by="b" needed_bytes=5'
    assert record.__dict__["event"] is event


def test_failures_are_errors_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Events().add("load_failed", "a", reason="damaged")
    assert caplog.records[0].levelno == logging.ERROR


def test_a_subscriber_gets_what_happens_in_order_and_the_end() -> None:
    events = Events()
    events.add("loaded", "before")
    with events.subscribe() as subscription:
        events.add("loaded", "a")
        events.add("loaded", "b")
        assert [subscription.next(1), subscription.next(1)] == list(events.last(after=1))
        assert subscription.next(0) is None
    assert list(subscription) == []


def test_a_subscriber_can_begin_in_the_past() -> None:
    events = Events()
    first, second = events.add("loaded", "a"), events.add("loaded", "b")
    with events.subscribe(after=first.number) as subscription:
        assert subscription.next(0) == second


def test_a_slow_subscriber_loses_the_oldest_and_learns_how_many() -> None:
    events = Events(most=2)
    with events.subscribe() as subscription:
        for name in "abc":
            events.add("loaded", name)
        assert subscription.n_missed == 1
        found = subscription.next(0)
        assert found is not None
        assert found.name == "b"


def test_a_subscriber_that_waits_is_woken_by_an_event_and_by_the_end() -> None:
    events, seen = Events(), list[Event]()
    subscription = events.subscribe()
    reader = Thread(target=lambda: seen.extend(subscription))
    reader.start()
    events.add("loaded", "a")
    events.end()
    reader.join(30)
    assert not reader.is_alive()
    assert [event.name for event in seen] == ["a"]
