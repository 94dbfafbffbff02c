"""How much memory a model takes, and what of it survives the process."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from holotype.pool.sizes import BATCH_BYTES, Sizes, estimate_bytes, identity_of


def test_a_size_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "sizes.json"
    Sizes(path).remember("sha256:a", 100)
    assert Sizes(path).remembered("sha256:a") == 100
    assert Sizes(path).remembered("sha256:b") is None


def test_two_processes_do_not_forget_each_others_sizes(tmp_path: Path) -> None:
    path = tmp_path / "sizes.json"
    one, two = Sizes(path), Sizes(path)
    one.remember("a", 1)
    two.remember("b", 2)
    one.remember("a", 3)
    assert [Sizes(path).remembered(name) for name in "ab"] == [3, 2]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "sizes": {}}', '{"format": 1}'])
def test_a_damaged_file_is_a_warning_and_is_written_anew(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sizes.json"
    path.write_text(text)
    with caplog.at_level(logging.WARNING, "holotype.pool"):
        sizes = Sizes(path)
    assert "written anew" in caplog.text
    sizes.remember("a", 5)
    assert Sizes(path).remembered("a") == 5


def test_values_that_are_no_sizes_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps({"format": 1, "sizes": {"a": -1, "b": True, "c": "5", "d": 7}}))
    assert [Sizes(path).remembered(name) for name in "abcd"] == [None, None, None, 7]


def test_a_file_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    sizes = Sizes(tmp_path / "file" / "sizes.json")
    sizes.remember("a", 5)
    assert "cannot be written" in caplog.text
    assert sizes.remembered("a") == 5


def test_without_a_file_sizes_are_forgotten_with_the_process() -> None:
    sizes = Sizes(None)
    sizes.remember("a", 5)
    assert sizes.remembered("a") == 5


def test_the_file_of_the_user_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLOTYPE_CACHE", str(tmp_path))
    Sizes.of_user().remember("a", 5)
    assert (tmp_path / "sizes.json").is_file()


def test_the_estimate_follows_its_formula() -> None:
    assert estimate_bytes(1_000_000, None) == 4_800_000 + BATCH_BYTES
    assert estimate_bytes(1_000_000, "bfloat16") == 2_400_000 + BATCH_BYTES
    assert estimate_bytes(1_000_000, "int8") == 1_200_000 + BATCH_BYTES


def test_an_identity_depends_on_every_fact_and_not_on_their_order() -> None:
    assert identity_of({"a": 1, "b": 2}) == identity_of({"b": 2, "a": 1})
    assert identity_of({"a": 1}) != identity_of({"a": 2})
