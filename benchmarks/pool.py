"""The pool: leases, calls, swaps under load, memory over cycles, and batches across callers."""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import numpy as np

from corpus import CHECKPOINT
from holotype.deployment.document import CustomSource, MemoryLimit, PoolSettings, ReferenceSource
from holotype.encoders import load
from holotype.pool import Pool, Sizes
from holotype.pool.memory import read_memory, trim
from holotype.pool.patterns.pii import PiiClassifier
from holotype.references.ref import ModelRef
from report import Table
from timing import in_turns

N_THREADS = 24
N_SWAPS = 200
N_SMALL_SWAPS = 1000
N_CYCLES = 50
N_CALLERS = 64
N_CALLS_EACH = 8
N_ROUNDS = 3
SHORT = "how do I keep bread from going stale?"
_LETTER = (
    "Dear Ms Smith, please write to jane.doe@example.org before Friday the 12th of March 2024, or "
    "call our office; the invoice 4711 over 230.50 euro is attached, and it is due within thirty "
    "days. Thank you"
)
_FORM = (
    "Name: Jane Doe. E-mail: jane.doe@example.org, phone: +49 30 901820, account: "
    "DE89 3704 0044 0532 0130 00, card: 4111 1111 1111 1111, from 203.0.113.7, see "
    "https://example.org/form; signed on the 12th of March in Berlin."
)


class Nothing:
    """An encoder that costs nothing."""

    dim, fingerprint, memory_bytes = 2, "nothing", 0

    def __init__(self, version: int = 1) -> None:
        """Remember the version, so that one swap differs from the next."""
        self._vectors = np.zeros((1, 2), dtype=np.float32)
        self.version = version

    def encode(self, sentences: Sequence[str]) -> Any:
        """Return the same vectors for any text."""
        return self._vectors


def table(n_swaps: int = N_SWAPS, parts: Sequence[str] = ()) -> Table:
    """Measure all of them, or some parts."""
    measure: dict[str, Callable[[], list[list[str]]]] = {
        "costs": _costs,
        "swaps": partial(_under_load, n_swaps),
        "cycles": _cycles,
        "batches": _batches,
        "pii": _personal_data,
    }
    rows = [row for part in parts or measure for row in measure[part]()]
    header = ["what", "measured", "aim"]
    return Table("Pool", header, rows, ["Times of a call are CPU times of its thread."])


def _pool(**options: Any) -> Any:
    # What is left of the machine is for the peers that run beside it.
    settings = PoolSettings(memory=(MemoryLimit(share=0.8),), min_resident_s=0)
    return Pool.builder().with_settings(settings).remember_sizes_in(Sizes(None))


def _cpu_us(function: Callable[[], object], n: int = 20_000, rounds: int = 7) -> float:
    """Return the CPU time of a call on this thread: the best round, in microseconds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.thread_time()
        for _ in range(n):
            function()
        best = min(best, (time.thread_time() - started) / n)
    return best * 1e6


def _costs() -> list[list[str]]:
    """What a lease and a call cost, before and after a thousand swaps."""
    texts = [SHORT]
    with _pool().with_custom("nothing", Nothing).build() as pool:
        handle = pool.encoder("nothing")
        handle.encode_query(texts)
        with handle.lease() as lease:
            own = _cpu_us(partial(lease.model.encode_query, texts))
        call = _cpu_us(lambda: handle.encode_query(texts))
        before = _cpu_us(lambda: pool.acquire("nothing").end())
        for version in range(N_SMALL_SWAPS):
            source = CustomSource(factory="nothing", options=(("version", version),))
            pool.swap("nothing", source)
        after = _cpu_us(lambda: pool.acquire("nothing").end())
    return [
        ["lease, taken and ended", f"{before:.2f} µs", "≤ 2 µs"],
        [f"the same after {N_SMALL_SWAPS:,} swaps", f"{after:.2f} µs", "as before"],
        ["a call, above the encoder's own", f"{call - own:.1f} µs", "≤ 20 µs"],
    ]


def _source(folder: Path) -> ReferenceSource:
    return ReferenceSource(ref=ModelRef.parse(f"local:{folder}/"))


def _under_load(n_swaps: int) -> list[list[str]]:
    """Swaps alone, and swaps while threads call: what failed, what was wrong, how long it took."""
    with tempfile.TemporaryDirectory() as place:
        other = Path(shutil.copytree(CHECKPOINT, Path(place) / "other"))
        pooling = '{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}'
        (other / "1_Pooling" / "config.json").write_text(pooling)
        folders = (other, Path(CHECKPOINT))
        expected: dict[str | None, Any] = {}
        for folder in folders:
            with load(folder, device="cpu") as encoder:
                dense: Any = encoder
                expected[encoder.fingerprint] = dense.encode_query([SHORT])
        with _pool().with_model("m", f"local:{CHECKPOINT}/", device="cpu").build() as pool:
            pool.load("m")

            def swap(number: int) -> float:
                started = time.perf_counter()
                source = _source(folders[number % 2])
                pool.swap("m", source, allow_different_vectors=True)
                return time.perf_counter() - started

            alone = min(swap(number) for number in range(6))
            return [
                ["swap on a machine with nothing else to do", f"{alone:.2f} s", "≤ 0.5 s"],
                *_while_threads_call(pool, swap, n_swaps, expected),
            ]


def _while_threads_call(
    pool: Pool, swap: Callable[[int], float], n_swaps: int, expected: dict[str | None, Any]
) -> list[list[str]]:
    stop, swapping = Event(), Event()
    warm = Barrier(N_THREADS + 1)

    def call() -> tuple[list[float], list[float], int, int]:
        before: list[float] = []
        during: list[float] = []
        n_failed = n_wrong = 0
        while not stop.is_set():
            started = time.perf_counter()
            is_during = swapping.is_set()
            try:
                answer = pool.call("m", "encode_query", [SHORT])
            except Exception:
                n_failed += 1
                continue
            right = expected[answer.version.fingerprint]
            n_wrong += not np.allclose(answer.value, right, atol=1e-4)
            (during if is_during else before).append(time.perf_counter() - started)
            if len(before) == 20 and not is_during:
                warm.wait()
        return before, during, n_failed, n_wrong

    with ThreadPoolExecutor(N_THREADS) as threads:
        futures = [threads.submit(call) for _ in range(N_THREADS)]
        warm.wait()
        swapping.set()
        seconds = [swap(number) for number in range(n_swaps)]
        stop.set()
        found = [future.result() for future in futures]
    before = [one for times, _, _, _ in found for one in times]
    during = [one for _, times, _, _ in found for one in times]
    n_failed, n_wrong = sum(row[2] for row in found), sum(row[3] for row in found)
    ratio = np.percentile(during, 99) / np.percentile(before, 99)
    what = f"{n_swaps} swaps, {N_THREADS} threads, {len(before) + len(during):,} calls"
    return [
        [f"{what}: failed, wrong", f"{n_failed}, {n_wrong}", "0, 0"],
        ["99th percentile during swaps, to before", f"{ratio:.2f}", "≤ 2"],
        ["a swap under that load, median", f"{statistics.median(seconds):.2f} s", ""],
    ]


def _cycles() -> list[list[str]]:
    """By how much the process grows when a model is loaded and unloaded again and again."""
    with _pool().with_model("m", f"local:{CHECKPOINT}/", device="cpu").build() as pool:
        sizes: list[int] = []
        for _ in range(N_CYCLES):
            with pool.encoder("m").lease() as lease:
                generation = lease.generation
                lease.model.encode_query([SHORT])
            pool.unload("m")
            generation.closed.wait()
            del lease, generation
            trim("cpu")
            sizes.append(read_memory("cpu").own_bytes)
    # The first cycles import and allocate what stays.
    growth = max(sizes[-5:]) / max(sizes[2:7]) - 1
    return [[f"growth of the process over {N_CYCLES} cycles", f"{growth:+.1%}", "≤ 2 %"]]


def _batches() -> list[list[str]]:
    """Many callers with one short text each: one by one, in batches, and the peer."""
    peer_module: Any = __import__("sentence_transformers")
    peer = peer_module.SentenceTransformer(str(CHECKPOINT), device="cpu")
    with _pool().with_model("m", f"local:{CHECKPOINT}/", device="cpu").build() as pool:
        handle = pool.encoder("m")
        together = handle.with_options(batched=True)
        with ThreadPoolExecutor(N_CALLERS) as threads:

            def all_call(call: Callable[[], object]) -> None:
                def several(_: int) -> None:
                    for _ in range(N_CALLS_EACH):
                        call()

                list(threads.map(several, range(N_CALLERS)))

            def one_by_one() -> None:
                for _ in range(N_CALLERS * N_CALLS_EACH):
                    handle.encode_query([SHORT])

            calls: dict[str, Callable[[], object]] = {
                "one by one": one_by_one,
                "together": lambda: all_call(lambda: together.encode_query([SHORT])),
                "peer": lambda: all_call(lambda: peer.encode([SHORT], show_progress_bar=False)),
            }
            processor = dict.fromkeys(calls, float("inf"))

            def counted(name: str) -> None:
                started = time.process_time()
                calls[name]()
                processor[name] = min(processor[name], time.process_time() - started)

            times = in_turns({name: partial(counted, name) for name in calls}, N_ROUNDS)
    wall = {name: min(seconds) for name, seconds in times.items()}

    def ratio(name: str) -> str:
        by_wall, by_processor = (found[name] / found["together"] for found in (wall, processor))
        return f"{by_wall:.2f}; in processor time {by_processor:.2f}"

    speed = f"{N_CALLERS * N_CALLS_EACH / wall['together']:,.0f} a second"
    return [
        [f"{N_CALLERS} threads, one short text each, in batches", speed, ""],
        ["the same, to one by one", ratio("one by one"), "≥ 3.5"],
        ["the same, to sentence-transformers behind threads", ratio("peer"), "≥ 5"],
    ]


def _personal_data() -> list[list[str]]:
    classifier, rows = PiiClassifier(), []
    for text in (_LETTER[:200], _FORM[:200]):
        found = ", ".join(span.label for span in classifier.classify(text))
        cost = _cpu_us(partial(classifier.classify, text), n=1000)
        rows.append(
            [f"personal data in {len(text)} characters: {found}", f"{cost:.0f} µs", "≤ 50 µs"]
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure the pool.")
    parser.add_argument("--swaps", type=int, default=N_SWAPS, help="how many swaps under load")
    parser.add_argument("parts", nargs="*", help="what to measure; all by default")
    chosen = parser.parse_args()
    print(table(chosen.swaps, chosen.parts).markdown())


if __name__ == "__main__":
    main()
