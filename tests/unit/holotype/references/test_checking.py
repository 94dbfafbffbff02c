from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holotype.references import Manifest, check_contents, check_sizes
from holotype.references.hashing import hash_file


def flip_a_bit(folder: Path) -> None:
    body = bytearray((folder / "model.safetensors").read_bytes())
    body[4999] ^= 1
    (folder / "model.safetensors").write_bytes(body)


def truncate(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 4999)


def lengthen(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\0" * 5001)


def remove(folder: Path) -> None:
    (folder / "1_Pooling/config.json").unlink()


def add(folder: Path) -> None:
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense/model.safetensors").write_bytes(b"12")


def link(folder: Path) -> None:
    body = (folder / "config.json").read_bytes()
    (folder / "elsewhere").write_bytes(body)
    (folder / "elsewhere").rename(folder.parent / "elsewhere")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(folder.parent / "elsewhere")


def link_a_folder(folder: Path) -> None:
    (folder / "1_Pooling").rename(folder.parent / "elsewhere")
    (folder / "1_Pooling").symlink_to(folder.parent / "elsewhere")


def replace_by_a_folder(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def replace_by_a_pipe(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


CHANGES: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "nothing": (lambda _: None, []),
    "shorter": (
        truncate,
        ["changed: model.safetensors (4999 bytes, expected 5000)"],
    ),
    "longer": (lengthen, ["changed: model.safetensors (5001 bytes, expected 5000)"]),
    "missing": (remove, ["missing: 1_Pooling/config.json (23 bytes)"]),
    "extra": (add, ["extra: 2_Dense/model.safetensors (2 bytes)"]),
    "link": (link, ["not a file: config.json (a symbolic link)"]),
    "linked folder": (
        link_a_folder,
        ["extra: 1_Pooling (16 bytes)", "missing: 1_Pooling/config.json (23 bytes)"],
    ),
    "folder": (replace_by_a_folder, ["not a file: config.json (a folder)"]),
    "pipe": (replace_by_a_pipe, ["not a file: config.json (a device or a socket)"]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("check", [check_sizes, check_contents])
def test_every_file_that_differs_is_named(
    artifact: Path,
    manifest: Manifest,
    change: str,
    check: Callable[[Path, Manifest], tuple[object, ...]],
) -> None:
    make, expected = CHANGES[change]
    make(artifact)
    found = [str(finding) for finding in check(artifact, manifest)]
    if change == "linked folder":
        # What a link's own size is depends on where it points.
        found[0] = found[0].partition("(")[0] + "(16 bytes)"
    assert found == expected


def test_a_flipped_bit_is_found_by_the_contents_only(artifact: Path, manifest: Manifest) -> None:
    flip_a_bit(artifact)
    assert check_sizes(artifact, manifest) == ()
    (finding,) = check_contents(artifact, manifest)
    assert (finding.path, finding.problem) == ("model.safetensors", "changed")
    assert "expected" in finding.detail


def test_progress_counts_every_byte(artifact: Path, manifest: Manifest) -> None:
    seen: list[int] = []
    assert check_contents(artifact, manifest, on_bytes=seen.append, n_threads=2) == ()
    assert sum(seen) == manifest.size


def test_a_digest_is_that_of_the_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(file) == expected
