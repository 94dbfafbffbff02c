"""Deployments in files and folders: what is read, and when it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.deployment.made import one

from holotype.deployment.files import FileSource
from holotype.deployment.problems import DeploymentError
from holotype.deployment.snapshots import MAX_DOCUMENTS, DeploymentSourceError
from holotype.deployment.sources import open_source
from holotype.deployment.tree import MAX_BYTES

TEXT = one("source: 's3://bucket/prefix'")


def test_a_file_is_read_with_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(TEXT, encoding="utf-8-sig")
    source = open_source(file)
    found = source.fetch()
    (document,) = found.documents
    assert (document.name, document.text) == (str(file), TEXT)
    assert document.folder == str(tmp_path)
    assert source.folder == tmp_path
    assert found.version == found.digest


def test_a_digest_changes_with_the_text_alone(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(TEXT)
    before = open_source(file).fetch().digest
    file.unlink()
    file.write_text(TEXT)
    assert open_source(file).fetch().digest == before
    file.write_text(TEXT + "\n")
    assert open_source(file).fetch().digest != before


def test_a_folder_has_its_files_in_order_and_no_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    for name in ("b.yml", "a.yaml", "c.json", ".d.yaml", "e.txt", "..2026/f.yaml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "g.yaml").mkdir()
    (tmp_path / "h.yaml").symlink_to(tmp_path / "..2026/f.yaml")
    found = open_source(tmp_path).fetch().documents
    assert [each.text for each in found] == ["a.yaml", "b.yml", "c.json", "..2026/f.yaml"]
    assert found[-1].name == str(tmp_path / "h.yaml")


def test_files_that_change_while_they_are_read_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("old")
    read = FileSource._read
    changed: list[Path] = []

    def swap(self: FileSource, path: Path) -> Any:
        found = read(self, path)
        if not changed:
            changed.append(path)
            for name in ("a.yaml", "b.yaml"):
                (tmp_path / name).write_text("newer")
        return found

    monkeypatch.setattr(FileSource, "_read", swap)
    assert [each.text for each in open_source(tmp_path).fetch().documents] == ["newer", "newer"]


def test_files_that_never_rest_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("")
    read = FileSource._read

    def grow(self: FileSource, path: Path) -> Any:
        found = read(self, path)
        path.write_text(found.text + "x")
        return found

    monkeypatch.setattr(FileSource, "_read", grow)
    with pytest.raises(DeploymentSourceError, match="changes all the time"):
        open_source(file).fetch()


def test_what_is_not_there_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentSourceError, match="does not exist; write the path"):
        open_source(tmp_path / "d.yaml").fetch()
    with pytest.raises(DeploymentSourceError, match=r"no file that ends with \.yaml"):
        open_source(tmp_path).fetch()
    with pytest.raises(DeploymentSourceError, match="is no file"):
        open_source("/dev/null").fetch()


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(DeploymentSourceError, match="does not exist"):
        open_source(tmp_path / "a.yaml").fetch()


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FileSource, path: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.yaml").write_text(TEXT)
    monkeypatch.setattr(FileSource, "_read", refuse)
    with pytest.raises(DeploymentSourceError, match="cannot be read: Permission denied"):
        open_source(tmp_path / "a.yaml").fetch()


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    for number in range(MAX_DOCUMENTS + 1):
        (tmp_path / f"{number}.yaml").touch()
    with pytest.raises(DeploymentSourceError, match="1,001 files"):
        open_source(tmp_path).fetch()


def test_other_bytes_than_utf_8_are_refused_with_their_line(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes("a: é\nb: ".encode() + b"\xe9\n")
    with pytest.raises(DeploymentError) as refused:
        open_source(file).fetch()
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (2, 4)
    assert "0xe9" in problem.found


def test_of_a_file_without_end_only_the_beginning_is_read(tmp_path: Path) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes("é".encode() * MAX_BYTES)
    (document,) = open_source(file).fetch().documents
    assert MAX_BYTES // 2 <= len(document.text) <= MAX_BYTES
