"""Files are replaced in one step, or not at all, and the same in both packages."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

import holotype.atomic_file
import holotype_codegen.atomic_file
from holotype.atomic_file import writing_file

Replace: TypeAlias = Callable[[Path, bytes], None]

SRC = Path(__file__).parent.parent.parent / "src"


@pytest.fixture(params=[holotype.atomic_file, holotype_codegen.atomic_file])
def replace_file(request: pytest.FixtureRequest) -> Replace:
    """The one function of each package that writes a file in one step."""
    function: Replace = request.param.replace_file
    return function


def test_a_new_file_has_the_permissions_of_every_new_file(
    replace_file: Replace, tmp_path: Path
) -> None:
    usual, new = tmp_path / "usual", tmp_path / "new"
    usual.touch()
    replace_file(new, b"text")
    assert new.read_bytes() == b"text"
    assert new.stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("permissions", [0o600, 0o640, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(
    replace_file: Replace, tmp_path: Path, permissions: int
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(permissions)
    replace_file(file, b"new")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == permissions


def test_a_failure_leaves_neither_half_a_file_nor_a_temporary_one(
    replace_file: Replace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def fail(_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        replace_file(file, b"new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_is_neither_followed_nor_replaced(replace_file: Replace, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(OSError, match="is a link"):
        replace_file(link, b"new")
    assert target.read_text() == "old"
    assert link.is_symlink()


def test_a_link_that_leads_nowhere_is_refused(replace_file: Replace, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="is a link"):
        replace_file(link, b"new")


def test_a_pipe_is_not_replaced(replace_file: Replace, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="is not a regular file"):
        replace_file(pipe, b"new")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_the_data_reach_the_disk_before_the_name_changes(
    replace_file: Replace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    seen = []
    monkeypatch.setattr("os.fsync", lambda _: seen.append(file.read_text()))
    replace_file(file, b"new")
    assert seen == ["old", "new"]


KILLED = """
import os, signal, sys
from pathlib import Path
from {package}.atomic_file import writing_file
with writing_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("package", ["holotype", "holotype_codegen"])
def test_what_a_killed_process_left_is_deleted_by_the_next_that_writes(
    package: str, replace_file: Replace, tmp_path: Path
) -> None:
    file, other = tmp_path / "fi[l]e", tmp_path / ".file2.0123abcd.new"
    file.write_text("old")
    other.write_text("of another file")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(package=package), str(file)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert file.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3
    replace_file(file, b"new")
    assert file.read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {file.name, other.name}


def test_what_is_being_written_is_no_leftover(replace_file: Replace, tmp_path: Path) -> None:
    file = tmp_path / "file"
    with writing_file(file) as writing:
        writing.write(b"last")
        replace_file(file, b"first")
        assert file.read_text() == "first"
    assert file.read_text() == "last"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_new_file_that_was_taken_for_a_leftover_is_made_again(
    replace_file: Replace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, real = tmp_path / "file", fcntl.flock

    def lock_late(descriptor: int, how: int) -> None:
        for found in tmp_path.glob(".file.*.new"):
            found.unlink()
            monkeypatch.setattr("fcntl.flock", real)
        real(descriptor, how)

    monkeypatch.setattr("fcntl.flock", lock_late)
    replace_file(file, b"new")
    assert fcntl.flock is real
    assert file.read_text() == "new"


def test_a_file_system_without_locks_is_written_all_the_same(
    replace_file: Replace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    (tmp_path / ".file.0123abcd.new").touch()
    replace_file(tmp_path / "file", b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"file", ".file.0123abcd.new"}


@pytest.mark.parametrize("package", ["holotype", "holotype_codegen"])
def test_nothing_else_writes_a_temporary_file_beside_another(package: str) -> None:
    named = {
        file.name
        for file in (SRC / package).rglob("*.py")
        if any(word in file.read_text() for word in ("temp(", "os.replace(", "token_hex("))
    }
    assert named == {"atomic_file.py"}
