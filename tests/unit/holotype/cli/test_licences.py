"""`holotype licenses`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.unit.holotype.cli.command import FIXTURE, headings, run

from holotype import get_model
from holotype.references import ModelRef
from holotype.references.lock_file import LockedModel, LockFile
from holotype.references.manifest import FileEntry

DEPLOYMENT = """\
version: "1.0"
models:
  search: {source: "catalogue:tiny-dense-v2"}
  sparse: {source: "catalogue:tiny-sparse"}
  rules: {source: {type: builtin, name: pii}}
"""
PINNED, OTHER = get_model("bge-m3").revision or "", "0123456789" * 4
SPARSE = [
    *("sparse", "catalogue:tiny-sparse", "tiny-sparse", "acme/tiny-sparse", "-"),
    *("cc-by-nc-sa-4.0", "fixture", "no"),
]


@pytest.fixture
def deployment(tmp_path: Path) -> str:
    file = tmp_path / "d.yaml"
    file.write_text(DEPLOYMENT)
    return str(file)


def test_each_model_of_a_deployment_has_its_licence_and_its_source(deployment: str) -> None:
    answer = run("licenses", "--deployment", deployment)
    assert answer.exit_code == 0
    assert [line[0] for line in answer.lines] == ["search", "sparse", "rules"]
    assert answer.lines[1][5:] == SPARSE[5:]
    assert headings("licenses", "--deployment", deployment)[-1] == "commercial_use"
    assert answer.lines[2][5:] == ["apache-2.0", "holotype", "yes"]
    assert (
        "3 models: commercial use is allowed for 2, forbidden for 1, and unknown for 0"
        in answer.stderr
    )


def test_csv_and_json_have_the_fields_of_a_line_by_name(deployment: str) -> None:
    text = run("licenses", "--deployment", deployment, "--csv").stdout
    as_csv = list(csv.DictReader(io.StringIO(text)))
    as_json = json.loads(run("licenses", "--deployment", deployment, "--json").stdout)
    assert [*as_csv[0]] == [*as_json[0]]
    assert (as_csv[1]["commercial_use"], as_json[1]["commercial_use"]) == ("no", False)
    assert (as_csv[1]["commit"], as_json[1]["problem"]) == ("", None)


def test_only_commercial_use_that_is_known_to_be_allowed_passes() -> None:
    for id, code in (("tiny-dense-v2", 0), ("tiny-sparse", 1), ("2d-dense", 1)):
        assert run("licenses", id, "--require-commercial-use").exit_code == code, id


def test_a_model_that_cannot_be_described_is_in_the_report_and_an_error(tmp_path: Path) -> None:
    place = f"local:{tmp_path / 'nowhere'}"
    answer = run("licenses", "tiny-dense-v2", place)
    assert answer.exit_code == 1
    assert answer.lines[1] == [place, place, *["-"] * 6]
    assert f"{place}: there is no such folder" in answer.stderr


@pytest.mark.parametrize(
    ("card", "licence", "source", "use"),
    [
        (None, "mit", f"the entry of {PINNED[:12]}: ", "yes"),
        (b"# Tiny", "mit", f"the entry of {PINNED[:12]}: ", "yes"),
        (b"---\nlicense: cc-by-nc-4.0\n---\n", "cc-by-nc-4.0", f"README.md @ {OTHER}", "no"),
    ],
)
def test_of_another_revision_the_licence_is_its_cards_or_said_to_be_the_entrys(
    card: bytes | None,
    licence: str,
    source: str,
    use: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    if card is not None:
        file = tmp_path / "models--BAAI--bge-m3/snapshots" / OTHER / "README.md"
        file.parent.mkdir(parents=True)
        file.write_bytes(card)
    pinned, other = f"hf:BAAI/bge-m3@{PINNED}", f"hf:BAAI/bge-m3@{OTHER}"
    answer = run("licenses", pinned, other, catalogue="holotype.models")
    assert answer.exit_code == 0
    assert [line[5] for line in answer.lines] == ["mit", licence]
    assert not answer.lines[0][6].startswith("the entry")
    assert answer.lines[1][6].startswith(source)
    assert answer.lines[1][7] == use
    told = f"the licence of {other} is that of the entry, which is of another revision"
    assert (told in answer.stderr) == (licence == "mit")
    assert pinned not in answer.stderr


def test_a_repository_without_a_revision_is_no_commit_of_the_entry() -> None:
    (line,) = run("licenses", "hf:intfloat/e5-base", catalogue="holotype.models").lines
    assert line[4:6] == ["-", "mit"]
    assert line[6].startswith("the entry of ")


@pytest.mark.parametrize("reference", ["hf:BAAI/bge-m3", "catalogue:bge-m3"])
def test_of_a_lock_the_commit_is_that_of_the_lock(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    locked = LockedModel(
        reference=ModelRef.parse(reference),
        commit=OTHER,
        digest=f"sha256:{'0' * 64}",
        fingerprint=None,
        files=(FileEntry(path="config.json", size=2, sha256="0" * 64),),
    )
    file = tmp_path / "holotype.lock"
    file.write_text(LockFile(models=(locked,)).to_json())
    (line,) = run("licenses", "--lock", str(file), catalogue="holotype.models").lines
    assert (line[4], line[5]) == (OTHER, "mit")
    assert line[6].startswith(f"the entry of {PINNED[:12]}: ")


@pytest.mark.parametrize("further", [[], ["--catalogue", FIXTURE]])
def test_a_repository_that_is_run_in_several_ways_has_one_licence(further: list[str]) -> None:
    answer = run(*further, "licenses", "hf:BAAI/bge-m3@main", catalogue="holotype.models")
    assert answer.exit_code == 0
    assert answer.lines[0][3:6] == ["BAAI/bge-m3", "main", "mit"]


def test_a_repository_of_a_catalogue_of_ones_own_is_described_by_it() -> None:
    answer = run("licenses", "hf:Acme/tiny-sparse@main")
    assert answer.exit_code == 0
    assert answer.lines[0][2:6] == ["tiny-sparse", SPARSE[3], "main", SPARSE[5]]
    assert answer.lines[0][6:] == ["the entry of no known revision: fixture", "no"]


def test_without_anything_all_models_of_the_catalogue_are_listed() -> None:
    assert [line[0] for line in run("licenses").lines] == run("list", "--ids").stdout.split()
    assert run("licenses", "--csv", "--json").exit_code == 2
