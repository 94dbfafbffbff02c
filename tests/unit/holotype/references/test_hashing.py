from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holotype.references import hashing
from holotype.references.hashing import OnBytes, hash_file, hash_file_once

OLD_NS = 1_700_000_000_000_000_000


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_known", {})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read."""
    found: list[Path] = []

    def counting(path: Path, *, on_bytes: OnBytes | None = None) -> str:
        found.append(path)
        return hash_file(path, on_bytes=on_bytes)

    monkeypatch.setattr(hashing, "hash_file", counting)
    return found


@pytest.fixture
def new_counts_as_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been written seconds ago."""
    monkeypatch.setattr(hashing, "_TICK_NS", 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"first")
    return path


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def write_in_place(path: Path) -> None:
    path.write_bytes(b"other")


def exchange(path: Path) -> None:
    (path.parent / "new").write_bytes(b"other")
    (path.parent / "new").replace(path)


def write_through_another_name(path: Path) -> None:
    os.link(path, path.parent / "linked")
    (path.parent / "linked").write_bytes(b"other")


@pytest.mark.usefixtures("new_counts_as_old")
def test_a_file_is_read_once(file: Path, read: list[Path]) -> None:
    assert [hash_file_once(file) for _ in range(3)] == [digest(b"first")] * 3
    assert read == [file]


@pytest.mark.usefixtures("new_counts_as_old")
@pytest.mark.parametrize("write", [write_in_place, exchange, write_through_another_name])
def test_a_file_is_read_again_after_a_write_whose_time_was_set_back(
    file: Path, write: Callable[[Path], None]
) -> None:
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert hash_file_once(file) == digest(b"first")
    write(file)
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert hash_file_once(file) == digest(b"other")


def test_a_file_that_was_just_written_is_not_remembered(file: Path, read: list[Path]) -> None:
    hash_file_once(file)
    hash_file_once(file)
    assert read == [file, file]


@pytest.mark.usefixtures("new_counts_as_old")
def test_a_digest_is_forgotten_after_a_while(
    file: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_file_once(file)
    monkeypatch.setattr(hashing, "_KEPT_FOR_S", 0.0)
    assert hash_file_once(file) == digest(b"first")
    assert len(read) == 2


@pytest.mark.usefixtures("new_counts_as_old")
def test_no_digest_is_remembered_where_no_time_tells_of_every_write(
    file: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "_REMEMBERS", False)
    hash_file_once(file)
    hash_file_once(file)
    assert len(read) == 2


@pytest.mark.usefixtures("new_counts_as_old")
def test_the_digest_of_a_file_that_changes_while_it_is_read_is_not_remembered(file: Path) -> None:
    def write_once(_: int) -> None:
        if file.stat().st_size == len(b"first"):
            with file.open("ab") as more:
                more.write(b"x")

    hash_file(file, on_bytes=write_once)
    assert hashing._known == {}


@pytest.mark.usefixtures("new_counts_as_old")
def test_what_is_remembered_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_MOST_FILES", 3)
    for number in range(10):
        path = tmp_path / str(number)
        path.write_bytes(b"%d" % number)
        assert hash_file_once(path) == digest(b"%d" % number)
        assert len(hashing._known) <= 3


def test_a_link_is_not_followed(file: Path) -> None:
    (file.parent / "link").symlink_to(file)
    with pytest.raises(OSError, match="link"):
        hash_file_once(file.parent / "link")
