"""What an export says of a folder that cannot be written."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from holotype.encoders.exports.exporting import explained
from holotype.errors import CheckpointError, ExportError


def test_a_full_disk_names_the_folder_that_is_written_and_not_the_file_that_is_read(
    tmp_path: Path,
) -> None:
    full = OSError(
        errno.ENOSPC, "No space left on device", "model/vocab.txt", None, "made/vocab.txt"
    )
    with pytest.raises(ExportError) as caught, explained("m", tmp_path):
        raise full
    assert caught.value.problem == f"{tmp_path} cannot be read or written: No space left on device"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    words = r"absent\.txt cannot be read or written: No such file"
    with pytest.raises(ExportError, match=words), explained("m", tmp_path):
        (tmp_path / "absent.txt").read_bytes()


@pytest.mark.parametrize(("free", "kind"), [(4096, ExportError), (1 << 30, RuntimeError)])
def test_a_library_that_fails_on_a_full_disk_is_explained_by_the_disk(
    free: int, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    with pytest.raises(kind) as caught, explained("m", tmp_path):
        raise RuntimeError("basic_ios::clear: iostream error")
    if kind is ExportError:
        assert "its disk has 4,096 bytes free; make room" in str(caught.value)


def test_errors_that_explain_themselves_stay(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError), explained("m", tmp_path):
        raise CheckpointError("folder", "is damaged")


def test_a_disk_that_seems_to_have_room_again_has_not_held_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=9_000_000))
    with (
        pytest.raises(ExportError, match="its disk has 9,000,000 bytes free; make room"),
        explained("m", tmp_path, room=9_000_001),
    ):
        raise RuntimeError("cannot write")
