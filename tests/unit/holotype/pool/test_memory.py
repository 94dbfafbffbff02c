"""What a device has, by cgroups of both versions, and the ledger of who holds it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.pool import memory
from holotype.pool.memory import CgroupMemory, Ledger, cgroup_memory, read_memory, trim

GIB = 1024**3
NONE_IN_VERSION_1 = "9223372036854771712"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


def test_version_2_leaves_the_limit_without_what_is_used_and_cannot_be_dropped(
    tmp_path: Path,
) -> None:
    files = {
        "memory.max": f"{4 * GIB}\n",
        "memory.high": "max\n",
        "memory.current": f"{3 * GIB}\n",
        "memory.stat": f"anon 12\ninactive_file {GIB}\n",
    }
    root = write(tmp_path / "fs", files)
    found = cgroup_memory(root, own(tmp_path, "0::/\n"))
    assert found == CgroupMemory(limit_bytes=4 * GIB, left_bytes=2 * GIB)


def test_version_2_counts_the_lower_of_max_and_high_and_of_the_groups_above(tmp_path: Path) -> None:
    files = {
        "pod/memory.max": f"{8 * GIB}",
        "pod/memory.high": f"{2 * GIB}",
        "pod/memory.current": "0",
        "pod/box/memory.max": "max",
        "pod/box/memory.high": "max",
        "pod/box/memory.current": "0",
    }
    root = write(tmp_path / "fs", files)
    found = cgroup_memory(root, own(tmp_path, "0::/pod/box\n"))
    assert found == CgroupMemory(limit_bytes=2 * GIB, left_bytes=2 * GIB)


def test_version_1_is_read_too(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": f"{GIB}",
        "memory/memory.usage_in_bytes": f"{GIB // 2}",
        "memory/memory.stat": f"total_inactive_file {GIB // 4}\n",
    }
    root = write(tmp_path / "fs", files)
    # The path is the machine's; what is mounted in the container is the group itself.
    lines = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n"
    found = cgroup_memory(root, own(tmp_path, lines))
    assert found == CgroupMemory(limit_bytes=GIB, left_bytes=3 * GIB // 4)


def test_the_huge_number_of_version_1_is_no_limit(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": NONE_IN_VERSION_1,
        "memory/memory.usage_in_bytes": "100",
    }
    root = write(tmp_path / "fs", files)
    assert cgroup_memory(root, own(tmp_path, "4:memory:/\n")) is None


@pytest.mark.parametrize("text", ["", "0::/\n", "4:memory:/\n", "nonsense\n"])
def test_no_files_are_no_limit(tmp_path: Path, text: str) -> None:
    assert cgroup_memory(tmp_path, own(tmp_path, text)) is None
    assert cgroup_memory(tmp_path, tmp_path / "missing") is None


def test_a_group_above_its_limit_has_nothing_left(tmp_path: Path) -> None:
    files = {"memory.max": "100", "memory.high": "max", "memory.current": "150"}
    root = write(tmp_path / "fs", files)
    assert cgroup_memory(root, own(tmp_path, "0::/\n")) == CgroupMemory(
        limit_bytes=100, left_bytes=0
    )


def test_the_memory_of_this_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_memory("cpu")
    assert 0 < found.own_bytes < found.total_bytes
    assert 0 < found.available_bytes <= found.total_bytes
    limit = CgroupMemory(limit_bytes=found.total_bytes // 2, left_bytes=1000)
    monkeypatch.setattr(memory, "cgroup_memory", lambda: limit)
    limited = read_memory("cpu")
    assert (limited.total_bytes, limited.available_bytes) == (found.total_bytes // 2, 1000)


def test_a_limit_above_what_the_machine_has_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = CgroupMemory(limit_bytes=2**60, left_bytes=1)
    monkeypatch.setattr(memory, "cgroup_memory", lambda: limit)
    assert read_memory("cpu").total_bytes < 2**60


def test_a_gpu_has_what_is_free_and_what_torch_keeps_unused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Cuda:
        is_available = staticmethod(lambda: True)
        mem_get_info = staticmethod(lambda device: (60, 100))
        memory_reserved = staticmethod(lambda device: 30)
        memory_allocated = staticmethod(lambda device: 20)

    torch: Any = type("torch", (), {"cuda": Cuda})
    monkeypatch.setitem(sys.modules, "torch", torch)
    found = read_memory("cuda:0")
    assert (found.total_bytes, found.available_bytes, found.own_bytes) == (100, 70, 20)


def test_trimming_is_harmless() -> None:
    trim("cpu")
    trim("cuda:0")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["reserve", "release"]),
            st.integers(0, 1000),
        )
    )
)
def test_the_ledger_is_the_sum_of_what_is_reserved(steps: list[tuple[str, str, int]]) -> None:
    ledger, expected = Ledger("cpu", 10_000), dict[str, int]()
    for holder, step, n_bytes in steps:
        if step == "reserve":
            ledger.reserve(holder, n_bytes)
            expected[holder] = n_bytes
        else:
            assert ledger.release(holder) == expected.pop(holder, 0)
    assert ledger.held_bytes == sum(expected.values())
    assert ledger.free_bytes == 10_000 - sum(expected.values())
    assert dict(ledger.holders()) == expected


def test_a_ledger_refuses_less_than_nothing() -> None:
    with pytest.raises(ValueError, match="-1 bytes"):
        Ledger("cpu", 10).reserve("a", -1)


def test_what_does_not_come_back_counts_as_used_until_it_does() -> None:
    ledger = Ledger("cpu", 100)
    assert ledger.note_return(expected_bytes=40, returned_bytes=10, unexplained_bytes=50) == 30
    assert ledger.free_bytes == 70
    assert ledger.note_return(expected_bytes=10, returned_bytes=35, unexplained_bytes=50) == 0
    assert ledger.free_bytes == 95


def test_never_more_is_missing_than_the_process_holds() -> None:
    ledger = Ledger("cpu", 100)
    ledger.note_return(expected_bytes=40, returned_bytes=-200, unexplained_bytes=5)
    assert ledger.unreturned_bytes == 5
    ledger.note_return(expected_bytes=40, returned_bytes=0, unexplained_bytes=-5)
    assert ledger.unreturned_bytes == 0
