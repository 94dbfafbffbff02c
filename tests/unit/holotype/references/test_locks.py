from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from holotype.errors import ArtifactError, ArtifactExistsError, MissingExtraError, StoreBusyError
from holotype.references.locks import exclusive, remove_lock
from holotype.references.staging import stage_empty_folder, stage_folder

HOLDER = """
import sys
from pathlib import Path
from holotype.references.locks import exclusive
with exclusive(Path(sys.argv[1]), busy=""):
    print("held", flush=True)
    input()
"""


def test_a_lock_is_held_against_other_processes_and_ends_with_them(tmp_path: Path) -> None:
    file = tmp_path / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreBusyError, match="somebody is at work"),
            exclusive(file, busy="somebody is at work", patience_s=0.0),
        ):
            pass
        holder.kill()
    with exclusive(file, busy="", patience_s=5.0):
        pass


def test_who_waits_for_a_lock_whose_file_is_deleted_takes_a_new_one(tmp_path: Path) -> None:
    """Otherwise a third one could hold the new file at the same time."""
    file = tmp_path / ".lock"
    opened, entered = threading.Event(), threading.Event()

    def wait() -> None:
        opened.set()
        with exclusive(file, busy=""):
            assert file.exists()
            entered.set()

    with exclusive(file, busy=""):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert opened.wait(10)
        remove_lock(file)
    waiting.join(10)
    assert entered.is_set()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(ArtifactError, match="cannot be written"),
        exclusive(tmp_path / "lock", busy=""),
    ):
        pass


def test_of_many_that_make_one_folder_one_does_and_leaves_nothing_else(tmp_path: Path) -> None:
    made: list[int] = []
    late: list[int] = []

    def make(number: int) -> None:
        try:
            with stage_folder(tmp_path / "artifact", wait=True) as staging:
                (staging / "file").write_text(str(number))
                made.append(number)
        except ArtifactExistsError:
            late.append(number)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(made), len(late)) == (1, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_what_is_left_is_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), stage_folder(tmp_path / "artifact") as staging:
        (staging / "file").write_text("half")
        raise KeyboardInterrupt
    with stage_folder(tmp_path / "artifact") as staging:
        assert (staging / "file").read_text() == "half"
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_what_cannot_be_gone_on_with_begins_anew_and_leaves_nothing_after_an_error(
    tmp_path: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt), stage_folder(tmp_path / "made") as staging:
        (staging / "file").write_text("of a process that was killed")
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), stage_empty_folder(tmp_path / "made") as staging:
        assert list(staging.iterdir()) == []
        (staging / "folder").mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with stage_empty_folder(tmp_path / "made") as staging:
        (staging / "other").write_text("whole")
    assert [path.as_posix() for path in tmp_path.rglob("*")] == [
        f"{tmp_path}/made",
        f"{tmp_path}/made/other",
    ]


def test_nothing_is_left_where_nothing_was_made(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), stage_folder(tmp_path / "artifact"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_missing_filelock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "filelock", None)
    with (
        pytest.raises(MissingExtraError, match=r"pip install 'holotype\[artifacts\]'"),
        stage_folder(tmp_path / "artifact"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
