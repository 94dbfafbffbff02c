"""Threads wake what waits on the event loop, each once and none too few."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from holotype.server.handover import Handover

N_THREADS = 8
N_BELLS = 200


def test_every_bell_rings_however_many_threads_ring_at_once() -> None:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        handover = Handover(loop)
        rung = 0
        with ThreadPoolExecutor(N_THREADS) as threads:
            for _ in range(20):
                bells = [loop.create_future() for _ in range(N_BELLS)]
                for bell in bells:
                    threads.submit(handover.ring, bell)
                async with asyncio.timeout(30):
                    await asyncio.gather(*bells)
                rung += len(bells)
        return rung

    assert asyncio.run(run()) == 20 * N_BELLS


def test_bells_that_ring_together_call_the_loop_once() -> None:
    async def run() -> list[object]:
        loop = asyncio.get_running_loop()
        called: list[object] = []
        handover = Handover(loop)
        bells = [loop.create_future() for _ in range(64)]

        class Counting:
            is_closed = staticmethod(loop.is_closed)

            def call_soon_threadsafe(self, callback: object) -> None:
                called.append(callback)
                loop.call_soon_threadsafe(callback)  # type: ignore[arg-type]

        handover.loop = Counting()  # type: ignore[assignment]
        for bell in bells:
            handover.ring(bell)
        await asyncio.gather(*bells)
        return called

    assert len(asyncio.run(run())) == 1


def test_a_caller_that_has_gone_is_left_alone() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        handover = Handover(loop)
        gone, waits = loop.create_future(), loop.create_future()
        gone.cancel()
        handover.ring(gone)
        handover.ring(waits)
        await waits
        assert gone.cancelled()

    asyncio.run(run())


def test_a_loop_that_has_ended_is_not_called() -> None:
    loop = asyncio.new_event_loop()
    bell = loop.create_future()
    loop.close()
    Handover(loop).ring(bell)
    assert not bell.done()
