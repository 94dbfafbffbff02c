"""A file of facts takes the place of the Hub."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holotype import get_model
from holotype.errors import CatalogueFileError
from holotype.hub.claims import read_claims, verify_claims
from holotype.hub.verifying import Report

RECORD = replace(get_model("all-minilm-l6-v2"), context_length=256, normalize=None)


def report(tmp_path: Path, *facts: dict[str, Any]) -> Report:
    """Compare the record with these facts."""
    file = tmp_path / "facts.jsonl"
    own = {"huggingface_id": RECORD.huggingface_id, "source": "hub: a @ b"}
    file.write_text("".join(f"{json.dumps(own | fact)}\n" for fact in facts))
    return verify_claims(RECORD, read_claims(file), file.name)


def outcomes(found: Report) -> dict[str, str]:
    return {finding.field: finding.outcome for finding in found.findings}


def test_a_fact_agrees_differs_or_fills_a_gap(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        {"pointer": "/specs/context_length", "value": 512},
        {"pointer": "/specs/layers", "value": RECORD.layers},
        {"pointer": "/encoding/normalize", "value": True},
        {"pointer": "/capabilities/languages", "value": list(RECORD.languages)},
    )
    told = outcomes(found)
    assert told["context_length"] == "differ"
    assert told["layers"] == "agree"
    assert told["normalize"] == "checkpoint only"
    assert told["languages"] == "agree"
    assert told["vocab_size"] == "not said"
    assert not found.is_good


def test_the_source_stands_for_the_file(tmp_path: Path) -> None:
    (finding,) = report(tmp_path, {"pointer": "/specs/layers", "value": 7}).having("differ")
    assert (finding.theirs, finding.file) == (7, "hub: a @ b")


def test_files_of_the_checkpoint_go_first(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        {"pointer": "/specs/context_length", "value": 512, "source": "mteb: x.py"},
        {"pointer": "/specs/context_length", "value": 256},
    )
    assert found.is_good


@pytest.mark.parametrize("other", [{"kind": "sparse"}, {"huggingface_id": "acme/other"}])
def test_a_fact_of_another_model_says_nothing(tmp_path: Path, other: dict[str, str]) -> None:
    found = report(tmp_path, {"pointer": "/specs/context_length", "value": 512} | other)
    assert outcomes(found)["context_length"] == "not said"


def test_a_field_that_no_checkpoint_has_is_left_out(tmp_path: Path) -> None:
    assert report(tmp_path, {"pointer": "/release_date", "value": "2020"}).is_good


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2 is not JSON"),
        ("[]", "line 2 is no fact: expected an object with huggingface_id, pointer, value"),
        ('{"huggingface_id": "a/b", "pointer": "/license", "source": "x"}', "line 2 is no fact"),
        ('{"huggingface_id": "a/b", "pointer": 3, "value": 1, "source": "x"}', "line 2 is no fact"),
    ],
)
def test_a_line_that_is_no_fact_is_named(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(CatalogueFileError) as caught:
        read_claims(file)
    assert str(caught.value).startswith(f"{file}: {told}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueFileError, match="cannot be read"):
        read_claims(tmp_path / "none.jsonl")
