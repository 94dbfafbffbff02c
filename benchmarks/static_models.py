"""A static model of MiniLM's vocabulary, and texts whose words are as frequent as in English."""

from __future__ import annotations

import random
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np

import holotype
from corpus import CHECKPOINT
from holotype.records import DenseModel

_DIM = 256


def texts(count: int) -> list[str]:
    """Return texts of 4 to 120 words of Python's own documentation, the same in every run."""
    words = " ".join(topics.values()).split()
    chosen = random.Random(0)  # noqa: S311
    found = []
    for _ in range(count):
        length = int(4 * 30 ** chosen.random())
        start = chosen.randrange(len(words) - length)
        found.append(" ".join(words[start : start + length]))
    return found


def save(folder: Path) -> None:
    """Save a table of random vectors as model2vec does, with a weight for every token."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(CHECKPOINT / "tokenizer.json"))
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((tokenizer.get_vocab_size(), _DIM)).astype(np.float32)
    StaticModel(
        vectors, tokenizer, config={"model_type": "model2vec"}, normalize=True
    ).save_pretrained(folder)


def load_both(folder: Path) -> tuple[Any, Any]:
    """Return one static model as holotype and as model2vec load it."""
    from model2vec import StaticModel

    save(folder)
    return holotype.load(RECORD, checkpoint=folder), StaticModel.from_pretrained(folder)


RECORD: DenseModel[Any] = DenseModel(
    id="random-static",
    type="dense",
    name="Random static",
    huggingface_id="benchmarks/random-static",
    organization="Benchmarks",
    description="A table of random vectors.",
    embedding_dim=_DIM,
    architecture_type="static",
)
