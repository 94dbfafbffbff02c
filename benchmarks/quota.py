"""Documents in a process that may use less than all cores' time, as containers often may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from targets import CannotMeasureError

N_CORES = 1.5
_PERIOD_US = 100_000
_GROUPS = Path("/sys/fs/cgroup")


def ratios(n_documents: int, n_rounds: int) -> tuple[float, float]:
    """Return how many times as fast as sentence-transformers holotype is, by wall and by CPU time.

    Raises:
        CannotMeasureError: this process cannot set a quota.
    """
    with _group() as processes:
        command = [sys.executable, __file__, str(processes), str(n_documents), str(n_rounds)]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    wall, cpu = json.loads(done.stdout)
    return wall, cpu


@contextmanager
def _group() -> Iterator[Path]:
    """Make a group of processes with a quota, and yield the file that takes them in."""
    if len(os.sched_getaffinity(0)) <= N_CORES:
        raise CannotMeasureError(f"a quota of {N_CORES} cores needs more cores than that")
    # The first version of cgroups has a folder for each resource, the second one for all.
    is_first = (_GROUPS / "cpu").is_dir()
    group = (_GROUPS / "cpu" if is_first else _GROUPS) / f"holotype-bench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise CannotMeasureError(f"no right to set a quota ({error.strerror})") from None
    try:
        limit = int(N_CORES * _PERIOD_US)
        try:
            if is_first:
                (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US), encoding="ascii")
                (group / "cpu.cfs_quota_us").write_text(str(limit), encoding="ascii")
            else:
                (group / "cpu.max").write_text(f"{limit} {_PERIOD_US}", encoding="ascii")
        except OSError as error:
            raise CannotMeasureError(f"the system has no quotas ({error.strerror})") from None
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def _measure(n_documents: int, n_rounds: int) -> tuple[float, float]:
    from sentence_transformers import SentenceTransformer

    import holotype
    from corpus import CHECKPOINT, documents
    from holotype.models import ALL_MINILM_L6_V2
    from timing import wall_and_cpu

    texts = documents(n_documents)
    ours = holotype.load(ALL_MINILM_L6_V2, checkpoint=CHECKPOINT, device="cpu", dtype="float32")
    theirs = SentenceTransformer(str(CHECKPOINT), device="cpu")
    return wall_and_cpu(
        partial(theirs.encode_document, texts), partial(ours.encode_document, texts), n_rounds
    )


if __name__ == "__main__":
    # Before torch counts the cores.
    Path(sys.argv[1]).write_text(str(os.getpid()), encoding="ascii")
    print(json.dumps(_measure(int(sys.argv[2]), int(sys.argv[3]))))
