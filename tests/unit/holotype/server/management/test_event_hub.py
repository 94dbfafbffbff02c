"""The ring of events: in order, from any thread, and honest about what was missed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

from holotype.server.management.event_hub import EventHub, ServerEvent


async def take(events: AsyncIterator[ServerEvent], n: int) -> list[ServerEvent]:
    return [await asyncio.wait_for(anext(events), 30) for _ in range(n)]


def numbers(events: list[ServerEvent]) -> list[object]:
    return [each.data.get("n", each.type) for each in events]


def test_a_reader_gets_what_comes_after_it_in_order() -> None:
    async def run() -> list[object]:
        hub = EventHub()
        hub.add("job", {"n": 0})
        reader = hub.read()
        waiting = asyncio.ensure_future(take(reader, 3))
        while not hub.n_readers:
            await asyncio.sleep(0)
        threads = [threading.Thread(target=hub.add, args=("job", {"n": n})) for n in (1, 2, 3)]
        for thread in threads:
            thread.start()
            thread.join()
        return numbers(await waiting)

    assert asyncio.run(run()) == [1, 2, 3]


def test_a_reader_that_comes_back_goes_on_where_it_was() -> None:
    async def run() -> list[object]:
        hub = EventHub()
        reader = hub.read()
        for n in range(4):
            hub.add("pool", {"n": n})
        (seen,) = await take(reader, 1)
        await reader.aclose()  # type: ignore[attr-defined]
        assert hub.n_readers == 0
        return numbers(await take(hub.read(seen.id), 3))

    assert asyncio.run(run()) == [1, 2, 3]


def test_a_reader_that_was_away_too_long_is_told_to_begin_anew() -> None:
    async def run() -> tuple[list[object], list[object]]:
        hub = EventHub(most=3)
        hub.add("pool", {"n": 0})
        mark = hub._ring[0].id
        for n in range(1, 6):
            hub.add("pool", {"n": n})
        late = hub.read(mark)
        found = await take(late, 1)
        hub.add("pool", {"n": 6})
        found += await take(late, 1)
        in_time = hub.read(hub._ring[0].id)
        return numbers(found), numbers(await take(in_time, 2))

    assert asyncio.run(run()) == (["reset", 6], [5, 6])


def test_a_reader_that_is_too_slow_is_told_to_begin_anew() -> None:
    async def run() -> list[object]:
        hub = EventHub(most=3)
        reader = hub.read()
        hub.add("pool", {"n": 0})
        found = await take(reader, 1)
        for n in range(1, 9):
            hub.add("pool", {"n": n})
        found += await take(reader, 1)
        hub.add("pool", {"n": 9})
        return numbers(found + await take(reader, 1))

    assert asyncio.run(run()) == [0, "reset", 9]


def test_an_id_of_another_process_begins_anew() -> None:
    async def run(last_id: str) -> list[object]:
        hub = EventHub()
        hub.add("pool", {"n": 0})
        reader = hub.read(last_id.replace("MARK", hub._mark))
        found = await take(reader, 1)
        hub.add("pool", {"n": 1})
        return numbers(found + await take(reader, 1))

    for last_id in ("abcd-1", "", "x", "MARK-", "MARK-2", "MARK-\u0661", "MARK-" + "9" * 90):
        assert asyncio.run(run(last_id)) == ["reset", 1], last_id


def test_readers_end_with_the_hub_and_get_what_is_left() -> None:
    async def run() -> list[object]:
        hub = EventHub()
        reader = hub.read()
        hub.add("health", {"n": 1})
        found = await take(reader, 1)
        hub.add("health", {"n": 2})
        hub.end()
        found += [event async for event in reader]
        found += [event async for event in hub.read()]
        return numbers(found)

    assert asyncio.run(run()) == [1, 2]


def test_a_reader_that_may_not_read_any_more_gets_nothing_and_ends() -> None:
    async def run() -> tuple[list[object], list[ServerEvent]]:
        hub, allowed = EventHub(), True

        async def may_read() -> bool:
            return allowed

        reader = hub.read(may_read=may_read)
        hub.add("pool", {"n": 0})
        before = numbers(await take(reader, 1))
        hub.add("pool", {"n": 1})
        allowed = False
        after = [event async for event in reader]
        assert hub.n_readers == 0
        return before, after

    assert asyncio.run(run()) == ([0], [])


def test_a_reader_without_events_ends_when_it_may_not_read_any_more() -> None:
    async def run() -> list[ServerEvent]:
        n_asked = 0

        async def may_read() -> bool:
            nonlocal n_asked
            n_asked += 1
            return n_asked < 3

        return [event async for event in EventHub().read(may_read=may_read)]

    assert asyncio.run(asyncio.wait_for(run(), 30)) == []


def test_a_reader_of_more_than_fits_at_once_gets_all() -> None:
    async def run() -> list[object]:
        hub = EventHub()
        hub.add("pool", {"n": 0})
        first = hub._ring[0].id
        for n in range(1, 251):
            hub.add("pool", {"n": n})
        return numbers(await take(hub.read(first), 250))

    assert asyncio.run(run()) == list(range(1, 251))
