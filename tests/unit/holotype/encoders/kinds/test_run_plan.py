"""What the caller chose replaces what the model says, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.holotype.hub.checkpoints import (
    as_json,
    classifier,
    colbert_pylate,
    cross_encoder,
    dense,
    saved,
    sparse,
    static,
)

from holotype.encoders.checkpoints.checkpoint import Checkpoint
from holotype.encoders.config import configure
from holotype.encoders.kinds.derived_record import derive_record
from holotype.encoders.kinds.run_plan import make_run_plan
from holotype.errors import CatalogueMismatchError, InvalidArgumentError

KINDS = {
    "dense": dense,
    "colbert": colbert_pylate,
    "sparse": sparse,
    "cross-encoder": cross_encoder,
    "static": static,
}


def planned(folder: Path, files: Any, record: Any = None, **options: Any) -> Any:
    if not folder.exists():
        saved(folder, files)
    checkpoint = Checkpoint(folder)
    record = record or derive_record(checkpoint, name="tiny")
    return make_run_plan(configure(record, **options), checkpoint)


def prompts(plan: Any) -> tuple[str, str]:
    encoding = plan.encoding
    if hasattr(encoding, "query"):
        return encoding.query.prompt.text, encoding.document.prompt.text
    return encoding.query_prompt.text, encoding.document_prompt.text


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_the_caller_are_those_of_the_run(kind: str, tmp_path: Path) -> None:
    given = {"query_prompt": "q: ", "document_prompt": "d: "}
    assert prompts(planned(tmp_path / "m", KINDS[kind](), **given)) == ("q: ", "d: ")


def test_they_replace_those_of_the_record_and_of_the_checkpoint(tmp_path: Path) -> None:
    files = dense()
    stated = {"prompts": {"query": "from the file: ", "document": ""}}
    files["config_sentence_transformers.json"] = as_json(stated)
    plan = planned(tmp_path / "m", files)
    assert prompts(plan) == ("from the file: ", "")
    assert prompts(planned(tmp_path / "m", files, query_prompt="")) == ("", "")
    record = replace(plan.record, query_prompt="from the record: ")
    with pytest.raises(CatalogueMismatchError, match="query_prompt"):
        planned(tmp_path / "m", files, record)
    run = planned(tmp_path / "m", files, record, query_prompt="mine: ")
    assert prompts(run) == ("mine: ", "")
    assert run.record is record


def test_another_difference_is_still_refused(tmp_path: Path) -> None:
    record = replace(planned(tmp_path / "m", dense()).record, hidden_dim=48)
    with pytest.raises(CatalogueMismatchError, match="hidden_dim"):
        planned(tmp_path / "m", dense(), record, query_prompt="mine: ")


def test_a_classifier_has_no_prompts(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="has no prompts; leave query_prompt= out"):
        planned(tmp_path / "m", classifier(), query_prompt="q")


@pytest.mark.parametrize("kind", ["dense", "sparse", "cross-encoder"])
def test_a_shorter_length_is_that_of_the_run(kind: str, tmp_path: Path) -> None:
    plan = planned(tmp_path / "m", KINDS[kind](), max_length=16)
    assert plan.encoding.max_length == 16
    own = planned(tmp_path / "m", None).encoding.max_length
    with pytest.raises(InvalidArgumentError, match=f"of at most {own} tokens; pass at most {own}"):
        planned(tmp_path / "m", None, max_length=own + 1)


def test_a_shorter_length_of_late_interaction_is_that_of_documents(tmp_path: Path) -> None:
    own = planned(tmp_path / "m", colbert_pylate())
    plan = planned(tmp_path / "m", None, max_length=30)
    assert plan.encoding.document.max_length == 30
    assert plan.encoding.query == own.encoding.query
    with pytest.raises(InvalidArgumentError, match="reads texts of at most 60 tokens"):
        planned(tmp_path / "m", None, max_length=61)
