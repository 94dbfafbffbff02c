"""The order in which requests run, and how they are cut; no thread takes part."""

from __future__ import annotations

from typing import cast

from holotype.pool.queued import Limits, Queue, Request, Window
from holotype.pool.waiting import Waiting

NOBODY = cast("Queue", None)


def request(n_items: int, *, group: str = "a", deadline_s: float | None = None) -> Request:
    """A request of texts that count as ten tokens each."""
    items = [f"text {at}" for at in range(n_items)]
    return Request(NOBODY, group, items, [10] * n_items, deadline_s=deadline_s, queued_at_s=0.0)


def cuts(windows: list[Window]) -> list[tuple[Request, int, int]]:
    return [(one.request, one.start, len(one.items)) for one in windows]


def test_long_requests_take_turns_after_each_window() -> None:
    waiting = Waiting(Limits(batch_tokens=60, window_texts=2))
    long, short = request(5), request(1)
    waiting.add(long, urgent=False)
    waiting.add(short, urgent=False)
    windows, _ = waiting.take("a", 0.0)
    assert cuts(windows) == [(long, 0, 2), (short, 0, 1), (long, 2, 2), (long, 4, 1)]
    assert not waiting
    assert waiting.n_tokens == 0


def test_queries_come_before_what_came_earlier() -> None:
    waiting = Waiting(Limits())
    document, query = request(1), request(1)
    waiting.add(document, urgent=False)
    waiting.add(query, urgent=True)
    assert waiting.first(0.0) == (query, [])
    assert cuts(waiting.take("a", 0.0)[0]) == [(query, 0, 1), (document, 0, 1)]


def test_what_is_of_another_group_keeps_its_place() -> None:
    waiting = Waiting(Limits())
    other, ours = request(1, group="b"), request(1)
    waiting.add(other, urgent=False)
    waiting.add(ours, urgent=False)
    assert cuts(waiting.take("a", 0.0)[0]) == [(ours, 0, 1)]
    assert waiting.of("b") == [other]
    assert waiting.n_tokens == other.n_tokens


def test_who_is_late_or_has_left_is_in_no_batch() -> None:
    waiting = Waiting(Limits())
    late, gone, waits = request(1, deadline_s=5.0), request(1), request(1, deadline_s=9.0)
    for each in (late, gone, waits):
        waiting.add(each, urgent=False)
    gone.fail(ValueError("nobody waits for it"))
    windows, found = waiting.take("a", 5.0)
    assert (cuts(windows), found) == ([(waits, 0, 1)], [late])
    assert (len(waiting), waiting.n_tokens) == (0, 0)


def test_a_text_beyond_the_budget_is_a_batch_of_its_own() -> None:
    waiting = Waiting(Limits(batch_tokens=5))
    first, second = request(2), request(1)
    waiting.add(first, urgent=False)
    waiting.add(second, urgent=False)
    batches = [cuts(waiting.take("a", 0.0)[0]) for _ in range(3)]
    assert batches == [[(first, 0, 1)], [(second, 0, 1)], [(first, 1, 1)]]


def test_a_request_that_is_too_long_has_room_only_where_none_waits() -> None:
    waiting = Waiting(Limits(queued_tokens=20, queued_requests=2))
    assert waiting.has_room(100)
    waiting.add(request(1), urgent=False)
    assert waiting.has_room(10)
    assert not waiting.has_room(11)
    waiting.add(request(1), urgent=False)
    assert not waiting.has_room(0)


def test_a_request_that_begins_again_is_the_next_after_the_queries() -> None:
    waiting = Waiting(Limits())
    document, query, again = request(1), request(1), request(1)
    waiting.add(document, urgent=False)
    waiting.add(query, urgent=True)
    waiting.add_first(again)
    assert waiting.remove_all() == [query, again, document]
    assert waiting.n_tokens == 0
