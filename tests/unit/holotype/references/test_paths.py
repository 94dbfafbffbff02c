from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holotype.references import UnsafePathError
from holotype.references.paths import check_distinct, check_path, files_below, open_file

UNSAFE = [
    "",
    "..",
    "../config.json",
    "1_Pooling/../../config.json",
    "./config.json",
    "a//b",
    "a/",
    "/etc/passwd",
    "//server/share",
    "\\\\server\\share",
    "..\\config.json",
    "a\\b",
    "C:\\config.json",
    "C:config.json",
    "c:/config.json",
    "config.json:stream",
    "con",
    "CON.json",
    "nul.txt",
    "a/AUX",
    "com1.bin",
    "LPT¹",
    "CONIN$",
    "con .txt",
    "name.",
    "name ",
    " name",
    "folder./file",
    "a?b",
    "a*b",
    'a"b',
    "a<b",
    "a|b",
    "a\0b",
    "a\nb",
    "a\u202eb",
    "a\ud800b",
    "x" * 256,
    "a/" * 300 + "b",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_a_path_that_leaves_its_folder_or_is_a_trap_somewhere_is_refused(path: str) -> None:
    with pytest.raises(UnsafePathError) as caught:
        check_path(path, "artifact.json")
    assert caught.value.path == path
    assert str(caught.value).startswith("artifact.json: the path ")


def test_what_windows_reads_otherwise_is_named_in_one_order() -> None:
    with pytest.raises(UnsafePathError, match=r"has \* : < > \?, which Windows"):
        check_path("a?b>c<d:e*f?", "artifact.json")


@pytest.mark.parametrize(
    "path",
    [
        *("config.json", "1_Pooling/config.json", "model-00001-of-00002.safetensors", "ünï.txt"),
        *("console.json", ".gitattributes", "a b.txt", "com10", "a@b/c+d=e,f"),
    ],
)
def test_a_usual_path_is_accepted(path: str) -> None:
    assert check_path(path, "artifact.json") == path


@given(st.text(max_size=30))
def test_what_is_accepted_stays_in_its_folder(text: str) -> None:
    try:
        check_path(text, "x")
    except UnsafePathError:
        return
    joined = os.path.normpath(os.path.join("/folder", text))  # noqa: PTH118 - without a file system
    assert joined == f"/folder/{text}"


@pytest.mark.parametrize(
    "paths",
    [["a", "A"], ["é", "e\u0301"], ["ß", "SS"], ["a", "a/b"], ["A", "a/b/c"], ["x", "x"]],
)
def test_paths_that_are_one_file_on_some_system_are_refused(paths: list[str]) -> None:
    with pytest.raises(UnsafePathError, match=r"on some systems|which is a file"):
        check_distinct(paths, "artifact.json")


def test_links_are_seen_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "inside")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert sorted(path for path, _ in files_below(tmp_path)) == ["inside/file", "link", "loop"]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    with open_file(tmp_path / "file") as file:
        assert file.read() == b"x"
    for name in ("link", "pipe", "."):
        with pytest.raises(OSError, match=r"."):
            open_file(tmp_path / name)
