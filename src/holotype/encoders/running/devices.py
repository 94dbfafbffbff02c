"""Rows dealt out to one model on several devices.

They are dealt out by length, so that every device gets about as much work. Results come back as
they are ready, and carry the positions of their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from holotype.encoders.running.network import FoundT, OutputOf, Runner
from holotype.encoders.tokens.batching import Row


def run_on(
    networks: Sequence[Runner[FoundT]], rows: Sequence[Row], batch_size: int | None
) -> Iterator[OutputOf[FoundT]]:
    """Yield batch by batch, in any order of the rows; see `Network.run`.

    Args:
        networks: one model on several devices; a network that is listed twice runs two batches at
            once.
        rows: what is run.
        batch_size: how many rows make a batch on each device.
    """
    if len(networks) == 1:
        yield from networks[0].run(rows, batch_size)
        return
    by_length = sorted(range(len(rows)), key=lambda at: -len(rows[at].ids))
    parts = [by_length[first :: len(networks)] for first in range(len(networks))]
    with ThreadPoolExecutor(len(networks), thread_name_prefix="holotype-device") as threads:
        runs = [
            (part, network.run([rows[at] for at in part], batch_size))
            for part, network in zip(parts, networks, strict=True)
            if part
        ]
        waiting = {threads.submit(next, run, None): (part, run) for part, run in runs}
        while waiting:
            for ready in wait(waiting, return_when=FIRST_COMPLETED).done:
                part, run = waiting.pop(ready)
                output = ready.result()
                if output is None:
                    continue
                # The device goes on while the caller takes what it has made.
                waiting[threads.submit(next, run, None)] = (part, run)
                positions, vectors, counted = output
                yield [part[at] for at in positions], vectors, counted
